package seccomp

import "strconv"

// idle are names that profiles of container engines carry and that no table
// here has, because the call belongs to another architecture or never had a
// number. They are right, so they get no warning.
var idle = [...]string{
	"atomic_barrier", "atomic_cmpxchg_32", "cachectl", "clone2", "getpagesize", "kern_features",
	"memory_ordering", "multiplexer", "osf_syscall", "perfctr", "riscv_flush_icache",
	"riscv_hwprobe", "rtas", "s390_guarded_storage", "s390_pci_mmio_read", "s390_pci_mmio_write",
	"s390_runtime_instr", "s390_sthyi", "spu_create", "spu_run", "subpage_prot", "swapcontext",
	"switch_endian", "sys_debug_setcontext", "syscall", "sysmips", "utrap_install",
}

// known reports whether any table has the name.
func known(name string) bool {
	for _, f := range families {
		for _, a := range f {
			if a.find(name) != nil {
				return true
			}
		}
	}
	for _, n := range idle {
		if n == name {
			return true
		}
	}
	return false
}

// maxSuggestions bounds the time that a file of nonsense can cost.
const maxSuggestions = 64

// unknownNames warns about names that no architecture has, once for each.
func (p *Profile) unknownNames() []Warning {
	var out []Warning
	var names []string
	seen := map[string]bool{}
	for i := range p.Rules {
		for _, name := range p.Rules[i].Names {
			if seen[name] || known(name) {
				continue
			}
			seen[name] = true
			text := "the system call " + strconv.Quote(name) + " is not known and has no effect"
			if len(out) < maxSuggestions {
				if names == nil {
					names = allNames()
				}
				text += suggest(name, names)
			}
			out = append(out, Warning{p.Rules[i].Line, text})
		}
	}
	return out
}

// allNames lists the names of all tables, some of them more than once.
func allNames() []string {
	var out []string
	for _, f := range families {
		for _, a := range f {
			for i := range a.calls {
				out = append(out, a.calls[i].name)
			}
		}
	}
	return out
}

// suggest returns "; did you mean X?" for the nearest of the names, or "" when
// none is near.
func suggest(name string, names []string) string {
	best, limit := "", len(name)/3+1
	if len(name) > 64 {
		return ""
	}
	for _, n := range names {
		if d := distance(name, n); d < limit || d == limit && best == "" {
			best, limit = n, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + strconv.Quote(best) + "?"
}

// distance is the number of single-character edits between two names
// (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			d := diagonal
			if a[i-1] != b[j-1] {
				d++
			}
			diagonal = row[j]
			row[j] = min(d, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
