package containment

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// adopt makes this process the parent of what its children abandon, so that a
// process which outlives its launcher is certainly found. It returns the
// processes that are there already.
func adopt(t *testing.T) map[int]bool {
	t.Helper()
	must(t, unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
	t.Cleanup(func() { _ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0) })
	known := map[int]bool{}
	for _, pid := range children(t, os.Getpid()) {
		known[pid] = true
	}
	return known
}

// abandoned reaps the dead among the adopted, and lists the living.
func abandoned(t *testing.T, known map[int]bool) (living []int) {
	t.Helper()
	for _, pid := range children(t, os.Getpid()) {
		if known[pid] {
			continue
		}
		if got, _ := unix.Wait4(pid, nil, unix.WNOHANG, nil); got == pid {
			continue
		}
		living = append(living, pid)
	}
	return living
}

// survivors waits for all that a killed launcher left to go away, and lists
// what can still run after the time that is promised. What the kernel is still
// taking apart runs no more: it has no memory left, and is waited for longer.
func survivors(t *testing.T, known map[int]bool, tag string) (left []int) {
	t.Helper()
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		left = processes(tag, false)
		for _, pid := range abandoned(t, known) {
			if !slices.Contains(left, pid) && (hasMemory(pid) || time.Since(began) > patience/2) {
				left = append(left, pid)
			}
		}
		if len(left) > 0 && time.Since(began) > promised {
			return left
		}
		if len(left) == 0 && len(abandoned(t, known)) == 0 {
			return nil
		}
	}
}

// hasMemory reports whether a process has an address space: it loses that when
// it ends, before its last system resources are gone.
func hasMemory(pid int) bool {
	text, err := os.ReadFile(proc(pid, "status"))
	return err == nil && bytes.Contains(text, []byte("\nVmSize:"))
}

// promised is how soon after the launcher's death nothing of the sandbox is left.
const promised = time.Second

// endAll ends processes that this test has started, by number.
func endAll(t *testing.T, pids []int) {
	t.Helper()
	for _, pid := range pids {
		_ = unix.Kill(pid, unix.SIGKILL)
	}
	until(func() bool {
		for _, pid := range pids {
			_, _ = unix.Wait4(pid, nil, unix.WNOHANG, nil)
			if unix.Kill(pid, 0) == nil {
				return false
			}
		}
		return true
	})
}

func TestR3KillTheLauncher(t *testing.T) {
	known := adopt(t)
	// The first moments of a launch are the interesting ones: spread over twice its length, and now and then much later.
	began := time.Now()
	ran(t, strict(t).run("hold"))
	span := min(2*time.Since(began), 50*time.Millisecond)
	boxes := []*box{strict(t), strict(t, "--rw", t.TempDir()), rooted(t, newRootfs(t)), strict(t, "--preset", "judge")}
	outlived, executed := 0, 0
	const moments = 300
	for i := range moments {
		b := boxes[i%len(boxes)]
		words := []string{"hold"}
		if i%3 == 0 {
			words = []string{"forks", "-tag=TAG", "-hold", "hold"}
		}
		tag := newTag()
		command := b.command(tag, true, words)
		in, err := command.StdinPipe()
		must(t, err)
		must(t, command.Start())
		known[command.Process.Pid] = true
		moment := time.Duration(rand.Int64N(int64(span)))
		if i%10 == 9 { // the launcher is a waiter of two pages by then
			until(func() bool { return len(tagged(tag)) > 0 })
		}
		time.Sleep(moment)
		if len(tagged(tag)) > 0 {
			executed++
		}
		must(t, command.Process.Kill())
		_ = command.Wait()
		delete(known, command.Process.Pid)
		if left := survivors(t, known, tag); len(left) > 0 {
			outlived++
			var what []string
			for _, pid := range left {
				text, _ := os.ReadFile(proc(pid, "cmdline"))
				what = append(what, strconv.Itoa(pid)+": "+string(bytes.ReplaceAll(text, []byte{0}, []byte{' '})))
			}
			t.Errorf("killed after %v, and alive %v later: %s", moment, promised, strings.Join(what, "; "))
			endAll(t, left)
		}
		_ = in.Close()
	}
	t.Logf("%d kills, %d of them after the program had started, %d left something", moments, executed, outlived)
	if executed < moments/20 {
		t.Errorf("only %d of %d programs had started when the launcher was killed", executed, moments)
	}

	b := naked(t)
	b.before = []string{"/bin/sh", "-c", `"$@" <&3 & wait`, "sh"}
	r, w, err := os.Pipe()
	must(t, err)
	defer r.Close()
	defer w.Close()
	b.files = []*os.File{r}
	tag := newTag()
	command := b.command(tag, true, []string{"hold"})
	must(t, command.Start())
	known[command.Process.Pid] = true
	until(func() bool { return len(tagged(tag)) > 0 })
	must(t, command.Process.Kill())
	_ = command.Wait()
	left := survivors(t, known, tag)
	control(t, len(left) > 0, "a program outlives a launcher that does not look after it")
	endAll(t, left)
}

