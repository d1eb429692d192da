package seccomp

import "strconv"

// Decode writes a filter as text, one instruction a line: its index, what it
// does, and absolute targets of jumps. Words of struct seccomp_data go by name
// ("nr", "arch", "args[1].low").
func Decode(insns []Insn) string {
	out := make([]byte, 0, 40*len(insns))
	for pc, i := range insns {
		for pad := 1000; pad > pc && pad > 1; pad /= 10 {
			out = append(out, ' ')
		}
		out = strconv.AppendInt(out, int64(pc), 10)
		out = append(out, "  "...)
		out = appendInsn(out, pc, i)
		out = append(out, '\n')
	}
	return string(out)
}

func appendInsn(out []byte, pc int, i Insn) []byte {
	switch i.Code {
	case opLoad:
		out = append(out, "load "...)
		return appendWord(out, i.K)
	case opAnd:
		return appendHex(append(out, "and "...), i.K)
	case opRet:
		return appendRet(append(out, "ret "...), i.K)
	case opJump:
		return strconv.AppendInt(append(out, "goto "...), int64(pc)+1+int64(i.K), 10)
	}
	name := ""
	switch i.Code {
	case opJeq:
		name = "if == "
	case opJgt:
		name = "if > "
	case opJge:
		name = "if >= "
	case opJset:
		name = "if & "
	default:
		return appendHex(append(out, "unknown "...), uint32(i.Code))
	}
	out = appendHex(append(out, name...), i.K)
	out = strconv.AppendInt(append(out, " goto "...), int64(pc)+1+int64(i.Jt), 10)
	return strconv.AppendInt(append(out, " else "...), int64(pc)+1+int64(i.Jf), 10)
}

func appendHex(out []byte, v uint32) []byte {
	return strconv.AppendUint(append(out, "0x"...), uint64(v), 16)
}

func appendWord(out []byte, offset uint32) []byte {
	switch {
	case offset == offNr:
		return append(out, "nr"...)
	case offset == offArch:
		return append(out, "arch"...)
	case offset >= dataLen || offset%4 != 0:
		return appendHex(append(out, "data+"...), offset)
	case offset < offArgs:
		out = append(out, "ip"...)
	default:
		out = strconv.AppendUint(append(out, "args["...), uint64(offset-offArgs)/8, 10)
		out = append(out, ']')
	}
	if offset%8 == 4 {
		return append(out, ".high"...)
	}
	return append(out, ".low"...)
}

func appendRet(out []byte, v uint32) []byte {
	a, data := ActionOf(v)
	out = append(out, a.String()...)
	if a.takesData() || data != 0 {
		out = strconv.AppendUint(append(out, '('), uint64(data), 10)
		out = append(out, ')')
	}
	return out
}
