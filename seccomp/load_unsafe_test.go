//go:build linux

package seccomp

import (
	"syscall"
	"unsafe"
)

const (
	prSetNoNewPrivs = 38
	setModeFilter   = 1
)

// sockFprog is struct sock_fprog.
type sockFprog struct {
	n      uint16
	filter *Insn
}

// loadFilter sets no_new_privs and loads a filter for the calling thread alone.
// The caller must have locked the goroutine to it.
func loadFilter(insns []Insn) error {
	prog := sockFprog{uint16(len(insns)), &insns[0]}
	if _, _, e := syscall.RawSyscall6(syscall.SYS_PRCTL, prSetNoNewPrivs, 1, 0, 0, 0, 0); e != 0 {
		return e
	}
	nr := uintptr(317)
	if nativeArch() == "arm64" {
		nr = 277
	}
	if _, _, e := syscall.RawSyscall(nr, setModeFilter, 0, uintptr(unsafe.Pointer(&prog))); e != 0 {
		return e
	}
	return nil
}
