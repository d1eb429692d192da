package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// settle is how long processes of a finished leg may take to go away. It is
// generous: the machine may be busy, and it is only used up when one stays.
const settle = 10 * time.Second

// orphans collects the processes that the tests abandon. This process is their
// subreaper (PR_SET_CHILD_SUBREAPER, Linux 3.4), so what is still there after a
// leg was certainly started by it. The dead ones are reaped at once, so that a
// test that waits for a process to vanish does not wait for a zombie.
type orphans struct {
	mu    sync.Mutex
	known map[int]bool // our own commands; their Wait reaps them
}

func adoptOrphans() (*orphans, error) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("become a subreaper: %w", err)
	}
	o := &orphans{known: make(map[int]bool)}
	go func() {
		for range time.Tick(10 * time.Millisecond) {
			o.reap()
		}
	}()
	return o, nil
}

func (o *orphans) start(command *exec.Cmd) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := command.Start(); err != nil {
		return err
	}
	o.known[command.Process.Pid] = true
	return nil
}

func (o *orphans) forget(command *exec.Cmd) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.known, command.Process.Pid)
}

// output runs a command of our own to its end. The error holds what it wrote to
// standard error.
func (o *orphans) output(command *exec.Cmd) ([]byte, error) {
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := o.start(command); err != nil {
		return nil, err
	}
	defer o.forget(command)
	if err := command.Wait(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", strings.Join(command.Args, " "), err, stderr.Bytes())
	}
	return stdout.Bytes(), nil
}

func (o *orphans) reap() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, pid := range children() {
		if !o.known[pid] {
			_, _ = unix.Wait4(pid, nil, unix.WNOHANG, nil) // still running, or gone: nothing to do
		}
	}
}

// end waits for the leg's processes to go away, ends those that do not, and
// returns one line for each of them.
func (o *orphans) end() []string {
	deadline := time.Now().Add(settle)
	for time.Now().Before(deadline) {
		o.reap()
		if len(children()) == 0 {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	var left []string
	for _, pid := range children() {
		command, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
		left = append(left, fmt.Sprintf("pid %d: %s", pid, strings.ReplaceAll(strings.Trim(string(command), "\x00"), "\x00", " ")))
		if err := unix.Kill(pid, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
			left = append(left, fmt.Sprintf("pid %d: kill: %v", pid, err))
		}
	}
	return left
}

// children reads /proc for the processes whose parent we are.
func children() []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	parent := strconv.Itoa(os.Getpid())
	var pids []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + entry.Name() + "/stat")
		if err != nil {
			continue
		}
		// "pid (name) state ppid ...": the name may hold anything, so count from its end.
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		if len(fields) > 1 && fields[1] == parent {
			pids = append(pids, pid)
		}
	}
	return pids
}
