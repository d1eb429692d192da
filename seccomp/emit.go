package seccomp

// emitter lays the nodes of a builder out as instructions. It works from the
// last instruction to the first, because every jump of classic BPF goes
// forward: a node is laid out after everything that it can reach.
type emitter struct {
	nodes []node
	out   []Insn // in reverse order
	at    []int  // for each node, one plus its index in out; 0: not laid out
	via   []int  // the same for the nearest plain jump to the node
}

// emit lays out the graph below root.
func (b *builder) emit(root nodeID) ([]Insn, error) {
	if b.full() {
		return nil, errTooLarge
	}
	e := emitter{nodes: b.nodes, at: make([]int, len(b.nodes)), via: make([]int, len(b.nodes))}
	e.place(root)
	if e.full() {
		return nil, errTooLarge
	}
	for i, j := 0, len(e.out)-1; i < j; i, j = i+1, j-1 {
		e.out[i], e.out[j] = e.out[j], e.out[i]
	}
	return e.out, nil
}

func (e *emitter) full() bool { return len(e.out) > MaxInsns }

// place lays out a node and all that it needs, unless that was done.
func (e *emitter) place(id nodeID) {
	if e.at[id] != 0 || e.full() {
		return
	}
	n := e.nodes[id]
	i := Insn{Code: n.code, K: n.k}
	switch n.code {
	case opRet:
	case opLoad, opAnd:
		e.place(n.jt)
		if e.at[n.jt] != len(e.out) {
			e.hop(n.jt)
		}
	default:
		e.place(n.jt)
		e.place(n.jf)
		// Bringing the second target into reach can add one instruction.
		t := e.reach(n.jt, 254)
		f := e.reach(n.jf, 255)
		i.Jt, i.Jf = uint8(len(e.out)-t), uint8(len(e.out)-f)
	}
	e.out = append(e.out, i)
	e.at[id] = len(e.out)
}

// reach returns a position that leads to the node and is at most limit
// instructions away from the next one, making one when there is none.
func (e *emitter) reach(id nodeID, limit int) int {
	if len(e.out)-e.at[id] <= limit {
		return e.at[id]
	}
	if e.via[id] != 0 && len(e.out)-e.via[id] <= limit {
		return e.via[id]
	}
	return e.hop(id)
}

// hop adds an instruction that leads to the node: a second copy of a return,
// or a plain jump, whose offset has 32 bits.
func (e *emitter) hop(id nodeID) int {
	if n := e.nodes[id]; n.code == opRet {
		e.out = append(e.out, Insn{Code: opRet, K: n.k})
		e.at[id] = len(e.out)
		return e.at[id]
	}
	e.out = append(e.out, Insn{Code: opJump, K: uint32(len(e.out) - e.at[id])})
	e.via[id] = len(e.out)
	return e.via[id]
}
