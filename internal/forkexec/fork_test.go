package forkexec

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-0dbaba02/carrel/internal/launch"
)

// styles are the two ways to start: sharing the caller's memory, and with a copy of it.
var styles = []struct {
	name string
	fork bool
}{{"shared memory", false}, {"fork", true}}

// decided waits until the launch is decided. The read is one that Go's scheduler knows of, and a launch that hangs is killed,
// so that the test fails instead of hanging with it.
func decided(t *testing.T, l *Launch) {
	t.Helper()
	guard := time.AfterFunc(time.Minute, func() {
		_, _, _ = syscall.Syscall6(sysPidfdSendSignal, uintptr(l.Pidfd), uintptr(syscall.SIGKILL), 0, 0, 0, 0)
	})
	stage, err := l.Next(false)
	if !guard.Stop() {
		t.Fatal("the launch hangs")
	}
	if stage != 0 || err != nil {
		t.Fatal(stage, err)
	}
}

const sysPidfdSendSignal = 424

// TestBothStyles repeats what init must do in both styles: tell how the program ended, and reap what is left.
func TestBothStyles(t *testing.T) {
	for _, s := range styles {
		t.Run(s.name, func(t *testing.T) {
			for script, want := range map[string]uint32{
				"exit 7": 0x80000000 | 7<<8, "kill -9 $$": 0x80000000 | 9, "setsid sleep 1000 >/dev/null 2>&1 & exit 3": 3 << 8,
			} {
				var b launch.Builder
				becomeInit(&b)
				l := start(t, &Options{Programs: launch.Pair{Setup: &b.Program, Payload: payload("/bin/sh", "-c", script)}, Clone: newNamespaces(t), Fork: s.fork})
				decided(t, l)
				if f := l.Failed(); f != nil || !l.Ready() {
					t.Fatalf("failed: %+v, ready %v", f, l.Ready())
				}
				var buf [4]byte
				if n, err := syscall.Read(l.Status, buf[:]); n != 4 || err != nil {
					t.Fatal(n, err)
				}
				if got := uint32(buf[0]) | uint32(buf[1])<<8 | uint32(buf[2])<<16 | uint32(buf[3])<<24; got != want {
					t.Errorf("%s: status %#x, want %#x", script, got, want)
				}
				reap(t, l)
			}
		})
	}
}

// TestEveryFailureIsNamed fails every op of both programs in both styles: each is named, whatever ran by then, and the user's
// program never starts, not even where only the exec of init fails, after all else is done.
func TestEveryFailureIsNamed(t *testing.T) {
	pair := func(marker string) launch.Pair {
		var b launch.Builder
		becomeInit(&b)
		return launch.Pair{Setup: &b.Program, Payload: payload("/bin/sh", "-c", "echo >"+marker)}
	}
	for _, s := range styles {
		for _, inPayload := range []bool{false, true} {
			p := pair("")
			ops := p.Setup.Ops
			if inPayload {
				ops = p.Payload.Ops
			}
			for i := range ops {
				marker := t.TempDir() + "/ran"
				l := start(t, &Options{Programs: pair(marker), Clone: newNamespaces(t), Fork: s.fork, Inject: &Inject{Payload: inPayload, Op: i, Errno: syscall.EDQUOT}})
				decided(t, l)
				f := l.Failed()
				if f == nil || *f != (Failure{inPayload, i, syscall.EDQUOT}) {
					t.Errorf("%s: op %d (%s) of payload %v: failure %+v", s.name, i, ops[i].Call, inPayload, f)
				}
				if inPayload { // init is there by then and reports the program's end, or the set-up ended
					var buf [4]byte
					_, _ = syscall.Read(l.Status, buf[:])
				}
				reap(t, l)
				if _, err := os.Stat(marker); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("%s: op %d of payload %v failed, and the program ran: %v", s.name, i, inPayload, err)
				}
			}
		}
	}
}

// TestSetupKilled kills the set-up process while the payload waits for it: the payload must not go on.
func TestSetupKilled(t *testing.T) {
	for _, s := range styles {
		marker := t.TempDir() + "/ran"
		var b launch.Builder
		b.Do(launch.Spawn, "").To(0)
		b.Do(launch.Sync, "", launch.I(1), launch.H(launch.HostReport))
		b.Do(launch.Commit, "")
		b.Do(launch.Execveat, "init", launch.H(launch.HostInit), b.Str(""), b.Vector([]string{"init"}), b.Vector(nil), launch.I(0x1000))
		l := start(t, &Options{Programs: launch.Pair{Setup: &b.Program, Payload: payload("/bin/sh", "-c", "echo >"+marker)}, Clone: newNamespaces(t), Fork: s.fork})
		if stage, err := l.Next(false); stage != 1 || err != nil {
			t.Fatalf("%s: stage %d, %v", s.name, stage, err)
		}
		if err := syscall.Kill(l.PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		decided(t, l)
		if ws := reap(t, l); !ws.Signaled() || l.Ready() || l.Failed() != nil {
			t.Errorf("%s: status %v, ready %v, failure %+v", s.name, ws, l.Ready(), l.Failed())
		}
		if _, err := os.Stat(marker); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: the program ran: %v", s.name, err)
		}
	}
}

