package seccomp

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
)

// The reference evaluator answers one call straight from the JSON text. It
// shares no parser, no intermediate form and no table of argument widths with
// the compiler, only the numbers of the system calls.

type refDoc struct {
	DefaultAction   string
	DefaultErrnoRet *uint
	Architectures   []string
	ArchMap         []struct {
		Architecture     string
		SubArchitectures []string
	}
	Syscalls []refRule

	index map[*abi]*refIndex
}

// refIndex saves the search for the rules of a number; it holds no meaning.
type refIndex struct {
	names     map[uint32][]string
	rules     map[uint32][]int // indexes into Syscalls, each once, in order
	mentioned uint32
}

func (d *refDoc) indexOf(a *abi) *refIndex {
	if x := d.index[a]; x != nil {
		return x
	}
	x := &refIndex{names: map[uint32][]string{}, rules: map[uint32][]int{}}
	for _, c := range a.calls {
		x.names[c.nr] = append(x.names[c.nr], c.name)
	}
	for i := range d.Syscalls {
		for _, n := range append(d.Syscalls[i].Names, d.Syscalls[i].Name) {
			c := a.find(n)
			if c == nil {
				continue
			}
			if c.nr < 0xf0000 && c.nr > x.mentioned {
				x.mentioned = c.nr
			}
			if l := x.rules[c.nr]; len(l) == 0 || l[len(l)-1] != i {
				x.rules[c.nr] = append(l, i)
			}
		}
	}
	if d.index == nil {
		d.index = map[*abi]*refIndex{}
	}
	d.index[a] = x
	return x
}

// refNewest is the highest common number of a kernel.
func refNewest(a *abi, v Version) (newest uint32) {
	for _, c := range a.calls {
		if c.nr < 0xf0000 && c.nr > newest && refKernel(v, strconv.Itoa(int(c.since>>8))+"."+strconv.Itoa(int(c.since&255))) {
			newest = c.nr
		}
	}
	return newest
}

type refRule struct {
	Name     string
	Names    []string
	Action   string
	ErrnoRet *uint
	Args     []struct {
		Index           int
		Op              string
		Value, ValueTwo uint64
	}
	Includes, Excludes struct {
		Caps, Arches []string
		MinKernel    string
	}
}

// refNarrow are the arguments, of the calls that the test profiles compare,
// that a 64-bit kernel uses as 32-bit values (their SYSCALL_DEFINE).
var refNarrow = map[string]string{
	"ioctl": "01", "personality": "0", "socket": "012", "socketpair": "012", "clone": "0",
	"fcntl": "01", "prctl": "0", "mmap": "", "unshare": "", "ptrace": "1", "openat": "023",
	"kill": "01", "read": "0", "mprotect": "", "clock_settime": "0", "open": "12", "chmod": "1", "creat": "1",
	"fchmod": "01", "fchmodat": "02", "fchmodat2": "023", "mknod": "12", "mknodat": "023",
	"mseal": "", "cacheflush": "012",
}

func refParse(t testing.TB, text string) *refDoc {
	t.Helper()
	d := &refDoc{}
	if err := json.Unmarshal([]byte(text), d); err != nil {
		t.Fatal(err)
	}
	return d
}

var refOrder = []string{"KILL_PROCESS", "KILL_THREAD", "TRAP", "ERRNO", "NOTIFY", "TRACE", "LOG", "ALLOW"}

func refRank(action string) int {
	action = strings.TrimPrefix(action, "SCMP_ACT_")
	for i, a := range refOrder {
		if a == action || action == "KILL" && a == "KILL_THREAD" {
			return i
		}
	}
	return -1
}

func refValue(action string, errno *uint) uint32 {
	codes := [...]uint32{0x80000000, 0, 0x30000, 0x50000, 0x7fc00000, 0x7ff00000, 0x7ffc0000, 0x7fff0000}
	r := refRank(action)
	v := codes[r]
	if refOrder[r] == "ERRNO" || refOrder[r] == "TRACE" {
		if errno == nil {
			return v | 1
		}
		return v | uint32(*errno)
	}
	return v
}

func refKernel(have Version, want string) bool {
	if want == "" || have == (Version{}) {
		return true
	}
	major, minor, _ := strings.Cut(want, ".")
	a, _ := strconv.Atoi(major)
	b, _ := strconv.Atoi(minor)
	return have.Major > a || have.Major == a && have.Minor >= b
}