// A ledger is what launches could leave behind.
type ledger struct {
	mounts     string
	processes  []int
	namespaces map[string]bool
	files      string
	held       int
}

func take(t *testing.T, known map[int]bool, places ...string) ledger {
	t.Helper()
	l := ledger{mounts: hostMounts(t), namespaces: map[string]bool{}}
	l.processes = abandoned(t, known)
	for _, pid := range append(l.processes, os.Getpid()) {
		for _, kind := range []string{"user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time"} {
			if link, err := os.Readlink(proc(pid, "ns/"+kind)); err == nil {
				l.namespaces[link] = true
			}
		}
	}
	for _, dir := range places {
		l.files += fingerprint(t, dir)
	}
	held, err := descriptors(os.Getpid())
	must(t, err)
	l.held = len(held)
	return l
}

// difference says what is in the second ledger and not in the first.
func (l ledger) difference(after ledger) (list []string) {
	if l.mounts != after.mounts {
		list = append(list, "the host's mounts have changed")
	}
	if len(after.processes) > len(l.processes) {
		list = append(list, fmt.Sprintf("processes are left: %v", after.processes))
	}
	for ns := range after.namespaces {
		if !l.namespaces[ns] {
			list = append(list, "a process of a new namespace is left: "+ns)
		}
	}
	if l.files != after.files {
		list = append(list, "files have changed:\n"+l.files+"became\n"+after.files)
	}
	if after.held > l.held {
		list = append(list, fmt.Sprintf("%d descriptors were held and %d are", l.held, after.held))
	}
	return list
}

func TestR1LeakLedger(t *testing.T) {
	known := adopt(t)
	scratch := t.TempDir()
	rootfs := newRootfs(t)
	boxes := []*box{strict(t), strict(t, "--rw", scratch, "--hide", scratch+"/none"), rooted(t, rootfs), strict(t, "--preset", "judge"), strict(t, "--tty", "always"),
		strict(t, "--receipt", "/dev/null"), strict(t, "--join", "net=/proc/self/ns/nothing"), strict(t, "--workdir", "/none")}
	for _, b := range boxes {
		b.env = append(b.env, "TMPDIR="+scratch)
		b.run("forks", "hold") // what the first launch of each kind makes, such as the probe in a rootfs, is no leak
	}
	until(func() bool { return len(abandoned(t, known)) == 0 })
	before := take(t, known, scratch, rootfs)
	for i := range 200 {
		boxes[i%len(boxes)].run("forks", "-hold", "hold")
	}
	until(func() bool { return len(abandoned(t, known)) == 0 })
	if list := before.difference(take(t, known, scratch, rootfs)); len(list) > 0 {
		t.Error(strings.Join(list, "\n"))
	}

	// Each entry of the ledger notices when something is left.
	b := unshared(t, unix.CLONE_NEWNET)
	stray := b.start("hold")
	_ = os.WriteFile(filepath.Join(scratch, "left"), nil, 0o644)
	after := take(t, known, scratch, rootfs)
	control(t, len(before.difference(after)) >= 4, fmt.Sprint("a process, its namespaces, its descriptors and a file are noticed: ", before.difference(after)))
	stray.end()
}

// racing swaps two names as fast as it can until it is told to stop.
func racing(a, b string, stop <-chan struct{}) (done chan int) {
	done = make(chan int, 1)
	go func() {
		swaps := 0
		for {
			select {
			case <-stop:
				if swaps%2 == 1 {
					_ = unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
				}
				done <- swaps
				return
			default:
				if unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE) == nil {
					swaps++
				}
			}
		}
	}()
	return done
}

