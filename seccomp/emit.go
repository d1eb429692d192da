package seccomp

// emitter lays the nodes of a builder out as instructions. It works from the
// last instruction to the first, because every jump of classic BPF goes
// forward: a node is laid out after everything that it can reach.
type emitter struct {
	nodes []node
	out   []Insn // in reverse order
	at    []int  // for each node, its index in out plus one; 0: not laid out
}

// emit lays out the graph below root.
func (b *builder) emit(root nodeID) ([]Insn, error) {
	e := emitter{nodes: b.nodes, at: make([]int, len(b.nodes))}
	if b.full() {
		return nil, errTooLarge
	}
	e.place(root)
	if len(e.out) > MaxInsns {
		return nil, errTooLarge
	}
	for i, j := 0, len(e.out)-1; i < j; i, j = i+1, j-1 {
		e.out[i], e.out[j] = e.out[j], e.out[i]
	}
	return e.out, nil
}

func (e *emitter) push(id nodeID, i Insn) {
	e.out = append(e.out, i)
	e.at[id] = len(e.out)
}

// distance is the offset that a jump in the next instruction needs.
func (e *emitter) distance(id nodeID) int { return len(e.out) - e.at[id] }

// place lays out a node and all that it needs, unless that was done.
func (e *emitter) place(id nodeID) {
	if e.at[id] != 0 || len(e.out) > MaxInsns {
		return
	}
	n := e.nodes[id]
	switch n.code {
	case opRet:
		e.push(id, Insn{Code: opRet, K: n.k})
	case opLoad, opAnd:
		e.place(n.jt)
		if e.distance(n.jt) != 0 {
			e.nearer(n.jt)
		}
		e.push(id, Insn{Code: n.code, K: n.k})
	default:
		e.place(n.jt)
		e.place(n.jf)
		t, f := n.jt, n.jf
		tCopy := e.distance(t) > 255
		if tCopy {
			e.hop(t)
		}
		// The copy of one target moves the other one instruction away.
		tAt := len(e.out)
		if !tCopy {
			tAt = e.at[t]
		}
		if e.distance(f) > 255 {
			e.hop(f)
			e.push(id, Insn{Code: n.code, K: n.k, Jt: uint8(len(e.out) - tAt), Jf: 0})
			return
		}
		e.push(id, Insn{Code: n.code, K: n.k, Jt: uint8(len(e.out) - tAt), Jf: uint8(e.distance(f))})
	}
}

// nearer makes the next position lead to id.
func (e *emitter) nearer(id nodeID) { e.hop(id) }
