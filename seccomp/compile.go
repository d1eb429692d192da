package seccomp

import (
	"errors"
	"fmt"
	"slices"
	"sort"
)

// Compile makes the filter of a profile for one target.
//
// The filter looks at the architecture first. One that the profile does not
// open is answered with KillProcess. The numbers of x32, when the profile does
// not open x32, are answered with ENOSYS where the default action is Errno (so
// answers a kernel without x32), with the default action where that kills, and
// with KillProcess otherwise, so that a list of denials cannot be walked round.
//
// Rules of one call: a rule with the profile's default action and no arguments
// says nothing. Of rules without arguments the first counts. Where several
// rules match, the most restrictive action counts, in the kernel's order of
// precedence (seccomp(2)); among equals a rule with arguments, then the first.
// That is never weaker than libseccomp, which drops every rule with arguments
// beside one without.
//
// Where the default action is Errno, a call that no rule answers gets ENOSYS if
// its number is newer than the target's kernel, or newer than every call that
// the profile names: the kernel or the author of the profile does not know it,
// and programs fall back. That holds as well when the call has rules and its
// arguments satisfy none of them. The private calls of arm, whose numbers say
// nothing about age, are answered the same way.
//
// Names that no table knows are skipped; Parse has warned about them.
func Compile(p *Profile, t Target) (*Filter, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	abis := p.abis(t.Arch)
	if abis == nil {
		return nil, fmt.Errorf("compile profile: no tables for the architecture %q (have amd64, arm64)", t.Arch)
	}
	b := newBuilder()
	root := b.ret(uint32(KillProcess))
	// The native architecture is compared first, so it is built last.
	for i := len(abis) - 1; i >= 0; i-- {
		if i > 0 && abis[i].audit == abis[0].audit {
			continue
		}
		spans := p.spans(b, abis[i], t)
		switch {
		case abis[i] != &abiX8664:
		case slices.Contains(abis, &abiX32):
			spans = append(spans, p.spans(b, &abiX32, t)...)
		default:
			// A tracer skips a call by making its number -1; that is not x32.
			spans = append(spans, span{x32Bit, b.ret(p.closedX32())}, span{0xffffffff, b.ret(p.beyond())})
		}
		if b.full() {
			return nil, errTooLarge
		}
		tree := b.load(offNr, b.search(coalesce(spans)))
		root = b.jump(opJeq, abis[i].audit, tree, root)
	}
	insns, err := b.emit(b.load(offArch, root))
	if err != nil {
		return nil, err
	}
	return &Filter{Insns: insns}, nil
}

// check refuses what a profile made by hand can hold and Parse would not give.
func (p *Profile) check() error {
	if p.DefaultAction.rank() == len(actions) {
		return fmt.Errorf("compile profile: unknown default action %#x", uint32(p.DefaultAction))
	}
	if len(p.Architectures) > 0 && len(p.ArchMap) > 0 {
		return errors.New("compile profile: both architectures and archMap are set")
	}
	for i := range p.Rules {
		r := &p.Rules[i]
		if r.Action.rank() == len(actions) {
			return fmt.Errorf("compile profile: rule %d: unknown action %#x", i, uint32(r.Action))
		}
		for _, a := range r.Args {
			if a.Index > 5 {
				return fmt.Errorf("compile profile: rule %d: argument index %d is above 5", i, a.Index)
			}
			if a.Op == 0 || a.Op > OpMaskedEq {
				return fmt.Errorf("compile profile: rule %d: unknown comparison %d", i, a.Op)
			}
		}
	}
	return nil
}

// value is the return value of an action with its data.
func value(a Action, data uint16) uint32 {
	if !a.takesData() {
		data = 0
	}
	return uint32(a) | uint32(data)
}

func (p *Profile) defaultValue() uint32 { return value(p.DefaultAction, p.DefaultErrno) }

// beyond is the answer to calls that the profile cannot know.
func (p *Profile) beyond() uint32 {
	if p.DefaultAction == Errno {
		return uint32(Errno) | errnoNoSys
	}
	return p.defaultValue()
}

// closedX32 is the answer to x32 calls when the profile does not open x32.
func (p *Profile) closedX32() uint32 {
	switch p.DefaultAction {
	case KillProcess, KillThread, Errno:
		return p.beyond()
	}
	return uint32(KillProcess)
}

// entry is what one call of one ABI gets.
type entry struct {
	nr      uint32
	base    uint32
	hasBase bool
	tooLong bool
	clauses []clause
}

