package forkexec

import (
	"errors"
	"os"
	"runtime"
	"syscall"
	"testing"

	"github.com/seed-0dbaba02/carrel/internal/launch"
	"github.com/seed-0dbaba02/carrel/internal/linux"
)

// initCalls is the shortest ending of a set-up program: it becomes init.
func becomeInit(b *launch.Builder) {
	b.Do(launch.RtSigprocmask, "", launch.I(2), b.Words(^uint64(0)), launch.I(0), launch.I(8))
	b.Do(launch.Spawn, "").To(0)
	b.Do(launch.Dup3, "", launch.H(launch.HostStatus), launch.I(0), launch.I(0))
	b.Do(launch.Commit, "")
	b.Do(launch.Execveat, "init", launch.H(launch.HostInit), b.Str(""), b.Vector([]string{"init"}), b.Vector(nil), launch.I(0x1000))
}

func payload(argv ...string) *launch.Program {
	var p launch.Builder
	p.Do(launch.RtSigprocmask, "", launch.I(2), p.Words(0), launch.I(0), launch.I(8))
	p.Do(launch.Await, "")
	p.Do(launch.Execve, argv[0], p.Str(argv[0]), p.Vector(argv), p.Vector(os.Environ()))
	return &p.Program
}

func start(t *testing.T, o *Options) *Launch {
	t.Helper()
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	o.Host = append(o.Host, make([]int, launch.HostFirst)...)
	o.Programs.Hosts = len(o.Host)
	l, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

func reap(t *testing.T, l *Launch) syscall.WaitStatus {
	t.Helper()
	var ws syscall.WaitStatus
	for {
		_, err := syscall.Wait4(l.PID, &ws, 0, nil)
		if err == nil {
			return ws
		}
		if err != syscall.EINTR {
			t.Fatal(err)
		}
	}
}

func TestSingleProgram(t *testing.T) {
	var b launch.Builder
	b.Do(launch.Execve, "sh", b.Str("/bin/sh"), b.Vector([]string{"sh", "-c", "exit 42"}), b.Vector(nil))
	l := start(t, &Options{Programs: launch.Pair{Setup: &b.Program}, NoInit: true})
	if stage, err := l.Next(false); stage != 0 || err != nil {
		t.Fatal(stage, err)
	}
	if f := l.Failed(); f != nil {
		t.Fatalf("failed: %+v", f)
	}
	if ws := reap(t, l); ws.ExitStatus() != 42 {
		t.Fatalf("status %d", ws.ExitStatus())
	}
}

func TestFailureNamesOp(t *testing.T) {
	var b launch.Builder
	b.Do(launch.Chdir, "", b.Str("/"))
	b.Do(launch.Execve, "none", b.Str("/no/such/program"), b.Vector([]string{"x"}), b.Vector(nil))
	l := start(t, &Options{Programs: launch.Pair{Setup: &b.Program}, NoInit: true})
	if _, err := l.Next(false); err != nil {
		t.Fatal(err)
	}
	f := l.Failed()
	if f == nil || f.Op != 1 || f.Errno != syscall.ENOENT || f.Payload {
		t.Fatalf("failure %+v", f)
	}
	reap(t, l)
}

func TestInitReportsEndings(t *testing.T) {
	for _, c := range []struct {
		script string
		want   uint32
	}{
		{"exit 7", 0x80000000 | 7<<8},
		{"kill -9 $$", 0x80000000 | 9},
		{"setsid sleep 1000 >/dev/null 2>&1 & exit 3", 3 << 8},
	} {
		var b launch.Builder
		becomeInit(&b)
		l := start(t, &Options{Programs: launch.Pair{Setup: &b.Program, Payload: payload("/bin/sh", "-c", c.script)}, Clone: newNamespaces(t)})
		if stage, err := l.Next(false); stage != 0 || err != nil {
			t.Fatal(stage, err)
		}
		if f := l.Failed(); f != nil {
			t.Fatalf("failed: %+v", f)
		}
		buf := make([]byte, 4)
		n, err := syscall.Read(l.Status, buf)
		if n != 4 || err != nil {
			t.Fatal(n, err)
		}
		got := uint32(buf[0]) | uint32(buf[1])<<8 | uint32(buf[2])<<16 | uint32(buf[3])<<24
		if got != c.want {
			t.Errorf("%s: status %#x, want %#x", c.script, got, c.want)
		}
		reap(t, l)
	}
}

func newNamespaces(t *testing.T) uint64 {
	t.Helper()
	return linux.CloneNewuser | linux.CloneNewpid
}

func TestInjectedPayloadFailureStopsAll(t *testing.T) {
	var b launch.Builder
	becomeInit(&b)
	p := payload("/bin/true")
	l := start(t, &Options{Programs: launch.Pair{Setup: &b.Program, Payload: p}, Clone: newNamespaces(t), Inject: &Inject{Payload: true, Op: len(p.Ops) - 1, Errno: syscall.ENOMEM}})
	if stage, err := l.Next(false); stage != 0 || err != nil {
		t.Fatal(stage, err)
	}
	f := l.Failed()
	if f == nil || !f.Payload || f.Errno != syscall.ENOMEM {
		t.Fatalf("failure %+v", f)
	}
	reap(t, l)
}

func TestSetupFailureBeforeCommitNeverRunsPayload(t *testing.T) {
	marker := t.TempDir() + "/ran"
	var b launch.Builder
	becomeInit(&b)
	// The dup3 after the spawn fails: the payload is alive by then and must not execute.
	l := start(t, &Options{Programs: launch.Pair{Setup: &b.Program, Payload: payload("/bin/sh", "-c", "touch "+marker)}, Clone: newNamespaces(t), Inject: &Inject{Op: 2, Errno: syscall.EIO}})
	if stage, err := l.Next(false); stage != 0 || err != nil {
		t.Fatal(stage, err)
	}
	if f := l.Failed(); f == nil || f.Op != 2 {
		t.Fatalf("failure %+v", f)
	}
	reap(t, l)
	if _, err := os.Stat(marker); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("the payload ran: %v", err)
	}
}

func TestInitCodeIsWhole(t *testing.T) {
	if n := codeLen(initCode()); n >= initLimit {
		t.Fatalf("end mark not found within %d bytes", initLimit)
	}
}
