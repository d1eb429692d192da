package seccomp

// Data is what the kernel shows a filter: struct seccomp_data.
type Data struct {
	Nr   uint32
	Arch uint32
	IP   uint64
	Args [6]uint64
}

// word reads 32 bits of the struct as a little-endian machine holds it.
func (d *Data) word(offset uint32) (uint32, bool) {
	if offset%4 != 0 || offset > dataLen-4 {
		return 0, false
	}
	switch offset {
	case offNr:
		return d.Nr, true
	case offArch:
		return d.Arch, true
	}
	v := d.IP
	if offset >= offArgs {
		v = d.Args[(offset-offArgs)/8]
	}
	if offset%8 == 4 {
		v >>= 32
	}
	return uint32(v), true
}

// Simulate runs a filter as the kernel would and returns its value and the
// number of instructions executed. A program that the kernel would refuse (an
// unknown instruction, a jump or load out of bounds) gives KillProcess and -1.
func Simulate(insns []Insn, d Data) (action uint32, steps int) {
	var acc uint32
	for pc := 0; pc < len(insns); pc++ {
		i := insns[pc]
		steps++
		taken := false
		switch i.Code {
		case opLoad:
			v, ok := d.word(i.K)
			if !ok {
				return uint32(KillProcess), -1
			}
			acc = v
			continue
		case opAnd:
			acc &= i.K
			continue
		case opRet:
			return i.K, steps
		case opJump:
			if uint64(i.K) >= uint64(len(insns)) {
				return uint32(KillProcess), -1
			}
			pc += int(i.K)
			continue
		case opJeq:
			taken = acc == i.K
		case opJgt:
			taken = acc > i.K
		case opJge:
			taken = acc >= i.K
		case opJset:
			taken = acc&i.K != 0
		default:
			return uint32(KillProcess), -1
		}
		if taken {
			pc += int(i.Jt)
		} else {
			pc += int(i.Jf)
		}
	}
	return uint32(KillProcess), -1
}
