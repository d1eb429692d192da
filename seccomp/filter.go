package seccomp

import "encoding/binary"

// Insn is one instruction of classic BPF: struct sock_filter of linux/filter.h.
type Insn struct {
	Code uint16
	Jt   uint8
	Jf   uint8
	K    uint32
}

// MaxInsns is the longest filter that the kernel takes (BPF_MAXINSNS).
const MaxInsns = 4096

// Instruction codes that filters are made of; the kernel takes no others that
// this package needs (kernel/seccomp.c, seccomp_check_filter).
const (
	opLoad = 0x20 // BPF_LD | BPF_W | BPF_ABS
	opAnd  = 0x54 // BPF_ALU | BPF_AND | BPF_K
	opJump = 0x05 // BPF_JMP | BPF_JA
	opJeq  = 0x15 // BPF_JMP | BPF_JEQ | BPF_K
	opJgt  = 0x25 // BPF_JMP | BPF_JGT | BPF_K
	opJge  = 0x35 // BPF_JMP | BPF_JGE | BPF_K
	opJset = 0x45 // BPF_JMP | BPF_JSET | BPF_K
	opRet  = 0x06 // BPF_RET | BPF_K
)

// Offsets in struct seccomp_data (linux/seccomp.h) of a little-endian machine.
const (
	offNr   = 0
	offArch = 4
	offIP   = 8
	offArgs = 16
	dataLen = 64
)

// Filter is a compiled profile.
type Filter struct {
	Insns []Insn
}

// Len is the number of instructions.
func (f *Filter) Len() int { return len(f.Insns) }

// Bytes is the filter as an array of struct sock_filter, 8 bytes each, little
// endian: what struct sock_fprog points at on every architecture that this
// package compiles for.
func (f *Filter) Bytes() []byte {
	out := make([]byte, 0, 8*len(f.Insns))
	for _, i := range f.Insns {
		out = binary.LittleEndian.AppendUint16(out, i.Code)
		out = append(out, i.Jt, i.Jf)
		out = binary.LittleEndian.AppendUint32(out, i.K)
	}
	return out
}
