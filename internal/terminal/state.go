package terminal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// turn waits for one of the descriptors and answers it.
func (s *state) turn() {
	fds := [4]unix.PollFd{
		{Fd: int32(s.events[0]), Events: unix.POLLIN},
		{Fd: -1, Events: unix.POLLIN},
		{Fd: -1, Events: unix.POLLIN},
		{Fd: -1, Events: unix.POLLOUT},
	}
	timeout := -1
	switch {
	case s.ended && s.deadly:
		timeout = lastWords
	case !s.ended && !s.seat.taken():
		timeout = backgroundLook
	}
	if !s.ended {
		fds[1].Fd = int32(s.Status)
		if !s.inOver && len(s.pending) == 0 && s.seat.mayRead() {
			fds[2].Fd = int32(s.In)
		}
		if len(s.pending) > 0 {
			fds[3].Fd = int32(s.Master)
		}
	}
	n, err := unix.Poll(fds[:], timeout)
	switch {
	case err == unix.EINTR:
		return
	case err != nil:
		s.fail(fmt.Errorf("wait for the terminal and the program: %w", err))
		return
	case n == 0 && s.ended:
		s.abandoned = true
		return
	case n == 0:
		s.takeSeat()
		return
	}
	if fds[3].Revents != 0 {
		s.writePending()
	}
	if fds[2].Revents != 0 {
		s.readIn()
	}
	if fds[1].Revents != 0 {
		s.readStatus()
	}
	if fds[0].Revents != 0 {
		s.readEvents()
	}
}

func (s *state) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// takeSeat makes the terminal raw where that is ours to do, and passes its size on.
func (s *state) takeSeat() {
	s.makeRaw()
	s.resize()
}

func (s *state) makeRaw() {
	err := s.seat.take()
	switch {
	case errors.Is(err, unix.EIO), errors.Is(err, unix.ENOTTY):
		s.inOver = true
		s.seat.in.fd, s.seat.out.fd = -1, -1
		s.hangUp()
	case err != nil:
		s.fail(err)
	}
}

func (s *state) resize() {
	if fd := s.seat.fd(); fd >= 0 {
		copySize(s.Master, fd)
	}
}

func (s *state) readIn() {
	s.makeRaw() // a shell may have had the terminal since: SIGCONT tells, but not always first
	if !s.seat.mayRead() || s.inOver {
		return
	}
	s.echo = false // by now it would have come
	n, err := unix.Read(s.In, s.typed[:])
	switch {
	case n > 0:
		s.pending = s.typed[:n]
		s.lineEnded = s.typed[n-1] == '\n'
		s.writePending()
	case err == unix.EAGAIN, err == unix.EINTR:
	case s.seat.in.fd >= 0: // a raw terminal has no end but to be gone
		s.inOver = true
		s.hangUp()
	default:
		s.inOver = true
		s.endOfInput()
	}
}

// endOfInput types the end-of-file key, twice in the middle of a line: the first only ends the line.
func (s *state) endOfInput() {
	key := byte(0x04)
	if t, err := Settings(s.Master); err == nil {
		key = t.Cc[unix.VEOF]
	}
	s.pending = append(s.typed[:0], key)
	if !s.lineEnded {
		s.pending = append(s.pending, key)
	}
	s.writePending()
}

func (s *state) writePending() {
	n, err := unix.Write(s.Master, s.pending)
	if n > 0 {
		s.pending = s.pending[n:]
	}
	if err != nil && err != unix.EAGAIN && err != unix.EINTR {
		s.pending = nil // EIO: nobody is there to read it
	}
}

func (s *state) readStatus() {
	var b [4]byte // written at once, so read at once (pipe(7))
	n, err := unix.Read(s.Status, b[:])
	switch {
	case err == unix.EINTR || err == unix.EAGAIN:
		return
	case err != nil:
		s.fail(fmt.Errorf("read the program's status: %w", err))
		return
	case n != len(b):
		s.ended, s.lost = true, true
		s.drain()
		return
	}
	status := binary.LittleEndian.Uint32(b[:])
	if status&0xff == 0x7f {
		s.stop, s.stopped = unix.WaitStatus(status), true
	} else {
		s.status, s.ended = status, true
	}
	s.drain()
}

// drain has the output catch up: what the program printed before it stopped or ended comes before the shell's prompt.
func (s *state) drain() {
	s.asking++
	if s.ended {
		tell(s.ask, finish)
	} else {
		tell(s.ask, catchUp)
	}
}

func (s *state) readEvents() {
	var b [64]byte
	n, err := unix.Read(s.events[0], b[:])
	if err != nil {
		return
	}
	for _, what := range b[:n] {
		if what == drained {
			s.asking--
		} else {
			s.signal(syscall.Signal(what))
		}
	}
	if s.asking == 0 && s.stopped && !s.ended && s.err == nil {
		s.stopped = false
		s.stopToo()
	}
}

func (s *state) signal(sig syscall.Signal) {
	switch {
	case sig == unix.SIGWINCH:
		s.resize()
	case sig == unix.SIGCONT: // stopToo continues the program itself; here somebody had stopped only us
		s.continued = s.stopAsked
		s.takeSeat()
	case sig == unix.SIGTSTP && s.echo: // our own, which an orphaned group is not stopped by
		s.echo = false
	case sig == unix.SIGTSTP: // init answers with a status once the program has stopped
		s.stopAsked, s.continued = true, false
		s.forward(sig)
	case sig == unix.SIGHUP && s.hungUp && s.inOver: // the kernel's word for what reading In has told
	case s.ended && isDeadly(sig): // nobody to forward to: do not wait for a terminal that takes no output
		s.abandoned = true
	default:
		s.hungUp = s.hungUp || sig == unix.SIGHUP
		s.deadly = s.deadly || isDeadly(sig)
		s.forward(sig)
	}
}

// hangUp tells the program once that its terminal is gone.
func (s *state) hangUp() {
	if !s.hungUp {
		s.hungUp = true
		s.forward(unix.SIGHUP)
	}
}

func (s *state) forward(sig syscall.Signal) {
	if s.ended {
		return
	}
	if err := s.Signal(sig); err != nil && !errors.Is(err, unix.ESRCH) {
		s.fail(fmt.Errorf("forward signal %d to the sandbox: %w", int(sig), err))
	}
}

// stopToo stops this process as the program was stopped, and continues the program afterwards.
func (s *state) stopToo() {
	if s.stopAsked && s.continued { // our group was stopped and is already continued
		s.stopAsked = false
		s.forward(unix.SIGCONT)
		return
	}
	s.seat.give()
	sig, group := unix.SIGTSTP, true
	switch {
	case s.stopAsked: // whoever asked has told the other members of our group
		group = false
	case s.stop.StopSignal() == unix.SIGSTOP: // that is for one process
		sig, group = unix.SIGSTOP, false
	}
	s.stopAsked, s.echo = false, group
	if err := stopSelf(sig, group); err != nil {
		s.fail(err)
	}
	s.takeSeat()
	s.forward(unix.SIGCONT)
}
