package terminal

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sigaction is the kernel's struct of rt_sigaction(2), the handler first; the rest is only kept and given back.
type sigaction [4]uint64

const sigDefault = 0 // SIG_DFL

// setStopAction sets the action of SIGTSTP and returns the one before.
func setStopAction(action sigaction) (before sigaction, err error) {
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGTSTP), uintptr(unsafe.Pointer(&action)),
		uintptr(unsafe.Pointer(&before)), 8, 0, 0)
	if errno != 0 {
		return before, fmt.Errorf("set the action of SIGTSTP: %w", errno)
	}
	return before, nil
}
