package seccomp

import "testing"

// The set-user-ID and set-group-ID bits of a mode, and modes with and without.
var (
	setIDModes = []uint64{0o4755, 0o2755, 0o6755, 0o4000, 0o2000, 0o7777, 0o104755, 0xffffffff}
	plainModes = []uint64{0, 0o644, 0o755, 0o777, 0o1777, 0o100644, 0o10644, 0xfffff3ff}
	// What the caller may leave in the half of a register that the kernel drops.
	highWords = []uint64{0, 1, 0xc00, 0x80000000, 0xffffffff}
	// Flags of open that make no file (O_RDONLY, O_WRONLY|O_TRUNC, O_RDWR|O_EXCL,
	// O_PATH, O_CLOEXEC, and O_DIRECTORY of x86 and of arm) and that may make one
	// (O_CREAT, with O_WRONLY|O_TRUNC, with O_EXCL; __O_TMPFILE with both kinds of
	// O_DIRECTORY, alone, and with O_CREAT).
	openFlags   = []uint64{0, 0o1001, 0o202, 0o10000000, 0o2000000, 0o200000, 0o40000}
	createFlags = []uint64{0o100, 0o1101, 0o302, 0o20200002, 0o20040002, 0o20000000, 0o20000102}
)

// modeCalls are the calls that take a mode, with the argument that it is.
var modeCalls = []struct {
	name string
	mode int
}{
	{"chmod", 1}, {"fchmod", 1}, {"creat", 1}, {"mknod", 1},
	{"fchmodat", 2}, {"fchmodat2", 2}, {"mknodat", 2},
}

// wantModes tries every mode, with every high word in every argument.
func (r run) wantModes(want uint32, name string, mode int, modes []uint64) {
	r.t.Helper()
	for _, m := range modes {
		for _, hi := range highWords {
			args := [6]uint64{hi << 32, hi << 32, hi << 32, hi << 32, hi << 32, hi << 32}
			args[mode] |= m
			r.want(name, want, args[:]...)
		}
	}
}

// wantOpen does the same for open and openat with a list of flags.
func (r run) wantOpen(want uint32, flags, modes []uint64) {
	r.t.Helper()
	for _, f := range flags {
		for _, m := range modes {
			for _, hi := range highWords {
				f, m := hi<<32|f, hi<<32|m
				r.want("open", want, ^uint64(0), f, m, ^uint64(0))
				// The directory, AT_FDCWD or a descriptor, says nothing about the mode.
				r.want("openat", want, ^uint64(99), 0xffffffff00000c40, f, m)
				r.want("openat", want, 3, 0, f, m)
			}
		}
	}
}

// TestSetID: no way to a file with the set-user-ID or set-group-ID bit.
func TestSetID(t *testing.T) {
	onDefault(t, func(r run) {
		for _, c := range modeCalls {
			r.wantModes(eperm, c.name, c.mode, setIDModes)
			r.wantModes(allowed, c.name, c.mode, plainModes)
		}
		// The bits count in the mode alone: here they are in the other arguments.
		r.want("chmod", allowed, 0xc00, 0o755, 0xc00)
		r.want("fchmod", allowed, 0xc00, 0o755, 0xc00)
		r.want("fchmodat", allowed, 0xc00, 0xc00, 0o755, 0xc00)
		r.want("fchmodat2", allowed, 0xc00, 0xc00, 0o755, 0xc00)
		r.want("mknod", allowed, 0xc00, 0o100755, 0xc00)
		r.want("mknodat", allowed, 0xc00, 0xc00, 0o100755, 0xc00)
		r.want("creat", allowed, 0xc00, 0o755, 0xc00)

		r.wantOpen(eperm, createFlags, setIDModes)
		r.wantOpen(allowed, createFlags, plainModes)
		r.wantOpen(allowed, openFlags, setIDModes)
		r.wantOpen(allowed, openFlags, plainModes)

		r.want("openat2", enosys, ^uint64(99), 0x1000, 0x2000, 24)
		r.want("openat2", enosys)
		// mkdir(2) drops the bits, so its mode need not be looked at.
		r.want("mkdir", allowed, 0, 0o6755)
		r.want("mkdirat", allowed, 3, 0, 0o6755)
	})
	// Neither a capability that is near to it nor all the others open the calls.
	onDefault(t, func(r run) {
		r.wantModes(eperm, "chmod", 1, setIDModes)
		r.wantOpen(eperm, createFlags, setIDModes)
		r.want("openat2", enosys)
	}, "CAP_FOWNER", "CAP_SETUID", "CAP_SETGID", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_MKNOD", "CAP_SYS_ADMIN")
}

// TestSetIDCapability: with CAP_FSETID every mode is allowed.
func TestSetIDCapability(t *testing.T) {
	onDefault(t, func(r run) {
		for _, c := range modeCalls {
			r.wantModes(allowed, c.name, c.mode, setIDModes)
			r.wantModes(allowed, c.name, c.mode, plainModes)
		}
		for _, flags := range [][]uint64{openFlags, createFlags} {
			r.wantOpen(allowed, flags, setIDModes)
			r.wantOpen(allowed, flags, plainModes)
		}
		r.want("openat2", allowed, ^uint64(99), 0x1000, 0x2000, 24)
	}, "CAP_FSETID")
}

// TestSetIDKernels: fchmodat2 came with 6.6. Before, a refused mode gets the
// answer of a kernel without the call; from then on, that of a denial.
func TestSetIDKernels(t *testing.T) {
	for _, c := range []struct {
		kernel Version
		want   uint32
	}{{Version{4, 7}, enosys}, {Version{6, 5}, enosys}, {Version{6, 6}, eperm}, {Version{6, 12}, eperm}, {Version{}, eperm}} {
		for _, arch := range []string{"amd64", "arm64"} {
			f, err := Compile(DefaultProfile(), Target{Arch: arch, Kernel: c.kernel})
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range DefaultProfile().abis(arch) {
				r := run{t, f, a}
				r.wantModes(c.want, "fchmodat2", 2, setIDModes)
				r.wantModes(allowed, "fchmodat2", 2, plainModes)
				r.wantModes(eperm, "fchmodat", 2, setIDModes)
			}
		}
	}
}
