package terminal

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// OpenHost allocates a pty pair from the host's /dev/ptmx. Both descriptors are close-on-exec, neither becomes the
// controlling terminal. The slave is opened through the master (TIOCGPTPEER, Linux 4.13), never by a name that another
// mount could hide.
func OpenHost() (master, slave int, err error) {
	master, err = unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, -1, fmt.Errorf("open /dev/ptmx: %w", err)
	}
	if err = unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0); err != nil {
		_ = unix.Close(master)
		return -1, -1, fmt.Errorf("unlock the pty: %w", err)
	}
	if slave, err = openPeer(master); err != nil {
		_ = unix.Close(master)
		return -1, -1, err
	}
	return master, slave, nil
}

// Adopt gives the pty of master the line settings and the window size of the caller's terminal from: the erase key,
// UTF-8 and the like are then as at home. Call it before the program starts and before [Relay.Run], which makes the
// caller's terminal raw.
func Adopt(master, from int) error {
	t, err := Settings(from)
	if err != nil {
		return err
	}
	if err := Restore(master, t); err != nil {
		return err
	}
	copySize(master, from)
	return nil
}

func openPeer(master int) (int, error) {
	slave, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(master), unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)
	if errno != 0 {
		return -1, fmt.Errorf("open the slave of the pty: %w", errno)
	}
	return int(slave), nil
}