// TestCommitIsNotTheEnd holds the set-up process between its commit and its exec, and lets the exec fail: the program must
// not have started on the strength of the commit. The wait gives a program that wrongly started the time to show it.
func TestCommitIsNotTheEnd(t *testing.T) {
	for _, s := range styles {
		marker := t.TempDir() + "/ran"
		var b launch.Builder
		b.Do(launch.Spawn, "").To(0)
		b.Do(launch.Commit, "")
		b.Do(launch.Sync, "", launch.I(1), launch.H(launch.HostReport))
		b.Do(launch.Execveat, "init", launch.I(-1), b.Str(""), b.Vector([]string{"init"}), b.Vector(nil), launch.I(0x1000))
		l := start(t, &Options{Programs: launch.Pair{Setup: &b.Program, Payload: payload("/bin/sh", "-c", "echo >"+marker)}, Clone: newNamespaces(t), Fork: s.fork})
		if stage, err := l.Next(false); stage != 1 || err != nil {
			t.Fatalf("%s: stage %d, %v", s.name, stage, err)
		}
		time.Sleep(200 * time.Millisecond)
		l.Pass(1)
		decided(t, l)
		if f := l.Failed(); f == nil || *f != (Failure{false, 3, syscall.EBADF}) {
			t.Errorf("%s: failure %+v", s.name, f)
		}
		reap(t, l)
		if _, err := os.Stat(marker); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: the program ran: %v", s.name, err)
		}
	}
}

// TestMemoryIsShared is the control of the others: with a copy, what the child does to its memory's attributes is not seen
// here, and without one it is, until Free takes it back.
func TestMemoryIsShared(t *testing.T) {
	for _, s := range styles {
		for _, before := range []uintptr{0, 1} {
			lockedDumpable(t, before)
			var b launch.Builder
			b.Do(launch.Prctl, "", launch.I(4), launch.I(uint64(1-before)), launch.I(0), launch.I(0), launch.I(0))
			b.Do(launch.Sync, "", launch.I(1), launch.H(launch.HostReport))
			b.Do(launch.Execve, "true", b.Str("/bin/true"), b.Vector([]string{"true"}), b.Vector(nil))
			l := start(t, &Options{Programs: launch.Pair{Setup: &b.Program}, NoInit: true, Fork: s.fork})
			if stage, err := l.Next(false); stage != 1 || err != nil {
				t.Fatalf("%s: stage %d, %v, failure %+v", s.name, stage, err, l.Failed())
			}
			want := 1 - before
			if s.fork {
				want = before
			}
			if got := dumpable(); got != want {
				t.Errorf("%s: dumpable is %d while the child waits, want %d", s.name, got, want)
			}
			l.Pass(1)
			decided(t, l)
			reap(t, l)
			l.Free()
			if got := dumpable(); before == 0 && got != 0 {
				t.Errorf("%s: the memory was undumpable before and is dumpable now", s.name)
			}
		}
	}
}

// lockedDumpable sets whether the memory may be dumped, for one test.
func lockedDumpable(t *testing.T, v uintptr) {
	t.Helper()
	was := dumpable()
	t.Cleanup(func() { _, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, prSetDumpable, was, 0) })
	if _, _, e := syscall.RawSyscall(syscall.SYS_PRCTL, prSetDumpable, v, 0); e != 0 {
		t.Fatal(e)
	}
}

// TestErrors holds the words and the errno of a clone that the kernel refuses, which the supervisor explains, and that a
// refused program or clone leaves nothing open.
func TestErrors(t *testing.T) {
	e := &CloneError{syscall.EPERM, 0x10000000}
	if !errors.Is(e, syscall.EPERM) || e.Error() != "clone3: operation not permitted" {
		t.Errorf("%v", e)
	}
	count := func() int {
		names, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(names)
	}
	var b launch.Builder
	b.Do(launch.Execve, "true", b.Str("/bin/true"), b.Vector([]string{"true"}), b.Vector(nil))
	for _, fork := range []bool{false, true} {
		for _, noInit := range []bool{false, true} {
			before := count()
			o := &Options{Programs: launch.Pair{Setup: &b.Program, Hosts: launch.HostFirst}, Host: make([]int, launch.HostFirst), NoInit: noInit, Fork: fork, Clone: 1 << 62}
			_, err := Start(o)
			var c *CloneError
			if !errors.As(err, &c) || c.Errno != syscall.EINVAL || c.Flags != 1<<62 {
				t.Errorf("a clone flag that does not exist: %v", err)
			}
			o.Programs.Setup = &launch.Program{}
			var v *launch.VerifyError
			if _, err := Start(o); !errors.As(err, &v) {
				t.Errorf("a program without ops: %v", err)
			}
			if after := count(); after != before {
				t.Errorf("%d descriptors before, %d after", before, after)
			}
		}
	}
}

// TestOpenInit holds that nobody can change the program that init is, nor read it.
func TestOpenInit(t *testing.T) {
	fd, err := OpenInit()
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil || st.Mode&0o7777 != 0o111 || st.Size == 0 {
		t.Errorf("mode %o, %d bytes, %v", st.Mode, st.Size, err)
	}
	if _, err := syscall.Write(fd, []byte{0}); !errors.Is(err, syscall.EBADF) {
		t.Errorf("a write gives %v", err)
	}
	if to, err := os.Readlink(procFD(fd)); err != nil || !strings.Contains(to, "memfd:init") {
		t.Errorf("%q, %v", to, err)
	}
}