func TestA2MountSwapRace(t *testing.T) {
	c := newCanary(t)
	must(t, os.MkdirAll(filepath.Join(c.dir, "pts"), 0o777)) // what a launch looks for below /dev
	must(t, os.Chmod(filepath.Join(c.dir, "pts"), 0o777))
	c.changed()
	for name, prepare := range map[string]func() (a, b string, launch *box, words []string){
		"granted directory": func() (string, string, *box, []string) {
			dir := t.TempDir()
			must(t, os.Mkdir(filepath.Join(dir, "real"), 0o777))
			must(t, os.Symlink(c.dir, filepath.Join(dir, "link")))
			return filepath.Join(dir, "real"), filepath.Join(dir, "link"), strict(t, "--rw", filepath.Join(dir, "real")), []string{"cat", filepath.Join(dir, "real", "secret")}
		},
		"above a granted directory": func() (string, string, *box, []string) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "real", "secret"), "harmless")
			must(t, os.Symlink(c.dir, filepath.Join(dir, "link")))
			at := filepath.Join(dir, "real", "secret")
			return filepath.Join(dir, "real"), filepath.Join(dir, "link"), strict(t, "--rw", at), []string{"cat", at}
		},
		"dev of a rootfs":  func() (string, string, *box, []string) { return racedRootfs(t, c, "dev") },
		"proc of a rootfs": func() (string, string, *box, []string) { return racedRootfs(t, c, "proc") },
		"masks in a rootfs": func() (string, string, *box, []string) {
			a, b, launch, _ := racedRootfs(t, c, "proc")
			must(t, os.Remove(b))
			must(t, os.Symlink("/proc", b)) // the host's, for as long as the old root is there
			return a, b, launch, []string{"cat", "/proc/self/mountinfo"}
		},
		"tmp of a rootfs": func() (string, string, *box, []string) {
			a, b, launch, words := racedRootfs(t, c, "tmp")
			launch.flags = append(launch.flags, "--dir", "/tmp/made", "--file", "/tmp/secret=x", "--symlink", "/x", "/tmp/link", "--hide", "/tmp/hidden")
			return a, b, launch, words
		},
		"tmpfs in a granted directory": func() (string, string, *box, []string) {
			dir := t.TempDir()
			at := filepath.Join(dir, "real")
			must(t, os.Mkdir(at, 0o777))
			must(t, os.Symlink(c.dir, filepath.Join(dir, "link")))
			return at, filepath.Join(dir, "link"), strict(t, "--rw", dir, "--tmpfs", at, "--dir", at+"/made", "--file", at+"/secret=x", "--symlink", "/x", at+"/linked"), []string{"cat", at + "/secret"}
		},
		"etc of a rootfs": func() (string, string, *box, []string) {
			a, b, launch, words := racedRootfs(t, c, "etc")
			launch.flags = append(launch.flags, "--file", "/etc/secret=x", "--ro-at", filepath.Join(bin, "probe"), "/etc/hosts")
			write(t, filepath.Join(a, "secret"), "harmless")
			write(t, filepath.Join(a, "hosts"), "harmless")
			return a, b, launch, words
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, b, launch, words := prepare()
			launch.t, c.t = t, t
			before := hostMounts(t)
			stop := make(chan struct{})
			done := racing(a, b, stop)
			launches, ran, exposed := 0, 0, 0
			for deadline := time.Now().Add(1500 * time.Millisecond); time.Now().Before(deadline); launches++ {
				r := launch.run(words...)
				if strings.Contains(r.out, "done") {
					ran++
				}
				if strings.Contains(r.out, c.token) || name == "masks in a rootfs" && unmaskedProc(r.out) {
					exposed++
				}
			}
			close(stop)
			swaps := <-done
			t.Logf("%d launches, %d of them ran, %d swaps", launches, ran, swaps)
			if exposed > 0 {
				t.Errorf("%d of %d launches exposed what they must not", exposed, launches)
			}
			c.intact()
			c.reset()
			if hostMounts(t) != before {
				t.Error("the host's mounts have changed")
			}
			if swaps < launches {
				t.Errorf("the racer made %d swaps in %d launches: it was no race", swaps, launches)
			}
		})
	}
	c.t = t
	dir := t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "real"), 0o777))
	must(t, os.Symlink(c.dir, filepath.Join(dir, "link")))
	stop := make(chan struct{})
	done := racing(filepath.Join(dir, "real"), filepath.Join(dir, "link"), stop)
	exposed := until(func() bool {
		at := filepath.Join(dir, "real")
		for range 1000 {
			if info, err := os.Lstat(at); err == nil && info.IsDir() {
				if text, err := os.ReadFile(filepath.Join(at, "secret")); err == nil && string(text) == c.token {
					return true
				}
			}
		}
		return false
	})
	close(stop)
	<-done
	control(t, exposed, "a launcher that checks a path and then uses it loses the race")
}

// racedRootfs is a rootfs in which a racer can swap one directory for a link
// to the canary.
func racedRootfs(t *testing.T, c *canary, name string) (a, b string, launch *box, words []string) {
	t.Helper()
	rootfs := newRootfs(t)
	a, b = filepath.Join(rootfs, name), filepath.Join(rootfs, "other")
	must(t, os.Symlink(c.dir, b))
	return a, b, rooted(t, rootfs, "--writable-rootfs"), []string{"cat", "/" + name + "/secret"}
}

// unmaskedProc reports whether a mountinfo shows a proc file system without mounts on keys and sys. It goes by mount numbers,
// not by paths: the racer renames the mount point while the kernel prints the lines, so that one mount's line and its children's
// can name different directories.
func unmaskedProc(mountinfo string) bool {
	for line := range strings.Lines(mountinfo) {
		proc := strings.Fields(line)
		if !strings.Contains(line, " - proc ") || len(proc) < 5 || proc[3] != "/" {
			continue
		}
		keys, sys := false, false
		for line := range strings.Lines(mountinfo) {
			if f := strings.Fields(line); len(f) > 5 && f[1] == proc[0] {
				keys = keys || strings.HasSuffix(f[4], "/keys")
				sys = sys || strings.HasSuffix(f[4], "/sys") && strings.HasPrefix(f[5], "ro")
			}
		}
		if !keys || !sys {
			return true
		}
	}
	return false
}
