package host

import (
	"syscall"
	"unsafe"
)

// Numbers of calls that the standard library does not have; the same on all architectures.
const (
	sysPidfdOpen    = 434
	sysClone3       = 435
	sysOpenTree     = 428
	sysMountSetattr = 442
	sysCloseRange   = 436
)

// exists calls a system call with arguments that it must refuse, so that nothing happens. It reports the errno where that
// says that the call is not there or not allowed, and 0 otherwise.
func exists(number, a, b, c, d uintptr) syscall.Errno {
	_, _, errno := syscall.RawSyscall6(number, a, b, c, d, 0, 0)
	if errno == syscall.ENOSYS || errno == syscall.EPERM {
		return errno
	}
	return 0
}

// none is -1, a descriptor that no call accepts.
const none = ^uintptr(0)

// seccompFilter asks to install the filter at address 0: EFAULT where filters exist, seccomp(2).
func seccompFilter() syscall.Errno {
	const setModeFilter = 1
	_, _, e := syscall.RawSyscall(sysSeccomp, setModeFilter, 0, 0)
	if e == syscall.EFAULT {
		return 0
	}
	return e
}

// seccompAction asks whether the kernel knows what a filter may return.
func seccompAction(action uint32) bool {
	const getActionAvail = 2
	_, _, e := syscall.RawSyscall(sysSeccomp, getActionAvail, 0, uintptr(unsafe.Pointer(&action)))
	return e == 0
}

// executableMemfd makes a memory file that may be executed, and looks whether that is so. MFD_EXEC is from Linux 6.3.
func executableMemfd() syscall.Errno {
	const cloexec, exec = 1, 0x10
	name := [...]byte{'x', 0}
	fd, _, e := syscall.RawSyscall(sysMemfdCreate, uintptr(unsafe.Pointer(&name[0])), cloexec|exec, 0)
	if e == syscall.EINVAL {
		fd, _, e = syscall.RawSyscall(sysMemfdCreate, uintptr(unsafe.Pointer(&name[0])), cloexec, 0)
	}
	if e != 0 {
		return e
	}
	defer syscall.Close(int(fd))
	if !executable(int(fd), 0o777) {
		return syscall.EACCES
	}
	return 0
}

// idmap tries whether the file system of a folder has id-mapped mounts.
func idmap(folder string, userns int) syscall.Errno {
	fd, e := idmapped(folder, userns)
	if e == 0 {
		syscall.Close(fd)
	}
	return e
}

// idmapped clones the mount that a folder is in, detached, and maps its ids by a user namespace, mount_setattr(2). It is
// gone when the descriptor is closed.
func idmapped(folder string, userns int) (int, syscall.Errno) {
	const clone, cloexec, idmap = 1, syscall.O_CLOEXEC, 0x100000
	p, err := syscall.BytePtrFromString(folder)
	if err != nil {
		return -1, syscall.EINVAL
	}
	cwd := atFdcwd
	fd, _, e := syscall.Syscall(sysOpenTree, uintptr(cwd), uintptr(unsafe.Pointer(p)), clone|cloexec)
	if e != 0 {
		return -1, e
	}
	attr := [4]uint64{idmap, 0, 0, uint64(userns)}
	var empty [1]byte
	_, _, e = syscall.Syscall6(sysMountSetattr, fd, uintptr(unsafe.Pointer(&empty[0])), atEmptyPath, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0)
	if e != 0 {
		syscall.Close(int(fd))
		return -1, e
	}
	return int(fd), 0
}
