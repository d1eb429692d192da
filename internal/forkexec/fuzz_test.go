package forkexec

import (
	"errors"
	"math/rand/v2"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/seed-0dbaba02/carrel/internal/launch"
	"github.com/seed-0dbaba02/carrel/internal/linux"
)

// maker turns bytes into programs. What it makes is harmless by what it leaves out, not by Verify: no mounts, no files opened
// for writing, no write to a descriptor that exists, and everything in new user and pid namespaces.
type maker struct {
	in    []byte
	slots []int // that an op has set, mostly
}

func (m *maker) next() int {
	if len(m.in) == 0 {
		return 0
	}
	b := m.in[0]
	m.in = m.in[1:]
	return int(b)
}

func (m *maker) pick(of ...int) int { return of[m.next()%len(of)] }

// slot reads a slot that was set, and sometimes any.
func (m *maker) slot() launch.Arg {
	if n := m.next(); n > 250 || len(m.slots) == 0 {
		return launch.S(n % (launch.Slots + 2))
	} else {
		return launch.S(m.slots[n%len(m.slots)])
	}
}

// data moves an offset, sometimes, to where it may be wrong.
func (m *maker) data(a launch.Arg) launch.Arg {
	switch n := m.next(); {
	case n > 252:
		a.Value += uint64(m.next())
	case n > 249:
		a.Value = uint64(m.next())
	}
	return a
}

// size is a length, sometimes a wrong one.
func (m *maker) size(n int) launch.Arg {
	if m.next() > 250 {
		return launch.I(n + m.next()<<(m.next()%16))
	}
	return launch.I(n)
}

// op appends one op; base is the first of the program's slots.
func (m *maker) op(b *launch.Builder, base int) {
	var o *launch.Op
	switch m.next() % 24 {
	case 0, 1:
		path := b.Str([]string{"/", "/proc/self/status", "/no/such", "", "/bin/true"}[m.next()%5])
		o = b.Do(launch.Openat, "", launch.I(-100), m.data(path), launch.I(m.pick(0x80000, 0x280000, 0x290000)), launch.I(0))
	case 2:
		o = b.Do(launch.Openat2, "", m.slot(), m.data(b.Str(".")), m.data(b.Words(0x280000, 0, uint64(m.next()))), m.size(24))
	case 3:
		o = b.Do(launch.Prctl, "", launch.I(m.pick(1, 4, 24, 28, 38, 47, 3, 22)), launch.I(m.pick(0, 1, 2, 4, 9)), launch.I(m.next()%41), launch.I(0), launch.I(0))
	case 4:
		o = b.Do(launch.Close, "", m.slot())
	case 5:
		o = b.Do(launch.CloseRange, "", launch.I(m.next()), launch.I(m.next()), launch.I(m.pick(0, 4)))
	case 6:
		o = b.Do(launch.Write, "", launch.I(-1), m.data(b.Str("abcdefgh")), m.size(4))
	case 7:
		o = b.Do(launch.Dup3, "", m.slot(), launch.I(m.next()%30), launch.I(m.pick(0, 0x80000)))
	case 8:
		o = b.Do(launch.Fcntl, "", m.slot(), launch.I(m.pick(0, 1, 2, 3, 1030, 5)), launch.I(m.next()))
	case 9:
		o = b.Do(launch.Ioctl, "", m.slot(), launch.I(m.pick(0x540e, 0x5410, 0x5441, 0x40045431, 0x8914, 0x5413)), []launch.Arg{launch.I(0), m.data(b.Words(2)), m.data(b.Words(0, 0, 0, 0, 0))}[m.next()%3])
	case 10:
		o = b.Do(launch.Chdir, "", m.data(b.Str("/")))
	case 11:
		o = b.Do(launch.Fchdir, "", m.slot())
	case 12:
		o = b.Do(launch.Umask, "", launch.I(m.next()))
	case 13:
		o = b.Do(launch.Setpgid, "", launch.I(0), launch.I(0))
	case 14:
		o = b.Do(launch.Setgroups, "", launch.I(m.next()%5), m.data(b.Words(0, 0)))
	case 15:
		o = b.Do(launch.Capset, "", m.data(b.Words(0x20080522)), m.data(b.Words(0, uint64(m.next()), 0)))
	case 16: // limits that do not stop an exec
		o = b.Do(launch.Prlimit, "", launch.I(0), launch.I(m.pick(4, 7)), m.data(b.Words(64, 64)), []launch.Arg{launch.I(0), m.data(b.Words(0, 0))}[m.next()%2])
	case 17:
		o = b.Do(launch.RtSigprocmask, "", launch.I(m.pick(0, 1, 2)), m.data(b.Words(uint64(m.next()))), []launch.Arg{launch.I(0), m.data(b.Words(0)), m.data(b.Str(""))}[m.next()%3], launch.I(8))
	case 18:
		o = b.Do(launch.LandlockCreateRuleset, "", m.data(b.Words(0x1fff, 0, 0)), m.size(m.pick(8, 16, 24)), launch.I(m.pick(0, 1)))
	case 19:
		o = b.Do(launch.PathBeneath, "", m.slot(), m.slot(), launch.I(m.next()))
	case 20:
		o = b.Do(launch.Sync, "", launch.I(m.next()%6), []launch.Arg{launch.H(launch.HostReport), launch.I(-1)}[m.next()%2])
	case 21:
		o = b.Do([]launch.Call{launch.Gate, launch.Recv, launch.Setsid, launch.LandlockRestrictSelf}[m.next()%4], "", launch.H(launch.HostSocket))
	case 22: // allow all, EPERM for all, kill, and what the bytes say
		filter := []string{"\x06\x00\x00\x00\x00\x00\xff\x7f", "\x06\x00\x00\x00\x01\x00\x05\x00", "\x06\x00\x00\x00\x00\x00\x00\x00", string(m.take(8))}[m.next()%4]
		o = b.Do(launch.Seccomp, "", launch.I(1), launch.I(0), m.data(b.Counted(m.pick(1, 1, 1, 2), filter)))
	case 23:
		o = b.Do([]launch.Call{launch.Post, launch.Wait}[m.next()%2], "", launch.I(m.next()%(launch.Flags+1)))
	}
	if n := m.next(); n%2 == 1 {
		slot := base + n/2%(launch.Slots/2)
		if n == 255 {
			slot = n/2%(launch.Slots+4) - 1
		}
		o.To(slot)
		m.slots = append(m.slots, slot)
	}
	if m.next()%2 == 1 {
		o.Accept(syscall.Errno(m.pick(1, 9, 22, 25)))
	}
}

