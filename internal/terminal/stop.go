package terminal

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// stopSelf stops this process as the keyboard would and returns when it goes on. With sig SIGTSTP the kernel does
// nothing if the process group is orphaned: nobody would continue it. With group, the other members of the process
// group get SIGTSTP too.
//
// The signal waits, blocked in this very thread, until everybody has theirs. A SIGCONT that comes before we have
// stopped, because the shell looks at another member only, takes the waiting signal away (signal(7)), so that we are not
// left behind; otherwise unblocking it stops us on the spot, and whatever follows runs after SIGCONT.
//
// os/signal cannot give SIGTSTP its default action back once it was caught, hence the raw call.
func stopSelf(sig unix.Signal, group bool) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var stop, mask unix.Sigset_t
	stop.Val[0] = 1 << (unix.SIGTSTP - 1)
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, &stop, &mask); err != nil {
		return fmt.Errorf("block SIGTSTP: %w", err)
	}
	before, err := setStopAction(sigaction{sigDefault})
	if err == nil {
		err = unix.Tgkill(unix.Getpid(), unix.Gettid(), sig)
	}
	if err == nil && group {
		err = unix.Kill(0, unix.SIGTSTP)
	}
	unblocked := unix.PthreadSigmask(unix.SIG_SETMASK, &mask, nil)
	if err == nil {
		err = unblocked
	}
	if before != (sigaction{}) {
		if _, again := setStopAction(before); err == nil {
			err = again
		}
	}
	if err != nil {
		return fmt.Errorf("stop with the program: %w", err)
	}
	return nil
}
