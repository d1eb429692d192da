package ptytest

import (
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-0dbaba02/carrel/internal/terminal"
)

// Patience is how long anything may take before a test is given up as hung.
const Patience = 30 * time.Second

// The size of the window that a session begins with, in characters.
const (
	Rows = 24
	Cols = 80
)

// A Session is one command on its own terminal.
type Session struct {
	t      testing.TB
	cmd    *exec.Cmd
	master *os.File
	ended  chan struct{}
	closed sync.Once

	mu      sync.Mutex
	all     []byte // everything printed so far
	seen    int    // how much of it Expect has passed
	screen  screen
	changed chan struct{} // closed and replaced whenever all grows or the terminal is gone
	gone    bool
}

// Start starts cmd as the leader of a new session whose controlling terminal is a new pty, with the window of [Rows] by
// [Cols]. Descriptors 0 to 2 that cmd does not set itself are that terminal. The session is closed when the test ends.
func Start(t testing.TB, cmd *exec.Cmd) *Session {
	t.Helper()
	master, slave, err := terminal.OpenHost()
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.SetNonblock(master, true); err != nil { // so that closing it ends a read
		t.Fatal(err)
	}
	s := &Session{t: t, cmd: cmd, master: os.NewFile(uintptr(master), "pty master"), ended: make(chan struct{}),
		changed: make(chan struct{})}
	tty := os.NewFile(uintptr(slave), "pty slave")
	defer tty.Close()
	s.Resize(Rows, Cols)
	if cmd.Stdin == nil {
		cmd.Stdin = tty
	}
	if cmd.Stdout == nil {
		cmd.Stdout = tty
	}
	if cmd.Stderr == nil {
		cmd.Stderr = tty
	}
	cmd.ExtraFiles = append(cmd.ExtraFiles, tty) // the controlling terminal, whatever 0 to 2 are
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 2 + len(cmd.ExtraFiles)}
	if err := cmd.Start(); err != nil {
		s.master.Close()
		t.Fatal(err)
	}
	go s.read()
	go func() {
		_ = cmd.Wait() // ProcessState holds the result
		close(s.ended)
	}()
	t.Cleanup(s.Close)
	return s
}

func (s *Session) read() {
	buf := make([]byte, 16<<10)
	for {
		n, err := s.master.Read(buf)
		s.mu.Lock()
		s.all = append(s.all, buf[:n]...)
		s.screen.write(buf[:n])
		s.gone = err != nil
		close(s.changed)
		s.changed = make(chan struct{})
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// Send types text.
func (s *Session) Send(text string) {
	s.t.Helper()
	if err := s.master.SetWriteDeadline(time.Now().Add(Patience)); err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.master.WriteString(text); err != nil {
		s.t.Fatalf("type %q: %v; printed so far:\n%q", text, err, s.Transcript())
	}
}

// Expect waits until want has been printed after the last thing expected, and returns what was printed before it.
func (s *Session) Expect(want string) string {
	s.t.Helper()
	var before string
	s.await("\""+want+"\" printed", func() bool {
		at := strings.Index(string(s.all[s.seen:]), want)
		if at < 0 {
			return false
		}
		before = string(s.all[s.seen : s.seen+at])
		s.seen += at + len(want)
		return true
	})
	return before
}

// ExpectScreen waits until want can be read in one line of the screen.
func (s *Session) ExpectScreen(want string) {
	s.t.Helper()
	s.await("\""+want+"\" on the screen", func() bool { return strings.Contains(s.screen.String(), want) })
}

func (s *Session) await(what string, there func() bool) {
	s.t.Helper()
	hung := time.NewTimer(Patience)
	defer hung.Stop()
	for {
		s.mu.Lock()
		found, gone, changed := there(), s.gone, s.changed
		s.mu.Unlock()
		if found {
			return
		}
		if gone {
			s.t.Fatalf("the terminal was closed before %s; printed:\n%q", what, s.Transcript())
		}
		select {
		case <-changed:
		case <-hung.C:
			s.t.Fatalf("no %s; printed:\n%q\nscreen:\n%s", what, s.Transcript(), s.Screen())
		}
	}
}

// Transcript returns everything printed so far, escape sequences included.
func (s *Session) Transcript() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.all)
}

// Screen returns what can be read on the terminal now, one line for each row, without the spaces at its end.
func (s *Session) Screen() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.screen.String()
}

// Resize changes the size of the window. The screen starts empty, as programs draw it anew.
func (s *Session) Resize(rows, cols uint16) {
	s.t.Helper()
	s.mu.Lock()
	s.screen.resize(int(rows), int(cols))
	s.mu.Unlock()
	s.onMaster(func(fd int) error { return terminal.SetSize(fd, rows, cols) })
}

// Settings returns the terminal's line settings.
func (s *Session) Settings() (settings unix.Termios) {
	s.t.Helper()
	s.onMaster(func(fd int) (err error) {
		settings, err = terminal.Settings(fd)
		return err
	})
	return settings
}

func (s *Session) onMaster(do func(fd int) error) {
	s.t.Helper()
	raw, err := s.master.SyscallConn()
	if err != nil {
		s.t.Fatal(err)
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = do(int(fd)) }); err != nil {
		s.t.Fatal(err)
	}
	if failed != nil {
		s.t.Fatal(failed)
	}
}

// Pid returns the command's process id.
func (s *Session) Pid() int { return s.cmd.Process.Pid }

// Wait waits until the command has ended and everything it printed has been read, and returns how it ended.
func (s *Session) Wait() *os.ProcessState {
	s.t.Helper()
	select {
	case <-s.ended:
	case <-time.After(Patience):
		s.t.Fatalf("the command does not end; printed:\n%q", s.Transcript())
	}
	return s.cmd.ProcessState
}

// Close hangs the terminal up, as closing the window does, and ends the command if that does not. It is called when the
// test ends and may be called before.
func (s *Session) Close() {
	s.closed.Do(func() {
		s.master.Close()
		select {
		case <-s.ended:
		case <-time.After(Patience):
			_ = s.cmd.Process.Kill()
			<-s.ended
			s.t.Error("the command outlived its terminal")
		}
	})
}
