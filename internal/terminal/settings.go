package terminal

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// IsTerminal reports whether fd is a terminal, whichever side of a pty it is.
func IsTerminal(fd int) bool {
	_, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	return err == nil
}

// Settings reads the line settings of the terminal fd. On the master of a pty they are those of the slave (ioctl_tty(2)).
func Settings(fd int) (unix.Termios, error) {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return unix.Termios{}, fmt.Errorf("read terminal settings of descriptor %d: %w", fd, err)
	}
	return *t, nil
}

// Restore sets the line settings of the terminal fd at once. It neither waits for output, which may never drain, nor
// throws away what was typed ahead. A caller in the background is stopped by SIGTTOU (tty_ioctl(4)).
func Restore(fd int, t unix.Termios) error {
	for {
		err := unix.IoctlSetTermios(fd, unix.TCSETS, &t)
		if err == nil {
			return nil
		}
		if err != unix.EINTR {
			return fmt.Errorf("set terminal settings of descriptor %d: %w", fd, err)
		}
	}
}

// MakeRaw returns t with every translation off, as cfmakeraw(3) has it: each byte typed is one byte read, at once, and
// each byte written is one byte shown.
func MakeRaw(t unix.Termios) unix.Termios {
	t.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	t.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	t.Cflag &^= unix.CSIZE | unix.PARENB
	t.Cflag |= unix.CS8
	t.Cc[unix.VMIN] = 1
	t.Cc[unix.VTIME] = 0
	return MakeOutputRaw(t)
}

// MakeOutputRaw returns t with the translation of output off (OPOST): the other pty has already made "\r\n" of "\n".
func MakeOutputRaw(t unix.Termios) unix.Termios {
	t.Oflag &^= unix.OPOST
	return t
}

// GetSize reads the window size of the terminal fd. Sizes are in characters; all zero means unknown.
func GetSize(fd int) (rows, cols uint16, err error) {
	w, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ)
	if err != nil {
		return 0, 0, fmt.Errorf("read window size of descriptor %d: %w", fd, err)
	}
	return w.Row, w.Col, nil
}

// SetSize sets the window size of the terminal fd in characters. On the master of a pty the kernel sends SIGWINCH to
// the foreground group of the slave if the size is a new one.
func SetSize(fd int, rows, cols uint16) error {
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: cols}); err != nil {
		return fmt.Errorf("set window size of descriptor %d: %w", fd, err)
	}
	return nil
}

// copySize gives terminal to the window size of terminal from, pixels included. A terminal that is gone has no size.
func copySize(to, from int) {
	if w, err := unix.IoctlGetWinsize(from, unix.TIOCGWINSZ); err == nil {
		_ = unix.IoctlSetWinsize(to, unix.TIOCSWINSZ, w) // the program may have hung its pty up: nobody is left to tell
	}
}
