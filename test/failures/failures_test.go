// Package failures holds the proof by failure: every op of every preset's plan, and every step of the parent, is made to fail
// once, and each time the program must not have run, the error must name the op, and nothing may be left behind.
package failures

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-0dbaba02/carrel/internal/compile"
	"github.com/seed-0dbaba02/carrel/internal/forkexec"
	"github.com/seed-0dbaba02/carrel/internal/frontend/flags"
	"github.com/seed-0dbaba02/carrel/internal/frontend/view"
	"github.com/seed-0dbaba02/carrel/internal/host"
	"github.com/seed-0dbaba02/carrel/internal/launch"
	"github.com/seed-0dbaba02/carrel/internal/plan"
	"github.com/seed-0dbaba02/carrel/internal/supervisor"
)

// makePlan compiles a command line as cmd/carrel does.
func makePlan(t *testing.T, dir string, args ...string) *plan.Plan {
	t.Helper()
	c, err := flags.Parse(append([]string{"run"}, args...))
	if err != nil {
		t.Fatal(err)
	}
	f, err := host.Probe()
	if err != nil {
		t.Fatal(err)
	}
	if err := host.SubIDs(f); err != nil && c.Policy.Subids != nil {
		t.Skip("not exercised: this user has no subordinate ids: " + err.Error())
	}
	look := func(root, name string) host.Path {
		if p := f.Find(root, name); p != nil {
			return *p
		}
		f.Paths = append(f.Paths, host.Look(root, name))
		return f.Paths[len(f.Paths)-1]
	}
	env := view.Env{Cwd: dir, Environ: []string{"PATH=/usr/bin:/bin", "HOME=" + dir + "/home"}, Facts: f, Args: c.Args}
	if c.Policy.Subids != nil && len(f.SubUIDs) == 0 {
		t.Skip("not exercised: this user has no subordinate ids")
	}
	d, _, err := view.Document(c.Policy, env, look)
	if err != nil {
		t.Fatal(err)
	}
	d.Ext.Gate = c.Receipt != ""
	for _, w := range compile.Wants(d) {
		look(w.Root, w.Name)
	}
	p, err := compile.Compile(d, f, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// ledger is what a failed launch must not change.
type ledger struct {
	fds, mounts, children string
	files                 string
}

func take(t *testing.T, dir string) ledger {
	t.Helper()
	var l ledger
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && !strings.Contains(to, "/proc/") {
			l.fds += e.Name() + " " + to + "\n"
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	l.mounts = string(mounts)
	tasks, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range tasks {
		b, _ := os.ReadFile(name)
		l.children += string(b)
	}
	err = filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		l.files += path + "\n"
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func compare(t *testing.T, what string, before, after ledger) {
	t.Helper()
	for _, p := range [][3]string{{"descriptors", before.fds, after.fds}, {"mounts", before.mounts, after.mounts}, {"children", before.children, after.children}, {"files", before.files, after.files}} {
		if p[1] != p[2] {
			t.Errorf("%s: %s changed:\n%s\nbefore:\n%s", what, p[0], p[2], p[1])
		}
	}
}

// cases are command lines whose plans differ in kind.
var cases = []struct {
	name string
	args []string
	root bool // needs root
}{
	{name: "strict"},
	{name: "strict-receipt", args: []string{"--receipt", "-"}},
	{name: "dev", args: []string{"--preset", "dev"}},
	{name: "judge", args: []string{"--preset", "judge"}},
	{name: "none-ns", args: []string{"--preset", "none", "--ns", "user,mount,pid,net,ipc,uts,cgroup,time", "--hostname", "x"}},
	{name: "share-pid", args: []string{"--share", "pid"}},
	{name: "caps", args: []string{"--cap-add", "net_bind_service", "--uid", "7", "--gid", "7"}},
	{name: "entries", args: []string{"--tmpfs", "/scratch", "--dir", "/scratch/d", "--symlink", "d", "/scratch/l", "--file", "/etc/hostname=x", "--hide", "/etc/passwd", "--hide", "/usr/share", "--boottime-offset", "60"}},
	{name: "subids", args: []string{"--subids"}},
	{name: "terminal", args: []string{"--tty", "always"}},
}

// TestEveryOpFailsOnce injects an errno into each op of each plan.
func TestEveryOpFailsOnce(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := workspace(t)
			marker := filepath.Join(dir, "out", "ran")
			args := append(append([]string{"--rw", filepath.Join(dir, "out")}, c.args...), "--", "/bin/sh", "-c", "echo ran >"+marker)
			control(t, dir, marker, args)
			p := makePlan(t, dir, args...)
			programs := []*launch.Program{p.Programs.Setup, p.Programs.Payload}
			for n, prog := range programs {
				if prog == nil {
					continue
				}
				for i := range prog.Ops {
					failOp(t, dir, marker, args, &forkexec.Inject{Payload: n == 1, Op: i, Errno: syscall.ENOSPC})
				}
			}
		})
	}
}

func workspace(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out")
	if err := os.Mkdir(out, 0o755); err != nil {
		t.Fatal(err)
	}
	// Other ids inside must reach it and write to it.
	for name, mode := range map[string]os.FileMode{filepath.Dir(dir): 0o755, dir: 0o755, out: 0o777} {
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// control shows that without the failure the program runs, so that its not running means something.
func control(t *testing.T, dir, marker string, args []string) {
	t.Helper()
	p := makePlan(t, dir, args...)
	s, err := supervisor.Start(p, &supervisor.Options{})
	if err != nil {
		t.Fatalf("control: %v", err)
	}
	if s.Master >= 0 {
		drain(s.Master)
	}
	if ws, err := s.Wait(); err != nil || ws.ExitStatus() != 0 {
		t.Fatalf("control: status %v, %v", ws, err)
	}
	if _, err := os.Stat(marker); err != nil {
		t.Fatalf("control: the program left no mark: %v", err)
	}
	if err := os.Remove(marker); err != nil {
		t.Fatal(err)
	}
}

// drain reads a terminal until its other side is closed.
func drain(fd int) {
	var b [512]byte
	for {
		if n, err := syscall.Read(fd, b[:]); n <= 0 && err != syscall.EINTR {
			return
		}
	}
}

func failOp(t *testing.T, dir, marker string, args []string, in *forkexec.Inject) {
	t.Helper()
	before := take(t, dir)
	p := makePlan(t, dir, args...)
	prog, where := p.Programs.Setup, "set-up op "
	if in.Payload {
		prog, where = p.Programs.Payload, "payload op "
	}
	o := &prog.Ops[in.Op]
	what := where + strconv.Itoa(in.Op) + " " + o.Call.String() + " " + o.Subject
	s, err := supervisor.Start(p, &supervisor.Options{Inject: in})
	if err == nil {
		s.Close()
		t.Fatalf("%s: the start succeeded", what)
	}
	var e *supervisor.SetupError
	if !errors.As(err, &e) {
		t.Fatalf("%s: error is %T: %v", what, err, err)
	}
	if e.Errno != syscall.ENOSPC || !strings.HasPrefix(e.Op, o.Call.String()) || e.Where != where+strconv.Itoa(in.Op) {
		t.Errorf("%s: error does not name it: %v", what, err)
	}
	if _, err := os.Stat(marker); err == nil {
		t.Errorf("%s: the program ran", what)
		_ = os.Remove(marker)
	}
	compare(t, what, before, take(t, dir))
}

// TestEveryHostStepFailsOnce does the same for what the parent does.
func TestEveryHostStepFailsOnce(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := workspace(t)
			marker := filepath.Join(dir, "out", "ran")
			args := append(append([]string{"--rw", filepath.Join(dir, "out")}, c.args...), "--", "/bin/sh", "-c", "echo ran >"+marker)
			for step := 1; ; step++ {
				before := take(t, dir)
				p := makePlan(t, dir, args...)
				s, err := supervisor.Start(p, &supervisor.Options{FailHost: step})
				if err == nil { // there is no such step: all have failed once
					if s.Master >= 0 {
						drain(s.Master)
					}
					if _, err := s.Wait(); err != nil {
						t.Fatal(err)
					}
					if step == 1 {
						t.Fatal("no host step at all")
					}
					return
				}
				var e *supervisor.SetupError
				if !errors.As(err, &e) || e.Where != "host step "+strconv.Itoa(step) {
					t.Fatalf("step %d: %v", step, err)
				}
				if _, err := os.Stat(marker); err == nil {
					t.Errorf("step %d: the program ran", step)
				}
				compare(t, "host step "+strconv.Itoa(step), before, take(t, dir))
			}
		})
	}
}
