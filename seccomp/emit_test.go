package seccomp

import (
	"math/rand/v2"
	"testing"
)

// walk runs a graph of nodes without laying it out.
func (b *builder) walk(id nodeID, x Data) uint32 {
	var acc uint32
	for {
		n := b.nodes[id]
		taken := false
		switch n.code {
		case opRet:
			return n.k
		case opLoad:
			acc, _ = x.word(n.k)
			taken = true
		case opAnd:
			acc &= n.k
			taken = true
		case opJeq:
			taken = acc == n.k
		case opJgt:
			taken = acc > n.k
		case opJge:
			taken = acc >= n.k
		case opJset:
			taken = acc&n.k != 0
		}
		if id = n.jf; taken {
			id = n.jt
		}
	}
}

// TestLongJumps lays out a test whose two targets lie around the reach of a
// conditional jump: both were laid out before, with a chain of n tests between.
func TestLongJumps(t *testing.T) {
	for n := uint32(240); n <= 262; n++ {
		for kind := range 8 {
			b := newBuilder()
			yes, no := b.ret(7), b.ret(8)
			if kind&1 != 0 {
				yes = b.load(offIP, b.jump(opJset, 1, yes, b.ret(9)))
			}
			if kind&2 != 0 {
				no = b.load(offIP, b.jump(opJset, 1, no, b.ret(10)))
			}
			chain := b.jump(opJset, 4, no, yes)
			for k := n; k > 0; k-- {
				chain = b.jump(opJeq, k, b.ret(100+k%2), chain)
			}
			far := b.jump(opJset, 1<<30, yes, no)
			if kind&4 != 0 {
				far = b.jump(opJset, 1<<29, b.jump(opJset, 1<<28, no, yes), far)
			}
			root := b.load(offNr, b.jump(opJset, 1<<31, chain, far))
			insns, err := b.emit(root)
			if err != nil {
				t.Fatal(err)
			}
			checkProgram(t, insns)
			for _, nr := range []uint32{0, 1 << 30, 1 << 29, 3 << 28, 1 << 31, 1<<31 | 4, 1<<31 | 1, 1, n} {
				for ip := range uint64(2) {
					x := Data{Nr: nr, IP: ip}
					if have, _ := Simulate(insns, x); have != b.walk(root, x) {
						t.Fatalf("%d %d nr %#x: have %d, want %d", n, kind, nr, have, b.walk(root, x))
					}
				}
			}
		}
	}
}

// TestEmitRandom lays out random graphs, with targets at every distance, and
// compares the program with the graph.
func TestEmitRandom(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 2))
		b := newBuilder()
		ids := []nodeID{b.ret(1), b.ret(2)}
		size := 20 + r.IntN(1200)
		for len(ids) < size {
			recent := func() nodeID { return ids[len(ids)-1-r.IntN(min(len(ids), 1+r.IntN(400)))] }
			var id nodeID
			switch r.IntN(8) {
			case 0:
				id = b.ret(uint32(r.IntN(40)))
			case 1:
				id = b.load(uint32(r.IntN(16)*4), recent())
			case 2:
				id = b.add(node{code: opAnd, k: r.Uint32() | r.Uint32(), jt: recent()})
			default:
				id = b.jump(pick(r, uint16(opJeq), opJgt, opJge, opJset), uint32(r.IntN(8)), recent(), ids[len(ids)-1])
			}
			ids = append(ids, id)
		}
		root := b.load(offNr, ids[len(ids)-1])
		insns, err := b.emit(root)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		checkProgram(t, insns)
		for range 500 {
			x := Data{Nr: uint32(r.IntN(10)), Arch: uint32(r.IntN(10)), IP: uint64(r.IntN(9))}
			for i := range x.Args {
				x.Args[i] = uint64(r.IntN(9))<<32 | uint64(r.IntN(9))
			}
			if have, _ := Simulate(insns, x); have != b.walk(root, x) {
				t.Fatalf("seed %d: %+v: have %d, want %d", seed, x, have, b.walk(root, x))
			}
		}
	}
}