func (m *maker) take(n int) []byte {
	out := make([]byte, n)
	m.in = m.in[copy(out, m.in):]
	return out
}

// pair makes both programs.
func (m *maker) pair() (p launch.Pair, fork bool) {
	var s, u launch.Builder
	head := m.next()
	for range head >> 2 & 7 {
		m.op(&s, 0)
	}
	if head&1 == 0 {
		m.exec(&s)
	} else {
		s.Do(launch.RtSigprocmask, "", launch.I(2), s.Words(^uint64(0)), launch.I(0), launch.I(8))
		s.Do(launch.Spawn, "").To(0)
		atBirth := append([]int{0}, m.slots...)
		rendezvous := m.next()
		if rendezvous&1 != 0 {
			s.Do(launch.Post, "", launch.I(0))
		}
		for range head >> 5 {
			m.op(&s, 0)
		}
		if rendezvous&2 != 0 {
			s.Do(launch.Wait, "", launch.I(1))
		}
		s.Do(launch.Dup3, "", launch.H(launch.HostStatus), launch.I(0), launch.I(0))
		s.Do(launch.Commit, "")
		s.Do(launch.Execveat, "", launch.H(launch.HostInit), s.Str(""), s.Vector([]string{"init"}), s.Vector(nil), launch.I(0x1000))
		m.slots = atBirth
		if rendezvous&1 != 0 {
			u.Do(launch.Wait, "", launch.I(0))
		}
		for range rendezvous >> 5 {
			m.op(&u, launch.Slots/2)
		}
		if rendezvous&2 != 0 {
			u.Do(launch.Post, "", launch.I(1))
		}
		u.Do(launch.Await, "")
		for range rendezvous >> 3 & 3 {
			m.op(&u, launch.Slots/2)
		}
		m.exec(&u)
		p.Payload = &u.Program
	}
	p.Setup, p.Hosts = &s.Program, launch.HostFirst
	m.spoil(p.Setup)
	return p, head&2 != 0
}

func (m *maker) exec(b *launch.Builder) {
	b.Do(launch.Execve, "", m.data(b.Str("/bin/true")), m.data(b.Vector([]string{"true", "x"})), m.data(b.Vector(nil)))
}

