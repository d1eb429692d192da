package containment

import (
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// legacyTIOCSTI reports whether the kernel lets programs push bytes into their
// terminal at all.
func legacyTIOCSTI() bool {
	text, err := os.ReadFile("/proc/sys/dev/tty/legacy_tiocsti")
	return err != nil || strings.TrimSpace(string(text)) == "1"
}

// newTerminal opens a pty.
func newTerminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	must(t, err)
	must(t, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	peer, err := unix.IoctlRetInt(fd, unix.TIOCGPTPEER)
	if err != nil {
		number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
		must(t, err)
		t.Fatalf("open the other end of terminal %d: %v", number, err)
	}
	master, slave = os.NewFile(uintptr(fd), "master"), os.NewFile(uintptr(peer), "slave")
	t.Cleanup(func() { _ = master.Close(); _ = slave.Close() })
	return master, slave
}

// onTerminal runs the probe with a terminal as its standard input, leading the
// terminal's session, and returns what came to the terminal's other side. What
// is pushed into a terminal is echoed there.
func onTerminal(t *testing.T, b *box, words ...string) string {
	t.Helper()
	master, slave := newTerminal(t)
	b.t, b.stdin = t, slave
	b.attr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	r := b.run(words...)
	ran(t, r)
	_ = slave.Close()
	text, _ := io.ReadAll(master) // ends with EIO when nobody has the other side open
	return string(text)
}

func TestC11PushIntoTerminal(t *testing.T) {
	for name, flags := range map[string][]string{"own terminal": {"--tty", "auto"}, "caller's terminal": {"--tty", "never"}, "no filter": {"--tty", "never", "--seccomp", "none"}} {
		if screen := onTerminal(t, strict(t, flags...), "inject"); strings.Contains(screen, "INJECTED") || strings.Contains(screen, "Y") {
			t.Errorf("%s: bytes were pushed into the terminal: %q", name, screen)
		}
	}
	if !legacyTIOCSTI() {
		unexercised(t, "this kernel lets nobody push bytes into a terminal (dev.tty.legacy_tiocsti)")
	}
	control(t, strings.Contains(onTerminal(t, naked(t), "inject"), "INJECTED"), "without a sandbox the bytes are in the terminal")
}

func TestC12TerminalRequests(t *testing.T) {
	master, slave := newTerminal(t)
	b := strict(t, "--tty", "never")
	b.stdin = slave
	b.attr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	tag := newTag()
	r := b.wait(b.command(tag, false, []string{"ttys"}))
	ran(t, r)
	_ = master
	denied(t, r, "TIOCLINUX", "KDSKBENT", "TIOCCONS", "TIOCSETD")
	if got := r.outcome("TIOCSCTTY"); got == "ok" {
		t.Error("the program took the caller's terminal as its own")
	}
	free := naked(t)
	free.stdin = slave
	f := free.run("ttys")
	for _, name := range []string{"TIOCLINUX", "KDSKBENT", "TIOCCONS", "TIOCSETD"} {
		t.Run(name, func(t *testing.T) {
			if !reaches(f, name) {
				unexercised(t, "this user of this kernel gets "+f.outcome(name)+" without a sandbox too")
			}
		})
	}
}
