package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// memory is what an idle sandbox costs besides its payload.
type memory struct {
	Name      string
	Processes int // launcher and init, without the payload
	KiB       int // their private memory: Private_* of smaps_rollup, in KiB
	Anonymous int // their anonymous memory in KiB: without pages of files that nobody else maps now
}

// memory starts a sandbox around sleep(1) with each launcher and adds up.
func (s *stage) memory(l *leg, good []row) []memory {
	var ms []memory
	for _, r := range good {
		if r.name != rowCarrel && r.name != rowLimit && r.name != rowBwrap {
			continue
		}
		argv := append(append([]string{}, r.argv[:len(r.argv)-1]...), "/bin/sleep", "30")
		m, err := s.idle(l, argv)
		if err != nil {
			s.note("memory of %s (%s): %v", r.name, l.Name, err)
			continue
		}
		m.Name = r.name
		ms = append(ms, m)
	}
	return ms
}

func (s *stage) idle(l *leg, argv []string) (m memory, err error) {
	f, err := os.Open(s.path("filter"))
	if err != nil {
		return m, err
	}
	defer f.Close()
	c := s.as(l, argv)
	for len(c.ExtraFiles) < filterFD-2 {
		c.ExtraFiles = append(c.ExtraFiles, f) // the last of them is filterFD
	}
	if err := c.Start(); err != nil {
		return m, err
	}
	sleeping := 0
	defer func() {
		_ = c.Process.Kill()
		_ = c.Wait() // its status is that of the kill
		if left := outlived(sleeping); left != nil && err == nil {
			err = left
		}
	}()
	for deadline := time.Now().Add(10 * time.Second); sleeping == 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			return m, fmt.Errorf("wait for sleep to run in the sandbox: 10 s are over")
		}
		for _, pid := range family(c.Process.Pid) {
			if name, err := os.ReadFile(procPath(pid, "comm")); err == nil && strings.TrimSpace(string(name)) == "sleep" {
				sleeping = pid
			}
		}
	}
	time.Sleep(300 * time.Millisecond) // the launcher may still be on its way to its resting state
	for _, pid := range family(c.Process.Pid) {
		if pid == sleeping {
			continue
		}
		k, anonymous, err := private(pid)
		if err != nil {
			return m, err
		}
		m.Processes++
		m.KiB += k
		m.Anonymous += anonymous
	}
	return m, nil
}

func procPath(pid int, name string) string {
	return filepath.Join("/proc", strconv.Itoa(pid), name)
}

// family is a process and all that descends from it.
func family(root int) []int {
	children := map[int][]int{}
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile(procPath(pid, "stat"))
		if err != nil {
			continue // it ended meanwhile
		}
		// The name in parentheses may hold anything, so count from its end.
		after := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		if parent, err := strconv.Atoi(after[1]); err == nil {
			children[parent] = append(children[parent], pid)
		}
	}
	all := []int{root}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}

// outlived ends a payload that is still there after its launcher was killed,
// and says so.
func outlived(pid int) error {
	if pid == 0 {
		return nil
	}
	for range 250 {
		name, err := os.ReadFile(procPath(pid, "comm"))
		if err != nil || strings.TrimSpace(string(name)) != "sleep" {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return nil // it ended at last
	}
	return fmt.Errorf("kill the launcher: its payload lived on")
}

// private is the private memory of a process, and its anonymous memory, in KiB.
func private(pid int) (sum, anonymous int, err error) {
	text, err := os.ReadFile(procPath(pid, "smaps_rollup"))
	if err != nil {
		return 0, 0, err
	}
	seen := false
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) != 3 || !strings.HasPrefix(f[0], "Private_") && f[0] != "Anonymous:" {
			continue
		}
		n, err := strconv.Atoi(f[1])
		if err != nil {
			return 0, 0, err
		}
		if f[0] == "Anonymous:" {
			anonymous += n
		} else {
			sum, seen = sum+n, true
		}
	}
	if !seen {
		return 0, 0, fmt.Errorf("read smaps_rollup of process %d: no private memory in it", pid)
	}
	return sum, anonymous, nil
}
