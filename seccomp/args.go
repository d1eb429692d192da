package seccomp

// cond is one comparison as the kernel will make it: wide is 64 bits, else
// only the low 32 bits of the argument count.
type cond struct {
	arg    uint8
	op     Op
	wide   bool
	value  uint64
	masked uint64 // for OpMaskedEq: what the masked argument must equal
}

// verdict says whether a comparison depends on the argument at all.
type verdict uint8

const (
	depends verdict = iota
	always
	never
)

// newCond fits an argument rule to the width at which the kernel uses the
// argument. At 32 bits a value that no 32-bit argument can have decides the
// comparison; a value that is a sign-extended 32-bit one is that one.
func newCond(a Arg, wide bool) (cond, verdict) {
	c := cond{arg: a.Index, op: a.Op, wide: wide, value: a.Value, masked: a.ValueTwo}
	if a.Op == OpMaskedEq {
		return c.fitMask()
	}
	if wide {
		return c, depends
	}
	hi := uint32(a.Value >> 32)
	c.value = uint64(uint32(a.Value))
	if hi == 0 || hi == 0xffffffff && int32(uint32(a.Value)) < 0 {
		return c, depends
	}
	switch a.Op {
	case OpNE, OpLT, OpLE:
		return c, always
	}
	return c, never
}

func (c cond) fitMask() (cond, verdict) {
	if c.masked&^c.value != 0 {
		return c, never
	}
	if !c.wide {
		hiMask, hi := uint32(c.value>>32), uint32(c.masked>>32)
		if hi != 0 && hi != hiMask {
			return c, never
		}
		c.value, c.masked = uint64(uint32(c.value)), uint64(uint32(c.masked))
		if c.value == 0xffffffff {
			c.op, c.value = OpEQ, c.masked
			return c, depends
		}
	}
	if c.value == 0 {
		return c, always
	}
	if c.value == ^uint64(0) {
		c.op, c.value = OpEQ, c.masked
	}
	return c, depends
}

// clause is a rule for one call: all conds hold, then act.
type clause struct {
	conds []cond
	act   uint32
}

// word is what is known about the high word of an argument.
type word struct {
	kind  uint8 // 0: nothing; 1: it is value; 2: it is not value
	value uint32
}

// facts is what is known at a point of the program: the offset of the word in
// the accumulator plus one, and the high words compared so far.
type facts struct {
	acc uint32
	hi  [6]word
}

// chain compiles the clauses of one call.
//
// What is known where one clause fails spares loads in the next, but every
// state of knowledge is code of its own. forget gives that up: each clause then
// starts afresh and the code is linear in the clauses.
type chain struct {
	b       *builder
	clauses []clause
	base    uint32
	memo    map[chainKey]nodeID
	forget  bool
	steps   int
}

type chainKey struct {
	i int
	f facts
}

// next is a continuation: it makes the node that follows under given facts.
type next func(f facts) nodeID

// maxSteps is how much work a chain may be before it has to forget.
const maxSteps = 1 << 14

// compile compiles all clauses.
func (c *chain) compile() nodeID {
	conds := 0
	for _, cl := range c.clauses {
		conds += len(cl.conds)
	}
	before := len(c.b.nodes)
	c.memo = make(map[chainKey]nodeID, len(c.clauses))
	id := c.from(0, facts{})
	if c.steps <= maxSteps && len(c.b.nodes)-before <= 64+8*conds {
		return id
	}
	c.b.truncate(before)
	c.forget = true
	clear(c.memo)
	return c.from(0, facts{})
}

// from compiles clause i and those after it.
func (c *chain) from(i int, f facts) nodeID {
	c.steps++
	if i == len(c.clauses) || c.b.full() || c.steps > maxSteps && !c.forget {
		return c.b.ret(c.base)
	}
	if c.forget {
		f = facts{}
	}
	key := chainKey{i, f}
	if id, ok := c.memo[key]; ok {
		return id
	}
	var id nodeID
	if n := c.equalities(i); n >= 3 {
		id = c.list(i, n, f)
	} else {
		id = c.conj(i, 0, f)
	}
	c.memo[key] = id
	return id
}

// conj compiles the comparisons of clause i from the j-th on.
func (c *chain) conj(i, j int, f facts) nodeID {
	cl := &c.clauses[i]
	if j == len(cl.conds) {
		return c.b.ret(cl.act)
	}
	c.steps++
	yes := func(f facts) nodeID { return c.conj(i, j+1, f) }
	no := func(f facts) nodeID { return c.from(i+1, f) }
	return c.test(cl.conds[j], f, yes, no)
}

// equalities counts the clauses from i on that each compare the same argument
// for equality with values of the same high word.
func (c *chain) equalities(i int) int {
	first := c.clauses[i].conds
	n := 0
	for _, cl := range c.clauses[i:] {
		if len(cl.conds) != 1 || cl.conds[0].op != OpEQ || cl.conds[0].arg != first[0].arg ||
			cl.conds[0].value>>32 != first[0].value>>32 {
			break
		}
		n++
	}
	return n
}

// list compiles n clauses that equalities found as one search.
func (c *chain) list(i, n int, f facts) nodeID {
	head := c.clauses[i].conds[0]
	no := func(f facts) nodeID { return c.from(i+n, f) }
	return c.high(head, f, func(f facts) nodeID {
		return c.low(head.arg, f, func(f facts) nodeID {
			return c.b.search(c.spans(i, n, no(f)))
		})
	}, no)
}

// spans sorts the values of n clauses into spans; of two clauses with one
// value the first counts.
func (c *chain) spans(i, n int, miss nodeID) []span {
	values := make([]span, 0, n)
	for _, cl := range c.clauses[i : i+n] {
		v := uint32(cl.conds[0].value)
		at := 0
		for at < len(values) && values[at].start < v {
			at++
		}
		if at < len(values) && values[at].start == v {
			continue
		}
		values = append(values, span{})
		copy(values[at+1:], values[at:])
		values[at] = span{v, c.b.ret(cl.act)}
	}
	return fill(values, miss)
}

// fill turns sorted single values into spans over all 32-bit values.
func fill(values []span, miss nodeID) []span {
	out := make([]span, 0, 2*len(values)+1)
	open := uint64(0)
	for _, v := range values {
		if uint64(v.start) > open {
			out = append(out, span{uint32(open), miss})
		}
		out = append(out, v)
		open = uint64(v.start) + 1
	}
	if open <= 0xffffffff {
		out = append(out, span{uint32(open), miss})
	}
	return coalesce(out)
}
