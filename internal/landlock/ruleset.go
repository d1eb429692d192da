package landlock

import (
	"encoding/binary"
	"strconv"
)

// Rule grants rights on a file, or on a directory and all below it.
type Rule struct {
	Path   string
	Access AccessFS
}

// Ruleset says what Landlock guards and what is granted nevertheless. What is handled and not granted by a rule is denied.
type Ruleset struct {
	HandledFS  AccessFS
	HandledNet AccessNet
	Scoped     Scope
	Flags      RestrictFlags
	Rules      []Rule
}

// Strict returns a ruleset without rules that guards everything that carrel's newest ABI knows of files and IPC. Ports are
// left to the network namespace: a handled port right would deny the sandbox's own loopback.
func Strict() Ruleset {
	return Ruleset{HandledFS: abis[Newest].FS, Scoped: abis[Newest].Scoped}
}

// Missing is something that a ruleset asked for and an ABI does not know.
type Missing struct {
	Name   string // the right, scope or flag, for instance "truncate"
	ABI    int    // that knows it; 0 if none does
	Kernel string // the release that brought that ABI; "" if none
	Effect string // what it means, in words
	Weaker bool   // the sandbox is less tight for it; otherwise the program is denied more, or only the audit log differs
}

// Downgrade returns the part of a ruleset that an ABI can enforce, and what it cannot. It changes nothing that r refers to.
// With ABI 0, everything is missing. A rule that has no rights left is left out: the kernel refuses it (ENOMSG).
func Downgrade(r Ruleset, abi int) (Ruleset, []Missing) {
	known := At(abi)
	var missing []Missing
	missing = lost(missing, uint64(r.HandledFS&^known.FS), &fsKind)
	missing = lost(missing, uint64(r.HandledNet&^known.Net), &netKind)
	missing = lost(missing, uint64(r.Scoped&^known.Scoped), &scopeKind)
	missing = lost(missing, uint64(r.Flags&^known.Flags), &flagKind)
	out := Ruleset{
		HandledFS:  r.HandledFS & known.FS,
		HandledNet: r.HandledNet & known.Net,
		Scoped:     r.Scoped & known.Scoped,
		Flags:      r.Flags & known.Flags,
	}
	for _, rule := range r.Rules {
		if rule.Access &= out.HandledFS; rule.Access != 0 {
			out.Rules = append(out.Rules, rule)
		}
	}
	return out, missing
}

// Empty reports whether the ruleset guards nothing. landlock_create_ruleset(2) refuses such a one (ENOMSG).
func (r *Ruleset) Empty() bool { return r.HandledFS == 0 && r.HandledNet == 0 && r.Scoped == 0 }

// Attr returns struct landlock_ruleset_attr at the size that an ABI knows. The ruleset must have been through [Downgrade]
// with that ABI; what does not fit is not in the result.
func (r *Ruleset) Attr(abi int) []byte {
	b := make([]byte, 24)
	binary.LittleEndian.PutUint64(b[0:], uint64(r.HandledFS))
	binary.LittleEndian.PutUint64(b[8:], uint64(r.HandledNet))
	binary.LittleEndian.PutUint64(b[16:], uint64(r.Scoped))
	return b[:At(abi).Size]
}

// What landlock_create_ruleset(2), landlock_add_rule(2) and landlock_restrict_self(2) are called with. Their numbers are
// the same on all architectures.
const (
	SysCreateRuleset = 444
	SysAddRule       = 445
	SysRestrictSelf  = 446

	CreateVersion   = 1  // LANDLOCK_CREATE_RULESET_VERSION: return the ABI
	RulePathBeneath = 1  // LANDLOCK_RULE_PATH_BENEATH
	PathBeneathSize = 12 // bytes of struct landlock_path_beneath_attr, which is packed
	PathBeneathFD   = 8  // offset of parent_fd in it, 4 bytes, signed
)

// PathBeneath returns struct landlock_path_beneath_attr. parent is a descriptor opened with O_PATH; it may be written later,
// at offset [PathBeneathFD].
func PathBeneath(access AccessFS, parent int32) [PathBeneathSize]byte {
	var b [PathBeneathSize]byte
	binary.LittleEndian.PutUint64(b[0:], uint64(access))
	binary.LittleEndian.PutUint32(b[PathBeneathFD:], uint32(parent))
	return b
}

// String returns the ruleset one thing on a line: what is handled, then each rule. Paths are quoted as in Go.
func (r Ruleset) String() string {
	b := append([]byte("handle fs "), r.HandledFS.String()...)
	b = append(append(b, "\nhandle net "...), r.HandledNet.String()...)
	b = append(append(b, "\nscope "...), r.Scoped.String()...)
	b = append(append(b, "\nflags "...), r.Flags.String()...)
	b = append(b, '\n')
	for _, rule := range r.Rules {
		b = append(strconv.AppendQuote(append(b, "allow "...), rule.Path), ' ')
		b = append(append(b, rule.Access.String()...), '\n')
	}
	return string(b)
}
