package seccomp

// lowWord and highWord are the offsets of the halves of an argument in struct
// seccomp_data on a little-endian machine.
func lowWord(arg uint8) uint32  { return offArgs + 8*uint32(arg) }
func highWord(arg uint8) uint32 { return offArgs + 8*uint32(arg) + 4 }

// with returns the facts after a load of offset.
func (f facts) with(offset uint32) facts {
	f.acc = offset + 1
	return f
}

// spoiled returns the facts after the accumulator was changed.
func (f facts) spoiled() facts {
	f.acc = 0
	return f
}

func (f facts) knowing(arg uint8, kind uint8, value uint32) facts {
	f.hi[arg] = word{kind, value}
	return f
}

// fetch loads a word unless it is in the accumulator.
func (c *chain) fetch(offset uint32, f facts, then next) nodeID {
	id := then(f.with(offset))
	if f.acc == offset+1 {
		return id
	}
	return c.b.load(offset, id)
}

// low loads the low word of an argument.
func (c *chain) low(arg uint8, f facts, then next) nodeID {
	return c.fetch(lowWord(arg), f, then)
}

// test compiles one comparison.
func (c *chain) test(cd cond, f facts, yes, no next) nodeID {
	switch cd.op {
	case OpEQ:
		return c.equal(cd, f, yes, no)
	case OpNE:
		return c.equal(cd, f, no, yes)
	case OpGT:
		return c.order(cd, opJgt, f, yes, no)
	case OpGE:
		return c.order(cd, opJge, f, yes, no)
	case OpLE:
		return c.order(cd, opJgt, f, no, yes)
	case OpLT:
		return c.order(cd, opJge, f, no, yes)
	}
	return c.mask(cd, f, yes, no)
}

// high compares the high word of a wide argument for equality; a narrow
// argument has none.
func (c *chain) high(cd cond, f facts, yes, no next) nodeID {
	want := uint32(cd.value >> 32)
	known := f.hi[cd.arg]
	switch {
	case !cd.wide || known == word{1, want}:
		return yes(f)
	case known.kind == 1 || known == word{2, want}:
		return no(f)
	}
	return c.fetch(highWord(cd.arg), f, func(f facts) nodeID {
		return c.b.jump(opJeq, want, yes(f.knowing(cd.arg, 1, want)), no(f.knowing(cd.arg, 2, want)))
	})
}

func (c *chain) equal(cd cond, f facts, yes, no next) nodeID {
	return c.high(cd, f, func(f facts) nodeID {
		return c.low(cd.arg, f, func(f facts) nodeID {
			return c.b.jump(opJeq, uint32(cd.value), yes(f), no(f))
		})
	}, no)
}

// order compares for "greater" (opJgt) or "greater or equal" (opJge). The high
// words decide unless they are equal.
func (c *chain) order(cd cond, code uint16, f facts, yes, no next) nodeID {
	words := func(f facts) nodeID {
		return c.low(cd.arg, f, func(f facts) nodeID {
			return c.b.jump(code, uint32(cd.value), yes(f), no(f))
		})
	}
	want := uint32(cd.value >> 32)
	known := f.hi[cd.arg]
	switch {
	case !cd.wide:
		return words(f)
	case known.kind == 1 && known.value > want:
		return yes(f)
	case known.kind == 1 && known.value < want:
		return no(f)
	case known.kind == 1:
		return words(f)
	}
	return c.fetch(highWord(cd.arg), f, func(f facts) nodeID {
		above := yes(f)
		same := func() nodeID { return words(f.knowing(cd.arg, 1, want)) }
		if want == 0 {
			return c.b.jump(opJeq, 0, same(), above)
		}
		below := c.b.jump(opJeq, want, same(), no(f))
		return c.b.jump(opJgt, want, above, below)
	})
}

// mask compares a masked argument, high word first when the mask has bits there.
func (c *chain) mask(cd cond, f facts, yes, no next) nodeID {
	lowPart := func(f facts) nodeID {
		return c.maskWord(masked{lowWord(cd.arg), uint32(cd.value), uint32(cd.masked)}, f, yes, no)
	}
	if !cd.wide || cd.value>>32 == 0 {
		return lowPart(f)
	}
	return c.maskWord(masked{highWord(cd.arg), uint32(cd.value >> 32), uint32(cd.masked >> 32)}, f, lowPart, no)
}

// masked is one word of an argument, the bits that count, and what they must be.
type masked struct{ offset, mask, want uint32 }

func (c *chain) maskWord(m masked, f facts, yes, no next) nodeID {
	mask, want := m.mask, m.want
	if mask == 0 {
		return yes(f)
	}
	return c.fetch(m.offset, f, func(f facts) nodeID {
		switch {
		case want == 0:
			return c.b.jump(opJset, mask, no(f), yes(f))
		case mask == 0xffffffff:
			return c.b.jump(opJeq, want, yes(f), no(f))
		case mask == want && mask&(mask-1) == 0:
			return c.b.jump(opJset, mask, yes(f), no(f))
		}
		f = f.spoiled()
		return c.b.add(node{code: opAnd, k: mask, jt: c.b.jump(opJeq, want, yes(f), no(f))})
	})
}