// spoil moves relocations, sometimes.
func (m *maker) spoil(p *launch.Program) {
	if m.next() < 250 || len(p.Relocs) == 0 {
		return
	}
	r := &p.Relocs[m.next()%len(p.Relocs)]
	*r = uint32(int(*r) + (m.next()-128)*8)
}

// attempt runs what Verify accepts and holds that the child ends, and not by a fault of its own. It reports whether
// Verify accepted.
func attempt(t *testing.T, in []byte) bool {
	t.Helper()
	m := &maker{in: in}
	p, fork := m.pair()
	if err := launch.Verify(p); err != nil {
		var v *launch.VerifyError
		if !errors.As(err, &v) || v.Why == "" {
			t.Errorf("an error without words: %v", err)
		}
		return false
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	host := []int{-1, -1, -1, -1, -1}
	l, err := Start(&Options{Programs: p, Host: host, Clone: linux.CloneNewuser | linux.CloneNewpid, NoInit: p.Payload == nil, Fork: fork})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.Pass(255)
	ws := watch(t, l, p)
	switch s := ws.Signal(); {
	case ws.Signaled() && (s == syscall.SIGSEGV || s == syscall.SIGBUS || s == syscall.SIGILL):
		t.Fatalf("the set-up process died of %v; failure %+v\n%s", s, l.Failed(), describe(p))
	}
	if p.Payload != nil {
		checkPayload(t, l, p)
	}
	return true
}

// watch opens gates until the child has ended. A child that does not end within a minute hangs.
func watch(t *testing.T, l *Launch, p launch.Pair) (ws syscall.WaitStatus) {
	t.Helper()
	limit := time.Now().Add(time.Minute)
	for {
		if l.AtGate() {
			l.OpenGate()
		}
		pid, err := syscall.Wait4(l.PID, &ws, syscall.WNOHANG, nil)
		if pid == l.PID {
			return ws
		}
		if err != nil && !errors.Is(err, syscall.EINTR) {
			t.Fatal(err)
		}
		if time.Now().After(limit) {
			_ = syscall.Kill(l.PID, syscall.SIGKILL)
			reap(t, l)
			t.Fatalf("the child hangs; failure %+v\n%s", l.Failed(), describe(p))
		}
		time.Sleep(100 * time.Microsecond)
	}
}

// checkPayload reads how init says that the payload ended.
func checkPayload(t *testing.T, l *Launch, p launch.Pair) {
	t.Helper()
	if err := syscall.SetNonblock(l.Status, true); err != nil {
		t.Fatal(err)
	}
	var buf [4]byte
	n, _ := syscall.Read(l.Status, buf[:])
	switch s := syscall.Signal(buf[0] & 0x7f); {
	case n == 4 && (s == syscall.SIGSEGV || s == syscall.SIGBUS || s == syscall.SIGILL):
		t.Fatalf("the payload died of %v; failure %+v\n%s", s, l.Failed(), describe(p))
	}
}

func describe(p launch.Pair) string {
	text := "set-up:\n" + p.Setup.Format()
	if p.Payload != nil {
		text += "payload:\n" + p.Payload.Format()
	}
	return text
}

// FuzzVerify holds the promise of launch.Verify: a pair that it accepts fails in the child by an errno and in no other way.
func FuzzVerify(f *testing.F) {
	needNamespaces(f)
	f.Add([]byte{})
	f.Add([]byte{1, 0})
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		f.Add(randomBytes(r))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) < 4096 {
			attempt(t, in)
		}
	})
}

// TestRandomPrograms runs the same without a fuzzer, and holds that enough of what is made is good enough to be run, with a
// payload and without.
func TestRandomPrograms(t *testing.T) {
	needNamespaces(t)
	r := rand.New(rand.NewPCG(3, 4))
	accepted, pairs := 0, 0
	for range 3000 {
		in := randomBytes(r)
		if attempt(t, in) {
			accepted++
			pairs += int(in[0] & 1)
		}
	}
	if accepted < 300 || pairs < 60 {
		t.Errorf("only %d of 3000 programs were run, %d of them with a payload", accepted, pairs)
	}
}

func randomBytes(r *rand.Rand) []byte {
	b := make([]byte, 300)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// needNamespaces skips where the host lets nobody make a user namespace.
func needNamespaces(t testing.TB) {
	t.Helper()
	if _, err := os.Stat("/proc/self/ns/user"); err != nil {
		t.Skip("not exercised: user namespaces")
	}
}
