package terminal

import "golang.org/x/sys/unix"

// A hold is one terminal of the caller and what its settings were before we changed them.
type hold struct {
	fd         int // -1: not a terminal
	saved, set unix.Termios
	on         bool
}

// take changes the settings. Settings that we did not make ourselves are new ones to return to: a shell that had the
// terminal in between may have put its own there.
func (h *hold) take(change func(unix.Termios) unix.Termios) error {
	if h.fd < 0 {
		return nil
	}
	now, err := Settings(h.fd)
	if err != nil {
		return err
	}
	if h.on && now == h.set {
		return nil
	}
	h.saved, h.on = now, true
	if err := Restore(h.fd, change(now)); err != nil {
		h.on = false
		return err
	}
	h.set, err = Settings(h.fd) // as the kernel took them
	return err
}

func (h *hold) give() {
	if h.on {
		h.on = false
		_ = Restore(h.fd, h.saved) // a terminal that is gone needs no settings
	}
}

// A seat is where the caller sits: the terminal that is typed on and the one that is looked at, mostly the same.
type seat struct {
	in, out hold
}

func newSeat(in, out int) seat {
	s := seat{in: hold{fd: -1}, out: hold{fd: -1}}
	if in >= 0 && IsTerminal(in) {
		s.in.fd = in
	}
	if out >= 0 && IsTerminal(out) {
		s.out.fd = out
	}
	return s
}

// fd returns the terminal whose size and whose foreground group count, or -1.
func (s *seat) fd() int {
	if s.out.fd >= 0 {
		return s.out.fd
	}
	return s.in.fd
}

// foreground reports whether our process group may read and change the terminal. Where it is not our controlling
// terminal, job control does not apply and everybody may.
func (s *seat) foreground() bool {
	fd := s.in.fd
	if fd < 0 {
		fd = s.out.fd
	}
	if fd < 0 {
		return true
	}
	group, err := unix.IoctlGetUint32(fd, unix.TIOCGPGRP)
	return err != nil || int(group) == unix.Getpgrp()
}

// taken reports whether the terminal has our settings; a seat without a terminal has nothing to take.
func (s *seat) taken() bool {
	return (s.in.on || s.in.fd < 0) && (s.out.on || s.out.fd < 0)
}

// mayRead reports whether In may be read: of a terminal, only as long as it is ours.
func (s *seat) mayRead() bool {
	return s.in.on || s.in.fd < 0
}

// take makes the terminal raw if we are in the foreground. In the background it only forgets what it knew: whoever is
// in front has put its own settings there, and changing them would stop us with SIGTTOU.
func (s *seat) take() error {
	if !s.foreground() {
		s.in.on, s.out.on = false, false
		return nil
	}
	if err := s.in.take(MakeRaw); err != nil {
		return err
	}
	return s.out.take(MakeOutputRaw)
}

// give puts the settings back, the last change first: the two may be one terminal.
func (s *seat) give() {
	if !s.foreground() {
		s.in.on, s.out.on = false, false
		return
	}
	s.out.give()
	s.in.give()
}