// entries resolves the rules for one ABI, sorted by number, and returns the
// highest number that the profile names, whether or not the rule applies.
func (p *Profile) entries(a *abi, t Target) ([]entry, uint32) {
	at := make(map[uint32]int, len(a.calls))
	list := make([]entry, 0, len(a.calls))
	var named uint32
	for i := range p.Rules {
		r := &p.Rules[i]
		applies := r.applies(t)
		act := value(r.Action, r.Errno)
		for _, name := range r.Names {
			c := a.find(name)
			if c == nil {
				continue
			}
			if c.nr > named && c.nr < privateCalls {
				named = c.nr
			}
			if !applies || len(r.Args) == 0 && act == p.defaultValue() {
				continue
			}
			k, ok := at[c.nr]
			if !ok {
				k = len(list)
				at[c.nr] = k
				list = append(list, entry{nr: c.nr, base: p.defaultValue()})
			}
			list[k].add(r, c, act, a)
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].nr < list[j].nr })
	return list, named
}

// add takes in one rule that names the call.
func (e *entry) add(r *Rule, c *call, act uint32, a *abi) {
	if len(r.Args) == 0 {
		if !e.hasBase {
			e.base, e.hasBase = act, true
		}
		return
	}
	if repeats(r.Args) {
		for i := range r.Args {
			e.clause(r.Args[i:i+1], c, act, a)
		}
		return
	}
	e.clause(r.Args, c, act, a)
}

func (e *entry) clause(args []Arg, c *call, act uint32, a *abi) {
	cl := clause{act: act}
	for _, arg := range args {
		wide := !a.short && c.narrow&(1<<arg.Index) == 0
		cd, v := newCond(arg, wide)
		switch v {
		case never:
			return
		case depends:
			cl.conds = append(cl.conds, cd)
		}
	}
	// Every clause costs an instruction, so more cannot fit; the chain is a
	// recursion over the clauses and must not be longer.
	if len(e.clauses) > MaxInsns {
		e.tooLong = true
		return
	}
	sort.SliceStable(cl.conds, func(i, j int) bool { return cl.conds[i].arg < cl.conds[j].arg })
	e.clauses = append(e.clauses, cl)
}

// repeats reports whether two conditions name the same argument.
func repeats(args []Arg) bool {
	var seen uint8
	for _, a := range args {
		if seen&(1<<a.Index) != 0 {
			return true
		}
		seen |= 1 << a.Index
	}
	return false
}

func rankOf(v uint32) int { return Action(v & actionMask).rank() }

// node compiles the entry. Clauses are tried from the most restrictive on; the
// base is the answer when none matches.
func (e *entry) node(b *builder) nodeID {
	sort.SliceStable(e.clauses, func(i, j int) bool {
		return rankOf(e.clauses[i].act) < rankOf(e.clauses[j].act)
	})
	base, list := e.base, e.clauses[:0]
	for _, cl := range e.clauses {
		if e.hasBase && rankOf(cl.act) > rankOf(e.base) {
			break
		}
		if len(cl.conds) == 0 {
			base = cl.act
			break
		}
		list = append(list, cl)
	}
	for len(list) > 0 && list[len(list)-1].act == base {
		list = list[:len(list)-1]
	}
	if len(list) == 0 {
		return b.ret(base)
	}
	c := chain{b: b, clauses: list, base: base}
	return c.compile()
}

// spans maps the numbers of one ABI to nodes.
func (p *Profile) spans(b *builder, a *abi, t Target) []span {
	list, last := p.entries(a, t)
	if known := a.last(t.Kernel); known < last {
		last = known
	}
	rest, beyond := b.ret(p.defaultValue()), b.ret(p.beyond())
	out := make([]span, 0, 2*len(list)+3)
	open := uint32(0) // first number without a span
	upTo := func(end uint32) {
		if open < end && open <= last {
			out = append(out, span{a.bit + open, rest})
			open = last + 1
		}
		if open < end {
			out = append(out, span{a.bit + open, beyond})
		}
	}
	for i := range list {
		upTo(list[i].nr)
		if list[i].nr > last && !list[i].hasBase {
			list[i].base = p.beyond()
		}
		if list[i].tooLong {
			b.overflow = true
		}
		out = append(out, span{a.bit + list[i].nr, list[i].node(b)})
		open = list[i].nr + 1
	}
	upTo(x32Bit)
	return coalesce(out)
}
