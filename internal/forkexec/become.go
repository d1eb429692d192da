package forkexec

import (
	"syscall"
	"unsafe"
)

// What the waiter is started with. Static, so that no heap or stack address of Go's is handed to the kernel.
var (
	waiterName = [...]byte{'c', 'a', 'r', 'r', 'e', 'l', 0}
	waiterArgv = [3]*byte{&waiterName[0], &emptyPath[0], nil}
	waiterEnv  = [1]*byte{nil}
)

// BecomeWaiter replaces the calling process by the waiter: two pages of memory that wait for the sandbox, forward signals to
// it and exit with the program's status, 128+n for signal n. status is the read end of the status pipe, or -1 where there is
// no init; pidfd is the sandbox's first process. The caller must be on the process's main thread, because the
// parent death signal follows the thread and an exec ends all others; it gets EDEADLK otherwise. It returns only on error, and
// the caller can then wait for the sandbox itself.
func BecomeWaiter(status, pidfd int) error {
	fd, err := OpenInit()
	if err != nil {
		return err
	}
	if status < 0 {
		status = pidfd // readable when the process ends, and then not a status message: the waiter asks for the exit status
	}
	if err := syscall.Dup3(status, 0, 0); err != nil {
		return err
	}
	if err := syscall.Dup3(pidfd, 1, 0); err != nil {
		return err
	}
	_, _, _ = syscall.RawSyscall(436, 2, ^uintptr(0)>>32, closeRangeCloexec) // close_range
	return syscall.Errno(execMain(fd, unsafe.Pointer(&emptyPath[0]), unsafe.Pointer(&waiterArgv[0]), unsafe.Pointer(&waiterEnv[0])))
}

// execMain executes a descriptor if the caller is on the process's main thread, and returns the errno.
func execMain(fd int, path, argv, envp unsafe.Pointer) (errno uintptr)

const closeRangeCloexec = 4
