package main

import (
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

func addressOf(text []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(text))) }

func iovec(buffer []byte) unix.Iovec {
	v := unix.Iovec{Base: &buffer[0]}
	v.SetLen(len(buffer))
	return v
}

func lockThread() { runtime.LockOSThread() }

// defaultAction gives a signal back its default action, which the Go runtime has taken.
func defaultAction(signal syscall.Signal) {
	var action [4]uintptr
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(signal), uintptr(unsafe.Pointer(&action)), 0, 8, 0, 0)
}

// call makes a system call whose arguments are numbers.
func call(nr uintptr, args ...uintptr) error {
	var a [6]uintptr
	copy(a[:], args)
	_, _, e := unix.Syscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5])
	if e != 0 {
		return e
	}
	return nil
}

// clone3 makes a child that ends at once, and reports how that went.
func clone3(flags uint64) error {
	args := [11]uint64{flags, 0, 0, 0, uint64(unix.SIGCHLD)}
	pid, _, e := unix.RawSyscall(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&args)), unsafe.Sizeof(args), 0)
	return child(pid, e)
}

// cloned does the same with clone(2); the flags may have bits that only the register has.
func cloned(flags uint64) error {
	pid, _, e := unix.RawSyscall6(unix.SYS_CLONE, uintptr(flags)|uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	return child(pid, e)
}

func child(pid uintptr, e syscall.Errno) error {
	if e != 0 {
		return e
	}
	if pid == 0 {
		for {
			unix.RawSyscall(unix.SYS_EXIT, 0, 0, 0)
		}
	}
	_, err := unix.Wait4(int(pid), nil, 0, nil)
	return err
}

// low is memory that a 32-bit pointer reaches.
func low() (uintptr, []uint32, error) {
	const map32bit = 0x40
	at, _, e := unix.Syscall6(unix.SYS_MMAP, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|map32bit, ^uintptr(0), 0)
	if e != 0 {
		return 0, nil, e
	}
	return at, unsafe.Slice((*uint32)(unsafe.Add(nil, at)), 1024), nil
}

func byteAddress(b *byte) uintptr { return uintptr(unsafe.Pointer(b)) }
