package seccomp

import (
	"errors"
	"fmt"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// FromOCI takes over the linux.seccomp object of an OCI configuration that was
// read already. It is as strict as Parse; lines are 0.
func FromOCI(s *specs.LinuxSeccomp) (*Profile, []Warning, error) {
	p := &Profile{ListenerPath: s.ListenerPath, ListenerMetadata: s.ListenerMetadata}
	var err error
	if p.DefaultAction, p.DefaultErrno, err = fromAction(s.DefaultAction, s.DefaultErrnoRet); err != nil {
		return nil, nil, fmt.Errorf("convert seccomp profile: default: %w", err)
	}
	for _, a := range s.Architectures {
		if !knownScmpArch(string(a)) {
			return nil, nil, fmt.Errorf("convert seccomp profile: the architecture %q is not known", a)
		}
		p.Architectures = append(p.Architectures, string(a))
	}
	for _, f := range s.Flags {
		p.Flags = append(p.Flags, string(f))
	}
	for i := range s.Syscalls {
		r, err := fromSyscall(&s.Syscalls[i])
		if err != nil {
			return nil, nil, fmt.Errorf("convert seccomp profile: syscalls[%d]: %w", i, err)
		}
		p.Rules = append(p.Rules, r)
	}
	return p, p.unknownNames(), nil
}

func fromAction(name specs.LinuxSeccompAction, errno *uint) (Action, uint16, error) {
	a, ok := parseAction(string(name))
	if !ok {
		return 0, 0, fmt.Errorf("the action %q is not known%s", name, suggest(string(name), actionNames()))
	}
	var f errnoField
	if errno != nil {
		f.number, f.given = uint64(*errno), true
		if f.number > dataMask {
			return 0, 0, fmt.Errorf("errnoRet: %d is above %d", f.number, dataMask)
		}
	}
	data, err := f.data(a)
	return a, data, err
}

func fromSyscall(s *specs.LinuxSyscall) (Rule, error) {
	r := Rule{Names: s.Names}
	var err error
	if len(s.Names) == 0 {
		return r, errors.New("names is missing or empty")
	}
	if r.Action, r.Errno, err = fromAction(s.Action, s.ErrnoRet); err != nil {
		return r, err
	}
	for _, a := range s.Args {
		op, ok := parseOp(string(a.Op))
		if !ok {
			return r, fmt.Errorf("the comparison %q is not known", a.Op)
		}
		if a.Index > 5 {
			return r, fmt.Errorf("argument index %d is above 5", a.Index)
		}
		r.Args = append(r.Args, Arg{uint8(a.Index), op, a.Value, a.ValueTwo})
	}
	return r, nil
}

// ToOCI writes the profile as the linux.seccomp object of an OCI configuration,
// with includes and excludes settled for the target. The result means the same
// to engines on libseccomp: they drop a rule with arguments beside a rule
// without for the same call, so "allowed, except for these values of one
// argument" becomes a list of masks that cover the other values. A profile that
// cannot be said that way is an error, never a weaker profile.
func ToOCI(p *Profile, t Target) (*specs.LinuxSeccomp, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	abis := p.abis(t.Arch)
	if abis == nil {
		return nil, fmt.Errorf("convert seccomp profile: no tables for the architecture %q (have amd64, arm64)", t.Arch)
	}
	out := &specs.LinuxSeccomp{
		DefaultAction:    specs.LinuxSeccompAction(p.DefaultAction.String()),
		DefaultErrnoRet:  toErrno(p.DefaultAction, p.DefaultErrno),
		ListenerPath:     p.ListenerPath,
		ListenerMetadata: p.ListenerMetadata,
	}
	for _, a := range abis {
		out.Architectures = append(out.Architectures, specs.Arch(a.scmp))
	}
	for _, f := range p.Flags {
		out.Flags = append(out.Flags, specs.LinuxSeccompFlag(f))
	}
	mixed, err := p.mixedCalls(t)
	if err != nil {
		return nil, err
	}
	for i := range p.Rules {
		r := &p.Rules[i]
		if !r.applies(t) {
			continue
		}
		plain := *r
		plain.Names = nil
		for _, name := range r.Names {
			if m := mixed[name]; m == nil {
				plain.Names = append(plain.Names, name)
			} else if !m.done {
				m.done = true
				out.Syscalls = append(out.Syscalls, m.rules(name)...)
			}
		}
		if len(plain.Names) > 0 {
			out.Syscalls = append(out.Syscalls, toSyscall(&plain))
		}
	}
	if names := p.idleNames(t); len(names) > 0 {
		out.Syscalls = append(out.Syscalls, toSyscall(&Rule{Names: names, Action: p.DefaultAction, Errno: p.DefaultErrno}))
	}
	return out, nil
}

// idleNames lists the calls of which no rule applies. They keep the default
// action, but naming them tells how new the profile is: newer calls get ENOSYS.
func (p *Profile) idleNames(t Target) []string {
	var out []string
	seen := map[string]bool{}
	for _, applying := range []bool{true, false} {
		for i := range p.Rules {
			r := &p.Rules[i]
			if r.applies(t) != applying {
				continue
			}
			for _, name := range r.Names {
				if !applying && !seen[name] {
					out = append(out, name)
				}
				seen[name] = true
			}
		}
	}
	return out
}

func toErrno(a Action, data uint16) *uint {
	if !a.takesData() {
		return nil
	}
	v := uint(data)
	return &v
}

func toSyscall(r *Rule) specs.LinuxSyscall {
	s := specs.LinuxSyscall{
		Names:    r.Names,
		Action:   specs.LinuxSeccompAction(r.Action.String()),
		ErrnoRet: toErrno(r.Action, r.Errno),
	}
	for _, a := range r.Args {
		s.Args = append(s.Args, specs.LinuxSeccompArg{
			Index: uint(a.Index), Op: specs.LinuxSeccompOperator(a.Op.String()), Value: a.Value, ValueTwo: a.ValueTwo,
		})
	}
	return s
}

// mixed is a call with a rule without arguments and stricter rules with.
type mixed struct {
	base   *Rule
	except []*Rule
	done   bool
}

// mixedCalls finds the calls that libseccomp would treat otherwise.
func (p *Profile) mixedCalls(t Target) (map[string]*mixed, error) {
	calls := map[string]*mixed{}
	for i := range p.Rules {
		r := &p.Rules[i]
		if !r.applies(t) || len(r.Args) == 0 && value(r.Action, r.Errno) == p.defaultValue() {
			continue
		}
		for _, name := range r.Names {
			m := calls[name]
			if m == nil {
				m = &mixed{}
				calls[name] = m
			}
			switch {
			case len(r.Args) > 0:
				m.except = append(m.except, r)
			case m.base == nil:
				m.base = r
			}
		}
	}
	for name, m := range calls {
		if m.base != nil {
			m.dropIdle()
		}
		if m.base == nil || len(m.except) == 0 {
			delete(calls, name)
			continue
		}
		for _, r := range m.except {
			if a := r.Args[0]; len(r.Args) != 1 || a.Op != OpEQ || a.Index != m.except[0].Args[0].Index || !narrowEverywhere(name, a) {
				return nil, fmt.Errorf("convert seccomp profile: %s: an OCI configuration cannot say "+
					"\"allowed, except\" for anything but values of one 32-bit argument", name)
			}
		}
	}
	return calls, nil
}

// dropIdle forgets the rules that the base overrules.
func (m *mixed) dropIdle() {
	var kept []*Rule
	for _, r := range m.except {
		if r.Action.rank() <= m.base.Action.rank() && value(r.Action, r.Errno) != value(m.base.Action, m.base.Errno) {
			kept = append(kept, r)
		}
	}
	m.except = kept
}

// narrowEverywhere reports whether every ABI that has the call uses 32 bits of
// the argument, and the value fits them.
func narrowEverywhere(name string, a Arg) bool {
	for _, f := range families {
		for _, b := range f {
			c := b.find(name)
			if c != nil && !b.short && c.narrow&(1<<a.Index) == 0 {
				return false
			}
		}
	}
	return a.Value>>32 == 0
}

// rules says the same without the rule that has no arguments.
func (m *mixed) rules(name string) []specs.LinuxSyscall {
	index := m.except[0].Args[0].Index
	values := make(map[uint32]bool, len(m.except))
	var out []specs.LinuxSyscall
	for _, r := range m.except {
		values[uint32(r.Args[0].Value)] = true
		out = append(out, toSyscall(&Rule{Names: []string{name}, Action: r.Action, Errno: r.Errno,
			Args: []Arg{{index, OpMaskedEq, 0xffffffff, r.Args[0].Value}}}))
	}
	for _, b := range without(values, 0, 32) {
		out = append(out, toSyscall(&Rule{Names: []string{name}, Action: m.base.Action, Errno: m.base.Errno,
			Args: []Arg{{index, OpMaskedEq, uint64(b.mask), uint64(b.value)}}}))
	}
	return out
}

// block is all 32-bit values that equal value where mask has bits.
type block struct{ mask, value uint32 }

// without covers the values below prefix, of which bits are open, but for those
// in the set.
func without(set map[uint32]bool, prefix uint32, bits uint) []block {
	mask := uint32(uint64(0xffffffff) << bits)
	hit := false
	for v := range set {
		hit = hit || v&mask == prefix
	}
	switch {
	case !hit:
		return []block{{mask, prefix}}
	case bits == 0:
		return nil
	}
	return append(without(set, prefix, bits-1), without(set, prefix|1<<(bits-1), bits-1)...)
}
