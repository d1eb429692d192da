package launch

import (
	"fmt"
	"slices"
)

// The letters of pointers in a call's signature:
//
//	p  a string            b  bytes, counted by the next argument    V  an array of strings, ended by NULL
//	A  struct mount_attr   H  struct open_how                        L  struct rlimit64
//	C  capability sets     h  capability header                      S  struct sock_fprog
//	m  a signal mask       a  struct sigaction                       G  ids, counted by the argument before
//	U  a structure, its size in the next argument
//
// i is a pointer or a number, as ioctl(2) takes it. All other letters are numbers.
const pointers = "pbVAHLChSmaGU"

func isPointer(letter byte) bool {
	for i := range len(pointers) {
		if pointers[i] == letter {
			return true
		}
	}
	return false
}

// structSize returns the bytes that the kernel reads or writes behind an argument, by the letter of its signature.
func structSize(letter byte) uint64 {
	switch letter {
	case 'A', 'a':
		return 32 // struct mount_attr; struct sigaction
	case 'H', 'C':
		return 24 // struct open_how; two struct user_cap_data
	case 'L', 'S':
		return 16 // struct rlimit64; struct sock_fprog
	case 'V', 'm', 'h':
		return 8 // at least the NULL; a signal mask; struct user_cap_header
	}
	return 1
}

// ioctls are the requests that a program may make, each with the bytes behind its argument, 0 for a number: the kernel
// checks no size, so that any other request could read or write whatever it likes.
var ioctls = [...]struct {
	request uint64
	size    uint64
}{
	{0x540e, 0},     // TIOCSCTTY
	{0x5410, 4},     // TIOCSPGRP
	{0x5441, 0},     // TIOCGPTPEER
	{0x8914, 40},    // SIOCSIFFLAGS: struct ifreq
	{0x40045431, 4}, // TIOCSPTLCK
}

// verifyArgs checks the arguments of op i against its call.
func verifyArgs(p *Program, i, hosts int, set uint32) error {
	o := &p.Ops[i]
	sig := calls[o.Call].sig
	slots := 4 // how many of the arguments the interpreter can read from slots
	if o.Call.Pseudo() {
		slots = 2
	}
	for k := range 6 {
		letter := byte('d')
		if k < len(sig) {
			letter = sig[k]
		}
		if why := verifyArg(p, o, k, letter); why != "" {
			return &VerifyError{i, fmt.Sprintf("argument %d: %s", k, why)}
		}
		switch a := o.Arg(k); {
		case a.Kind == Slot && (a.Value >= Slots || set&(1<<a.Value) == 0):
			return &VerifyError{i, fmt.Sprintf("argument %d reads slot %d before it is set", k, a.Value)}
		case a.Kind == Slot && k >= slots:
			return &VerifyError{i, fmt.Sprintf("argument %d cannot be read from a slot", k)}
		case a.Kind == Host && a.Value >= uint64(hosts):
			return &VerifyError{i, fmt.Sprintf("argument %d reads host value %d of %d", k, a.Value, hosts)}
		}
	}
	if !knownRequest(o) {
		return &VerifyError{i, "no such " + o.Call.String() + " request"}
	}
	return nil
}

// verifyArg holds that pointers point into the data and that nothing else does.
func verifyArg(p *Program, o *Op, k int, letter byte) string {
	a := o.Arg(k)
	if letter == 'i' {
		size, known := ioctlSize(o)
		switch {
		case !known:
			return "no such ioctl request"
		case size == 0 && a.Kind != Data:
			return ""
		case size == 0 || a.Kind != Data:
			return "number and address mixed up"
		}
		return fits(p, a.Value, size)
	}
	switch {
	case !isPointer(letter) && a.Kind == Data:
		return "an address in the place of a number"
	case !isPointer(letter) || a.Kind == Imm && a.Value == 0:
		return ""
	case a.Kind != Data:
		return "an address that is not in the data"
	}
	return verifyData(p, a.Value, letter, o, k)
}

func ioctlSize(o *Op) (size uint64, known bool) {
	for i := range ioctls {
		if r := o.Arg(1); r.Kind == Imm && r.Value == ioctls[i].request {
			return ioctls[i].size, true
		}
	}
	return 0, false
}

// knownRequest reports whether a multiplexed call asks for one of the things that take no address among their numbers, and
// whether a stage is one that the parent can tell.
func knownRequest(o *Op) bool {
	switch o.Call {
	case Prctl:
		return o.Arg(0).Kind == Imm && prctlName(o.Args[0]) != ""
	case Sync:
		return o.Arg(0).Kind == Imm && o.Args[0]-1 < 255 // the parent reads it as one byte, and 0 means the end
	case Fcntl:
		a := o.Arg(1)
		return a.Kind == Imm && (a.Value <= 4 || a.Value == 1030) // F_DUPFD to F_SETFL, F_DUPFD_CLOEXEC
	}
	return true
}

// verifyData checks one offset: strings end inside the data, buffers and structures fit.
func verifyData(p *Program, off uint64, letter byte, o *Op, k int) string {
	switch letter {
	case 'p':
		return hasEnd(p, off)
	case 'b', 'U':
		if o.Arg(k+1).Kind != Imm {
			return "the size is not an immediate number"
		}
		return fits(p, off, o.Args[k+1])
	case 'G':
		if o.Arg(k-1).Kind != Imm || o.Args[k-1] > 1<<16 {
			return "the count is not an immediate number up to 65536"
		}
		return fits(p, off, 4*o.Args[k-1])
	case 'V':
		return verifyVector(p, off)
	case 'S':
		if why := fits(p, off, structSize(letter)); why != "" {
			return why
		}
		if off%8 != 0 || !relocated(p, off+8) {
			return "the filter has no address"
		}
		return fits(p, word(p.Data, int(off)+8), 8*(word(p.Data, int(off))&0xffff))
	}
	return fits(p, off, structSize(letter))
}

// fits reports in words why size bytes at an offset are not all in the data.
func fits(p *Program, off, size uint64) string {
	n := uint64(len(p.Data))
	if off >= n {
		return fmt.Sprintf("offset %d is outside %d bytes of data", off, n)
	}
	if size > n-off {
		return fmt.Sprintf("%d bytes at %d are not all in %d bytes of data", size, off, n)
	}
	return ""
}

func hasEnd(p *Program, off uint64) string {
	if why := fits(p, off, 1); why != "" {
		return why
	}
	for _, c := range p.Data[off:] {
		if c == 0 {
			return ""
		}
	}
	return "string has no end"
}

// verifyVector holds that an array of strings ends, and each string in it.
func verifyVector(p *Program, off uint64) string {
	for ; ; off += 8 {
		if off%8 != 0 {
			return "array is not aligned"
		}
		if why := fits(p, off, 8); why != "" {
			return "array has no end: " + why
		}
		at := word(p.Data, int(off))
		if !relocated(p, off) {
			if at == 0 {
				return ""
			}
			return "array holds a number that is no address"
		}
		if why := hasEnd(p, at); why != "" {
			return why
		}
	}
}

// relocated reports whether the word at an offset becomes an address.
func relocated(p *Program, off uint64) bool {
	_, found := slices.BinarySearch(p.Relocs, uint32(off))
	return found
}

func word(b []byte, off int) (v uint64) {
	for i := 7; i >= 0; i-- {
		v = v<<8 | uint64(b[off+i])
	}
	return v
}
