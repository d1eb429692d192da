package launch

import (
	"encoding/binary"
	"syscall"

	"github.com/seed-0dbaba02/carrel/internal/source"
)

// Kind says how the interpreter reads an argument.
type Kind uint8

// The kinds of argument.
const (
	Imm  Kind = iota // the value itself
	Data             // the address of byte Value of the program's data
	Slot             // the result that an earlier op left in slot Value
	Host             // number Value of the list that the host fills in before the start
)

// Flags is the number of flags that Post and Wait can use.
const Flags = 4

// Slots is the number of result slots: the lower half belongs to the set-up program, the upper half to the payload program,
// because both run at the same time in one memory.
const Slots = 32

// Arg is one argument of an op.
type Arg struct {
	Kind  Kind
	Value uint64
}

// I returns an immediate argument. Negative numbers are sign-extended, as the kernel expects AT_FDCWD.
func I[T ~int | ~int32 | ~int64 | ~uint32 | ~uint64 | ~uintptr](v T) Arg { return Arg{Imm, uint64(v)} }

// S returns the argument that reads slot n.
func S(n int) Arg { return Arg{Slot, uint64(n)} }

// H returns the argument that reads host value n.
func H(n int) Arg { return Arg{Host, uint64(n)} }

// NoSlot is the value of Op.Out that drops the result.
const NoSlot = -1

// Op is one system call, described in advance. The child runs ops in order and stops at the first that fails.
type Op struct {
	Call    Call
	Out     int8          // slot that keeps the result, or NoSlot
	kinds   uint16        // two bits for each argument
	from    uint16        // index into Program.Origins
	Okay    syscall.Errno // an errno that counts as success, or 0
	Args    [6]uint64
	Subject string // what the op is about, in the user's terms: a path, a limit's name
}

// Arg returns argument i.
func (o *Op) Arg(i int) Arg { return Arg{Kind(o.kinds >> (2 * i) & 3), o.Args[i]} }

// Kinds returns the kinds of all six arguments, two bits each, the first in the lowest bits.
func (o *Op) Kinds() uint16 { return o.kinds }

// To sets the slot that keeps the op's result.
func (o *Op) To(slot int) *Op { o.Out = int8(slot); return o }

// Accept names the one errno that counts as success.
func (o *Op) Accept(e syscall.Errno) *Op { o.Okay = e; return o }

// Program is a straight list of ops and the data that they refer to.
type Program struct {
	Ops     []Op
	Data    []byte
	Relocs  []uint32        // offsets in Data of 8-byte words that hold an offset and must become an address
	Origins []source.Origin // who asked; Op.from indexes it; element 0 is the zero Origin
}

// From returns the origin of op i.
func (p *Program) From(i int) source.Origin {
	if n := int(p.Ops[i].from); n < len(p.Origins) {
		return p.Origins[n]
	}
	return source.Origin{}
}

// Builder appends to a program. The zero Builder is ready; Reuse gives it memory to start with.
type Builder struct {
	Program
	current uint16
}

// Reuse lets the builder write into the given arrays first, so that a one-shot command needs no heap for it.
func (b *Builder) Reuse(ops []Op, data []byte, origins []source.Origin) {
	b.Ops, b.Data, b.Origins = ops[:0], data[:0], append(origins[:0], source.Origin{})
}

// Asked sets the origin of the ops that follow.
func (b *Builder) Asked(o source.Origin) {
	if len(b.Origins) == 0 {
		b.Origins = append(b.Origins, source.Origin{})
	}
	if o.IsZero() {
		b.current = 0
		return
	}
	if b.Origins[b.current] == o {
		return
	}
	b.Origins = append(b.Origins, o)
	b.current = uint16(len(b.Origins) - 1)
}

// Current returns the index of the origin set last.
func (b *Builder) Current() int { return int(b.current) }

// Do appends an op. The returned pointer is good until the next call.
func (b *Builder) Do(c Call, subject string, args ...Arg) *Op {
	b.Ops = append(b.Ops, Op{Call: c, Out: NoSlot, from: b.current, Subject: subject})
	o := &b.Ops[len(b.Ops)-1]
	for i, a := range args {
		o.Args[i] = a.Value
		o.kinds |= uint16(a.Kind) << (2 * i)
	}
	return o
}

// Str puts a NUL-terminated string into the data.
func (b *Builder) Str(s string) Arg {
	off := len(b.Data)
	b.Data = append(b.Data, s...)
	b.Data = append(b.Data, 0)
	return Arg{Data, uint64(off)}
}

// Raw puts bytes into the data, aligned to 8.
func (b *Builder) Raw(p string) Arg {
	b.align()
	off := len(b.Data)
	b.Data = append(b.Data, p...)
	return Arg{Data, uint64(off)}
}

// Words puts 64-bit numbers into the data in the byte order of amd64 and arm64.
func (b *Builder) Words(w ...uint64) Arg {
	b.align()
	off := len(b.Data)
	for _, v := range w {
		b.Data = binary.LittleEndian.AppendUint64(b.Data, v)
	}
	return Arg{Data, uint64(off)}
}

// Word puts the address of an argument of kind Data into the data, as one element of a pointer array or structure.
func (b *Builder) pointer(off uint64) {
	b.Relocs = append(b.Relocs, uint32(len(b.Data)))
	b.Data = binary.LittleEndian.AppendUint64(b.Data, off)
}

// Vector puts a NULL-terminated array of pointers to the strings into the data, as execve(2) takes it.
func (b *Builder) Vector(ss []string) Arg {
	first := len(b.Data)
	for _, s := range ss {
		b.Str(s)
	}
	b.align()
	off := len(b.Data)
	for _, s := range ss {
		b.pointer(uint64(first))
		first += len(s) + 1
	}
	b.Data = binary.LittleEndian.AppendUint64(b.Data, 0)
	return Arg{Data, uint64(off)}
}

// Counted puts struct sock_fprog into the data: a 16-bit count and a pointer to raw bytes.
func (b *Builder) Counted(n int, raw string) Arg {
	body := b.Raw(raw)
	b.align()
	off := len(b.Data)
	b.Data = binary.LittleEndian.AppendUint64(b.Data, uint64(n))
	b.pointer(body.Value)
	return Arg{Data, uint64(off)}
}

func (b *Builder) align() {
	for len(b.Data)%8 != 0 {
		b.Data = append(b.Data, 0)
	}
}