func refApplies(r *refRule, t Target) bool {
	for _, c := range r.Excludes.Caps {
		if contains(t.Caps, c) {
			return false
		}
	}
	if contains(r.Excludes.Arches, t.Arch) || r.Excludes.MinKernel != "" && refKernel(t.Kernel, r.Excludes.MinKernel) {
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
	return refKernel(t.Kernel, r.Includes.MinKernel)
}

// refABI finds the table of a call; nil is an ABI that the profile closes.
func (d *refDoc) refABI(t Target, x Data) (*abi, uint32) {
	native := map[string]string{"amd64": "SCMP_ARCH_X86_64", "arm64": "SCMP_ARCH_AARCH64"}[t.Arch]
	open := append([]string{native}, d.Architectures...)
	for _, m := range d.ArchMap {
		if m.Architecture == native {
			open = append(open, m.SubArchitectures...)
		}
	}
	var a *abi
	nr := x.Nr
	switch {
	case x.Arch == 0xc000003e && nr >= 0x40000000 && nr != 0xffffffff:
		a, nr = &abiX32, nr-0x40000000
	case x.Arch == 0xc000003e:
		a = &abiX8664
	case x.Arch == 0x40000003:
		a = &abiI386
	case x.Arch == 0xc00000b7:
		a = &abiAarch64
	case x.Arch == 0x40000028:
		a = &abiArm
	}
	if a == nil || !contains(open, a.scmp) || t.Arch == "amd64" && (a == &abiAarch64 || a == &abiArm) ||
		t.Arch == "arm64" && (a == &abiX8664 || a == &abiX32 || a == &abiI386) {
		return nil, nr
	}
	return a, nr
}

func (d *refDoc) eval(t Target, x Data) uint32 {
	def := refValue(d.DefaultAction, d.DefaultErrnoRet)
	unknown := def
	if refRank(d.DefaultAction) == refRank("ERRNO") {
		unknown = 0x50000 | 38
	}
	a, nr := d.refABI(t, x)
	if a == nil {
		if x.Arch == 0xc000003e && t.Arch == "amd64" && refRank(d.DefaultAction) != refRank("TRAP") &&
			refRank(d.DefaultAction) <= refRank("ERRNO") {
			return unknown
		}
		return 0x80000000
	}
	rules := d.indexOf(a)
	names := rules.names[nr]
	base, baseRank, haveBase := def, 99, false
	best, bestRank := uint32(0), 99
	for _, i := range rules.rules[nr] {
		r := &d.Syscalls[i]
		v := refValue(r.Action, r.ErrnoRet)
		if !refApplies(r, t) || len(r.Args) == 0 && v == def {
			continue
		}
		rank := refRank(r.Action)
		switch {
		case len(r.Args) == 0:
			if !haveBase {
				base, baseRank, haveBase = v, rank, true
			}
		case refMatch(r, a, nr, names, x) && rank < bestRank:
			best, bestRank = v, rank
		}
	}
	switch {
	case bestRank < 99 && (!haveBase || bestRank <= baseRank):
		return best
	case haveBase:
		return base
	case nr > rules.mentioned || nr > refNewest(a, t.Kernel):
		return unknown
	}
	return def
}

func refMatch(r *refRule, a *abi, nr uint32, names []string, x Data) bool {
	count := map[int]int{}
	for _, arg := range r.Args {
		count[arg.Index]++
	}
	anyOf := false
	for _, n := range count {
		anyOf = anyOf || n > 1
	}
	for i, arg := range r.Args {
		narrow := a == &abiI386 || a == &abiArm || a == &abiX32 && nr >= 512
		for _, n := range names {
			if w, ok := refNarrow[n]; !ok {
				panic("the reference evaluator does not know the argument widths of " + n)
			} else if strings.ContainsRune(w, rune('0'+arg.Index)) {
				narrow = true
			}
		}
		got := refCompare(r.Args[i].Op, x.Args[arg.Index], arg.Value, arg.ValueTwo, narrow)
		if anyOf && got {
			return true
		}
		if !anyOf && !got {
			return false
		}
	}
	return !anyOf
}

func refCompare(op string, arg, value, two uint64, narrow bool) bool {
	if narrow {
		arg &= 0xffffffff
		if op == "SCMP_CMP_MASKED_EQ" {
			if two>>32 != 0 && two>>32 != value>>32 || two&^value != 0 {
				return false
			}
			return arg&value&0xffffffff == two&0xffffffff
		}
		if int64(value) < 0 && int64(value) >= -1<<31 {
			value &= 0xffffffff
		}
	}
	switch op {
	case "SCMP_CMP_NE":
		return arg != value
	case "SCMP_CMP_LT":
		return arg < value
	case "SCMP_CMP_LE":
		return arg <= value
	case "SCMP_CMP_EQ":
		return arg == value
	case "SCMP_CMP_GE":
		return arg >= value
	case "SCMP_CMP_GT":
		return arg > value
	}
	return arg&value == two
}
