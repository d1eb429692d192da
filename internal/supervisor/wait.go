package supervisor

import (
	"encoding/binary"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/seed-0dbaba02/carrel/internal/forkexec"
	"github.com/seed-0dbaba02/carrel/internal/terminal"
)

// cleanBit marks a status message after which no process was left in the sandbox.
const cleanBit = 1 << 31

// Wait waits for the program's end and returns its wait status (wait(2)). Background processes of the sandbox are gone by
// then; so is everything else of it but the kernel's own taking down of namespaces.
func (s *Sandbox) Wait() (syscall.WaitStatus, error) {
	s.deliver()
	known, status := false, uint32(0)
	for s.Status >= 0 && !known {
		var b [4]byte
		n, err := unix.Read(s.Status, b[:])
		if err == syscall.EINTR {
			continue
		}
		if n != 4 {
			break // init ended without a word
		}
		status = binary.LittleEndian.Uint32(b[:])
		known = status&0xff != 0x7f
	}
	own, err := s.reap()
	s.Close()
	if known {
		return syscall.WaitStatus(status &^ cleanBit), nil
	}
	return own, err
}

// deliver lets signals through that a one-shot start kept back; a waiter gets them by itself.
func (s *Sandbox) deliver() {
	if s.held {
		forkexec.Deliver()
		s.held = false
	}
}

// reap waits for the first process.
func (s *Sandbox) reap() (syscall.WaitStatus, error) {
	var ws syscall.WaitStatus
	for {
		_, err := syscall.Wait4(s.PID, &ws, syscall.WALL, nil)
		if err != syscall.EINTR {
			return ws, err
		}
	}
}

// Close gives the descriptors back.
func (s *Sandbox) Close() {
	for _, fd := range []*int{&s.Pidfd, &s.Status, &s.Master} {
		if *fd >= 0 {
			_ = unix.Close(*fd)
			*fd = -1
		}
	}
}

// Signal sends a signal to init, which passes it to the program, or to the program itself where there is no init.
func (s *Sandbox) Signal(sig syscall.Signal) error {
	return unix.PidfdSendSignal(s.Pidfd, sig, nil, 0)
}

// Become replaces the calling process by a waiter of two pages; see forkexec.BecomeWaiter. It returns only on error.
// An exec ends all threads but the main one, and with the thread that cloned, the sandbox.
func (s *Sandbox) Become() error {
	if s.Thread != syscall.Getpid() {
		return syscall.EDEADLK
	}
	return forkexec.BecomeWaiter(s.Status, s.Pidfd)
}

// Relay connects the program's terminal with the caller's until the program ends. in and out are the caller's descriptors, -1
// where the caller has no terminal.
func (s *Sandbox) Relay(in, out int) (syscall.WaitStatus, error) {
	s.deliver()
	status := s.Status
	if status < 0 {
		var err error
		if status, err = s.watch(); err != nil {
			return 0, err
		}
		defer unix.Close(status)
	} else if s.hello {
		var b [4]byte
		if _, err := unix.Read(status, b[:]); err != nil {
			return 0, err
		}
	}
	r := &terminal.Relay{In: in, Out: out, Master: s.Master, Status: status, Signal: s.Signal}
	ws, _, err := r.Run()
	if _, e := s.reap(); err == nil && e != syscall.ECHILD {
		err = e
	}
	s.Close()
	return syscall.WaitStatus(ws &^ cleanBit), err
}

// watch reports the end of a program without init as init would.
func (s *Sandbox) watch() (int, error) {
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		return -1, err
	}
	go func() {
		var info unix.Siginfo
		for unix.Waitid(unix.P_PIDFD, s.Pidfd, &info, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
		}
		ws, _ := s.reap()
		var b [4]byte
		binary.LittleEndian.PutUint32(b[:], uint32(ws)|cleanBit)
		_, _ = unix.Write(p[1], b[:])
		_ = unix.Close(p[1])
	}()
	return p[0], nil
}
