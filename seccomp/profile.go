package seccomp

// Profile is a seccomp profile as it was written, before capabilities, the
// architecture and the kernel are known.
type Profile struct {
	// DefaultAction is for every call that no rule matches; DefaultErrno is its
	// data (EPERM when the profile gives none).
	DefaultAction Action
	DefaultErrno  uint16
	// Architectures (SCMP_ARCH_*) or ArchMap say which ABIs besides the native
	// one are open. A profile has at most one of the two.
	Architectures []string
	ArchMap       []ArchMap
	// Flags are SECCOMP_FILTER_FLAG_* names; ListenerPath is a socket for Notify
	// (OCI runtime specification, linux.seccomp).
	Flags            []string
	ListenerPath     string
	ListenerMetadata string
	Rules            []Rule
}

// ArchMap opens SubArchitectures on a machine whose native one is Architecture.
type ArchMap struct {
	Architecture     string
	SubArchitectures []string
}

// Rule gives an action to the calls in Names whose arguments satisfy all of
// Args. When Args names one index twice, the rule stands for several rules of
// one argument each (what runc does).
type Rule struct {
	Names    []string
	Action   Action
	Errno    uint16 // data of the action; EPERM when the profile gives none
	Args     []Arg
	Includes Condition
	Excludes Condition
	Comment  string
	Line     int // where the rule begins in the JSON, from 1; 0 when not read from JSON
}

// Condition says on which machines a rule holds. As in Includes all Caps must
// be held; as in Excludes one is enough to drop the rule. One of Arches (names
// as "amd64", "arm64") is enough in both. The zero Condition is empty.
type Condition struct {
	Caps      []string
	Arches    []string
	MinKernel Version
}

// Arg compares one argument, Index 0 to 5, with Value. For OpMaskedEq the
// argument is masked with Value and compared with ValueTwo.
//
// The comparison has the width that the kernel uses. Where that is 32 bits, the
// high half of the register is ignored; a Value that is the sign extension of a
// 32-bit one stands for that one; any other Value above 32 bits is larger than
// every argument; and of a mask only the low half counts.
type Arg struct {
	Index    uint8
	Op       Op
	Value    uint64
	ValueTwo uint64
}

// Op is a comparison.
type Op uint8

// The comparisons of the OCI runtime specification; all are unsigned.
const (
	OpNE Op = iota + 1
	OpLT
	OpLE
	OpEQ
	OpGE
	OpGT
	OpMaskedEq
)

var opNames = [...]string{
	OpNE: "SCMP_CMP_NE", OpLT: "SCMP_CMP_LT", OpLE: "SCMP_CMP_LE", OpEQ: "SCMP_CMP_EQ",
	OpGE: "SCMP_CMP_GE", OpGT: "SCMP_CMP_GT", OpMaskedEq: "SCMP_CMP_MASKED_EQ",
}

// String gives the OCI name of the comparison.
func (o Op) String() string {
	if o == 0 || int(o) >= len(opNames) {
		return "SCMP_CMP_?"
	}
	return opNames[o]
}

func parseOp(name string) (Op, bool) {
	for i, n := range opNames {
		if n == name && n != "" {
			return Op(i), true
		}
	}
	return 0, false
}

// Target is what a profile is compiled for.
type Target struct {
	// Arch is the native architecture: "amd64" or "arm64".
	Arch string
	// Caps are the capabilities in the bounding set, as "CAP_SYS_ADMIN".
	Caps []string
	// Kernel is the running release; the zero Version is the newest known.
	Kernel Version
}

func contains(list []string, s string) bool {
	for _, e := range list {
		if e == s {
			return true
		}
	}
	return false
}

// applies reports whether the rule holds for the target: excludes are looked at
// before includes, any one exclusion is enough, every inclusion must hold.
func (r *Rule) applies(t Target) bool {
	for _, c := range r.Excludes.Caps {
		if contains(t.Caps, c) {
			return false
		}
	}
	if contains(r.Excludes.Arches, t.Arch) {
		return false
	}
	if v := r.Excludes.MinKernel; v != (Version{}) && t.Kernel.atLeast(v) {
		return false
	}
	for _, c := range r.Includes.Caps {
		if !contains(t.Caps, c) {
			return false
		}
	}
	if len(r.Includes.Arches) > 0 && !contains(r.Includes.Arches, t.Arch) {
		return false
	}
	return t.Kernel.atLeast(r.Includes.MinKernel)
}

// abis lists the ABIs that the profile opens on the target, the native first.
func (p *Profile) abis(arch string) []*abi {
	family := familyOf(arch)
	if family == nil {
		return nil
	}
	open := p.Architectures
	for _, m := range p.ArchMap {
		if m.Architecture == family[0].scmp {
			open = m.SubArchitectures
		}
	}
	out := family[:1:1]
	for _, a := range family[1:] {
		if contains(open, a.scmp) {
			out = append(out, a)
		}
	}
	return out
}
