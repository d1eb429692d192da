package seccomp

import "errors"

// nodeID names a node of a builder; 0 is none.
type nodeID int32

// node is one instruction whose targets are other nodes. Loads and masks go on
// at jt, returns have no targets.
type node struct {
	code   uint16
	k      uint32
	jt, jf nodeID
}

// builder makes a graph of nodes in which equal nodes are one node, so that
// equal tails of the program are shared.
type builder struct {
	nodes    []node
	ids      map[node]nodeID
	overflow bool // something was left out because it cannot fit
}

// maxNodes bounds the work that a hostile profile can cause. A filter of 4096
// instructions has fewer nodes than this.
const maxNodes = 1 << 15

var errTooLarge = errors.New("compile profile: the filter would be longer than 4096 instructions, the limit of the kernel")

func newBuilder() *builder {
	return &builder{nodes: make([]node, 1, 256), ids: make(map[node]nodeID, 256)}
}

func (b *builder) full() bool { return b.overflow || len(b.nodes) > maxNodes }

func (b *builder) add(n node) nodeID {
	if id, ok := b.ids[n]; ok {
		return id
	}
	id := nodeID(len(b.nodes))
	b.nodes = append(b.nodes, n)
	b.ids[n] = id
	return id
}

// truncate forgets the nodes from n on; nothing that stays leads to them.
func (b *builder) truncate(n int) {
	for _, node := range b.nodes[n:] {
		delete(b.ids, node)
	}
	b.nodes = b.nodes[:n]
}

func (b *builder) ret(value uint32) nodeID { return b.add(node{code: opRet, k: value}) }

func (b *builder) load(offset uint32, next nodeID) nodeID {
	return b.add(node{code: opLoad, k: offset, jt: next})
}

// jump branches on the accumulator; equal targets need no branch.
func (b *builder) jump(code uint16, k uint32, yes, no nodeID) nodeID {
	if yes == no {
		return yes
	}
	return b.add(node{code: code, k: k, jt: yes, jf: no})
}

// span is a run of values from start up to the start of the next span, all
// leading to the same node.
type span struct {
	start uint32
	to    nodeID
}

// search makes a balanced tree that leads from a value in the accumulator to
// the node of its span. spans are sorted, the first starts at 0, and no two
// neighbours lead to the same node.
func (b *builder) search(spans []span) nodeID {
	return b.bisect(group(spans))
}

// leaf is a run of values with at most one exception.
type leaf struct {
	start  uint32
	to     nodeID
	except nodeID // 0: none
	at     uint32 // the value that leads to except
}

// group folds each single value between two spans of the same node into one
// leaf: one comparison for equality in place of two for order.
func group(spans []span) []leaf {
	leaves := make([]leaf, 0, len(spans))
	for i := 0; i < len(spans); i++ {
		l := leaf{start: spans[i].start, to: spans[i].to}
		if i+2 < len(spans) && spans[i+2].to == l.to && spans[i+2].start == spans[i+1].start+1 {
			l.except, l.at = spans[i+1].to, spans[i+1].start
			// The third span goes on in a leaf of its own only when it is
			// followed by another single exception; otherwise it ends here.
			if i+4 < len(spans) && spans[i+4].to == l.to && spans[i+4].start == spans[i+3].start+1 {
				i++
			} else {
				i += 2
			}
		}
		leaves = append(leaves, l)
	}
	return leaves
}

func (b *builder) bisect(leaves []leaf) nodeID {
	if len(leaves) == 1 {
		l := leaves[0]
		if l.except == 0 {
			return l.to
		}
		return b.jump(opJeq, l.at, l.except, l.to)
	}
	mid := len(leaves) / 2
	yes := b.bisect(leaves[mid:])
	no := b.bisect(leaves[:mid])
	return b.jump(opJge, leaves[mid].start, yes, no)
}

// coalesce joins neighbouring spans that lead to the same node.
func coalesce(spans []span) []span {
	out := spans[:0]
	for _, s := range spans {
		if len(out) > 0 && out[len(out)-1].to == s.to {
			continue
		}
		out = append(out, s)
	}
	return out
}
