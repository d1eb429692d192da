package seccomp

// AUDIT_ARCH_* values that seccomp_data.arch holds (linux/audit.h).
const (
	AuditArchX8664   uint32 = 0xc000003e // x86_64, and x32 with x32Bit set in the number
	AuditArchI386    uint32 = 0x40000003
	AuditArchAarch64 uint32 = 0xc00000b7
	AuditArchArm     uint32 = 0x40000028
)

// x32Bit marks a system call number as x32 (__X32_SYSCALL_BIT).
const x32Bit = 0x40000000

// call is one system call of one table.
type call struct {
	name   string
	nr     uint32
	since  uint16 // major<<8 | minor of the first kernel; 0 is before 3.1
	narrow uint8  // bit i: the kernel uses only the low 32 bits of argument i
}

// abi is one way to enter the kernel: a value of seccomp_data.arch and a range
// of numbers.
type abi struct {
	name  string // as engines name it in includes.arches
	scmp  string // as OCI names it
	audit uint32
	bit   uint32 // added to each number
	short bool   // arguments are 32 bits wide
	calls []call // sorted by name
}

var (
	abiX8664   = abi{"amd64", "SCMP_ARCH_X86_64", AuditArchX8664, 0, false, callsX8664}
	abiX32     = abi{"x32", "SCMP_ARCH_X32", AuditArchX8664, x32Bit, false, callsX32}
	abiI386    = abi{"x86", "SCMP_ARCH_X86", AuditArchI386, 0, true, callsI386}
	abiAarch64 = abi{"arm64", "SCMP_ARCH_AARCH64", AuditArchAarch64, 0, false, callsAarch64}
	abiArm     = abi{"arm", "SCMP_ARCH_ARM", AuditArchArm, 0, true, callsArm}
)

// families lists, for each native architecture that carrel runs on, its ABIs,
// the native one first.
var families = [...][]*abi{
	{&abiX8664, &abiX32, &abiI386},
	{&abiAarch64, &abiArm},
}

// familyOf returns the ABIs of a native architecture (GOARCH name).
func familyOf(arch string) []*abi {
	for _, f := range families {
		if f[0].name == arch {
			return f
		}
	}
	return nil
}

// scmpArches are the architecture names of the OCI runtime specification 1.3
// that have no table here. A profile may name them; they are unreachable on
// the machines that carrel runs on.
var scmpArches = [...]string{
	"SCMP_ARCH_LOONGARCH64", "SCMP_ARCH_M68K", "SCMP_ARCH_MIPS", "SCMP_ARCH_MIPS64",
	"SCMP_ARCH_MIPS64N32", "SCMP_ARCH_MIPSEL", "SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL64N32",
	"SCMP_ARCH_PARISC", "SCMP_ARCH_PARISC64", "SCMP_ARCH_PPC", "SCMP_ARCH_PPC64",
	"SCMP_ARCH_PPC64LE", "SCMP_ARCH_RISCV64", "SCMP_ARCH_S390", "SCMP_ARCH_S390X",
	"SCMP_ARCH_SH", "SCMP_ARCH_SHEB",
}

func knownScmpArch(name string) bool {
	for _, f := range families {
		for _, a := range f {
			if a.scmp == name {
				return true
			}
		}
	}
	for _, s := range scmpArches {
		if s == name {
			return true
		}
	}
	return false
}

// find returns the call of that name.
func (a *abi) find(name string) *call {
	lo, hi := 0, len(a.calls)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if a.calls[mid].name < name {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(a.calls) && a.calls[lo].name == name {
		return &a.calls[lo]
	}
	return nil
}

// nameOf returns the name of a number, or "".
func (a *abi) nameOf(nr uint32) string {
	for i := range a.calls {
		if a.calls[i].nr == nr {
			return a.calls[i].name
		}
	}
	return ""
}

// privateCalls is where the architecture's own numbers of arm begin; they say
// nothing about how new a kernel is.
const privateCalls = 0x0f0000

// last returns the highest number that a kernel of the given version has; the
// zero version is the newest that the table knows.
func (a *abi) last(v Version) uint32 {
	var max uint32
	for i := range a.calls {
		c := &a.calls[i]
		if c.nr > max && c.nr < privateCalls && v.atLeast(Version{int(c.since >> 8), int(c.since & 0xff)}) {
			max = c.nr
		}
	}
	return max
}

// Version is a kernel release: 6.18 is {6, 18}. The zero Version means "the
// newest that this package knows".
type Version struct{ Major, Minor int }

// atLeast reports whether v is w or later.
func (v Version) atLeast(w Version) bool {
	if v == (Version{}) {
		return true
	}
	return v.Major > w.Major || v.Major == w.Major && v.Minor >= w.Minor
}
