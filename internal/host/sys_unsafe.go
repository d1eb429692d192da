package host

import (
	"runtime"
	"syscall"
	"unsafe"
)

// System calls that came after the standard library's list was closed have one number on all architectures.
const (
	sysOpenat2               = 437
	sysFaccessat2            = 439
	sysLandlockCreateRuleset = 444
)

// Flags that the standard library does not have on every architecture.
const (
	oPath       = 0x200000
	atFdcwd     = -0x64
	atEmptyPath = 0x1000
	atEaccess   = 0x200

	resolveNoMagiclinks = 0x02 // openat2(2)
	resolveNoSymlinks   = 0x04
	resolveInRoot       = 0x10
)

// openHow is struct open_how of openat2(2).
type openHow struct {
	flags   uint64
	mode    uint64
	resolve uint64
}

// openat2 opens name; it tries again a few times where the kernel says EAGAIN because something was renamed on the way.
func openat2(dir int, name string, flags int, resolve uint64) (int, syscall.Errno) {
	p, err := syscall.BytePtrFromString(name)
	if err != nil {
		return -1, syscall.EINVAL
	}
	how := openHow{flags: uint64(flags | syscall.O_CLOEXEC), resolve: resolve}
	var e syscall.Errno
	for range 16 {
		var fd uintptr
		fd, _, e = syscall.Syscall6(sysOpenat2, uintptr(dir), uintptr(unsafe.Pointer(p)), uintptr(unsafe.Pointer(&how)), unsafe.Sizeof(how), 0, 0)
		if e == 0 {
			return int(fd), 0
		}
		if e != syscall.EAGAIN && e != syscall.EINTR {
			break
		}
	}
	return -1, e
}

// executable asks the kernel whether the caller may execute what fd, opened with O_PATH, refers to. Mount flags count.
func executable(fd int, mode uint32) bool {
	var empty [1]byte
	_, _, e := syscall.Syscall6(sysFaccessat2, uintptr(fd), uintptr(unsafe.Pointer(&empty[0])), 1, atEmptyPath|atEaccess, 0, 0)
	if e == syscall.ENOSYS {
		return mode&0o111 != 0
	}
	return e == 0
}

// readlinkFD reads the target of a symbolic link that was opened with O_PATH and O_NOFOLLOW.
func readlinkFD(fd int) (string, syscall.Errno) {
	var empty [1]byte
	var short [128]byte // most links; a larger array would make the stack grow at every start
	buf := short[:]
	for {
		n, _, e := syscall.Syscall6(syscall.SYS_READLINKAT, uintptr(fd), uintptr(unsafe.Pointer(&empty[0])), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), 0, 0)
		if e != 0 {
			return "", e
		}
		if int(n) < len(buf) {
			return string(buf[:n]), 0
		}
		buf = make([]byte, 4097) // PATH_MAX is 4096: the next answer is whole
	}
}

// landlockABI returns 0 and why where there is no Landlock.
func landlockABI() (int, syscall.Errno) {
	const version = 1 // LANDLOCK_CREATE_RULESET_VERSION
	abi, _, e := syscall.RawSyscall(sysLandlockCreateRuleset, 0, 0, version)
	if e != 0 {
		return 0, e
	}
	return int(abi), 0
}

func capabilityKnown(n int) bool {
	const capbsetRead = 23 // PR_CAPBSET_READ
	_, _, e := syscall.RawSyscall(syscall.SYS_PRCTL, capbsetRead, uintptr(n), 0)
	return e == 0
}

func getRlimit(resource int, limit *Rlimit) error {
	// Rlimit has the layout of struct rlimit64, prlimit(2).
	_, _, e := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, 0, uintptr(resource), 0, uintptr(unsafe.Pointer(limit)), 0, 0)
	runtime.KeepAlive(limit)
	if e != 0 {
		return e
	}
	return nil
}

func isTerminal(fd int) bool {
	var termios [64]byte // struct termios is 36 bytes on amd64 and arm64
	_, _, e := syscall.RawSyscall(syscall.SYS_IOCTL, uintptr(fd), syscall.TCGETS, uintptr(unsafe.Pointer(&termios[0])))
	return e == 0
}

// auxv reads this process's auxiliary vector: from the kernel directly (prctl PR_GET_AUXV, Linux 6.4), else from /proc.
func auxv(b []byte) (int, error) {
	const prGetAuxv = 0x41555856
	n, _, e := syscall.RawSyscall6(syscall.SYS_PRCTL, prGetAuxv, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), 0, 0, 0)
	if e == 0 {
		return min(int(n), len(b)), nil
	}
	fd, err := syscall.Open("/proc/self/auxv", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer syscall.Close(fd)
	return syscall.Read(fd, b)
}
