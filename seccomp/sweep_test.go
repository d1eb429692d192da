package seccomp

import (
	"fmt"
	"iter"
	"os"
	"testing"
)

// numbers are the system call numbers of a sweep: everything from 0 to 64 above
// the tables, the x32 range, the private calls of arm, the edges of the signed
// and unsigned ranges.
func numbers() []uint32 {
	var out []uint32
	for n := uint32(0); n < 547+64; n++ {
		out = append(out, n, x32Bit+n)
	}
	for n := uint32(privateCalls - 1); n < privateCalls+9; n++ {
		out = append(out, n)
	}
	return append(out, 0x3fffffff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff)
}

// boundaries are the values of one argument at which a rule of the document can
// change its answer, with high words of every kind.
func (d *refDoc) boundaries(name string, index int) []uint64 {
	seen := map[uint64]bool{0: true, ^uint64(0): true}
	for _, r := range d.Syscalls {
		if !contains(append(r.Names, r.Name), name) {
			continue
		}
		for _, a := range r.Args {
			if a.Index != index {
				continue
			}
			for _, c := range []uint64{a.Value, a.ValueTwo, a.Value | a.ValueTwo, a.Value ^ a.ValueTwo} {
				for _, v := range []uint64{c - 1, c, c + 1, ^c} {
					for _, hi := range []uint64{v >> 32, v>>32 + 1, v>>32 - 1, 0, 1, 0xffffffff} {
						seen[hi<<32|v&0xffffffff] = true
					}
				}
			}
			for bit := 0; bit < 64 && a.Op == "SCMP_CMP_MASKED_EQ"; bit++ {
				seen[a.ValueTwo^1<<bit] = true
			}
		}
	}
	out := make([]uint64, 0, len(seen))
	for v := range seen {
		out = append(out, v)
	}
	return out
}

// maxProbes is the most argument lists for one call. The lists of a call are a
// product: six compared arguments of 85 boundaries are 377 thousand million.
const maxProbes = 20_000

// probes are the argument lists to try for one call: the product of the
// boundaries of all arguments that the document compares. They are made one by
// one; a document that would need too many is refused before the first.
func (d *refDoc) probes(names []string) iter.Seq[[6]uint64] {
	var products [][6][]uint64
	for _, name := range names {
		if p, ok := d.product(name); ok {
			products = append(products, p)
		}
	}
	return func(yield func([6]uint64) bool) {
		ones := ^uint64(0)
		if !yield([6]uint64{}) || !yield([6]uint64{ones, ones, ones, ones, ones, ones}) {
			return
		}
		for _, p := range products {
			total := 1
			for _, values := range p {
				total *= len(values)
			}
			for n := range total {
				var args [6]uint64
				for i, values := range p {
					args[i] = values[n%len(values)]
					n /= len(values)
				}
				if !yield(args) {
					return
				}
			}
		}
	}
}

// product is the boundaries of each argument of a call; it is false when the
// document compares none. Arguments that it does not compare are 0.
func (d *refDoc) product(name string) (values [6][]uint64, compared bool) {
	total := 1
	for i := range values {
		values[i] = []uint64{0}
		if b := d.boundaries(name, i); len(b) > 2 {
			values[i], compared = b, true
		}
		if total *= len(values[i]); total > maxProbes {
			panic(fmt.Sprintf("%s: more than %d argument lists for one call", name, maxProbes))
		}
	}
	return values, compared
}

// sweep compares a compiled profile with the reference and returns the number
// of probes and the longest path taken.
func sweep(t *testing.T, text string, target Target) (count, worst int) {
	t.Helper()
	p, _, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	f, err := Compile(p, target)
	if err != nil {
		t.Fatal(err)
	}
	d := refParse(t, text)
	bad := 0
	for _, a := range []*abi{&abiX8664, &abiI386, &abiAarch64, &abiArm} {
		for _, nr := range numbers() {
			var names []string
			table, n := a, nr
			if a == &abiX8664 && nr >= x32Bit {
				table, n = &abiX32, nr-x32Bit
			}
			for _, c := range table.calls {
				if c.nr == n {
					names = append(names, c.name)
				}
			}
			for args := range d.probes(names) {
				x := Data{Nr: nr, Arch: a.audit, Args: args}
				got, steps := Simulate(f.Insns, x)
				count, worst = count+1, max(worst, steps)
				if want := d.eval(target, x); got != want || steps < 0 {
					t.Errorf("%s %v nr %#x (%v) args %#x: have %s, want %s", target.Arch, target.Caps, nr,
						names, args, appendRet(nil, got), appendRet(nil, want))
					if bad++; bad > 20 {
						t.Fatal("too many differences")
					}
				}
			}
		}
	}
	return count, worst
}

// TestReference compares the compiler with the reference evaluator over every
// number and every boundary argument.
func TestReference(t *testing.T) {
	watchMemory(t)
	engine, err := os.ReadFile("testdata/engine.json")
	if err != nil {
		t.Fatal(err)
	}
	profiles := map[string]string{"default": defaultJSON, "engine": string(engine), "ops": opsJSON, "deny": denyJSON,
		"overlap": overlapJSON, "newer": newerJSON}
	targets := []Target{
		{Arch: "amd64"},
		{Arch: "arm64"},
		{Arch: "amd64", Kernel: Version{4, 7}},
		{Arch: "amd64", Kernel: Version{5, 10}, Caps: dockerCaps()},
		{Arch: "arm64", Kernel: Version{6, 12}, Caps: []string{"CAP_SYS_ADMIN", "CAP_NET_ADMIN"}},
		{Arch: "amd64", Caps: []string{"CAP_SYS_ADMIN", "CAP_AUDIT_WRITE", "CAP_NET_RAW", "CAP_SYS_PTRACE"}},
	}
	for name, text := range profiles {
		t.Run(name, func(t *testing.T) {
			for _, target := range targets {
				count, worst := sweep(t, text, target)
				t.Logf("%s %v %v: %d probes, longest path %d", target.Arch, target.Kernel, target.Caps, count, worst)
			}
		})
	}
}

// TestSystemProfile does the same with the profile of the container tools that
// the machine may have.
func TestSystemProfile(t *testing.T) {
	watchMemory(t)
	const path = "/usr/share/containers/seccomp.json"
	data, err := os.ReadFile(path)
	if err != nil {
		t.Skipf("not exercised: %s (package golang-github-containers-common)", path)
	}
	for _, arch := range []string{"amd64", "arm64"} {
		count, worst := sweep(t, string(data), Target{Arch: arch, Caps: dockerCaps()})
		t.Logf("%s: %d probes, longest path %d", arch, count, worst)
	}
}

// opsJSON has every comparison and every action, at both widths, with repeated
// indexes, several arguments and constants at the edges.
const opsJSON = `{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":99,
"architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_X86","SCMP_ARCH_X32","SCMP_ARCH_AARCH64","SCMP_ARCH_ARM"],
"syscalls":[
{"names":["mmap","openat"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"op":"SCMP_CMP_GT","value":4294967296}]},
{"names":["mmap","openat"],"action":"SCMP_ACT_LOG","args":[{"index":0,"op":"SCMP_CMP_LE","value":4294967295}]},
{"names":["mprotect"],"action":"SCMP_ACT_TRAP","args":[{"index":0,"op":"SCMP_CMP_LT","value":4294967300},{"index":2,"op":"SCMP_CMP_NE","value":7}]},
{"names":["mprotect"],"action":"SCMP_ACT_TRACE","errnoRet":4242,"args":[{"index":0,"op":"SCMP_CMP_GE","value":18446744073709551615}]},
{"names":["ioctl"],"action":"SCMP_ACT_KILL_PROCESS","args":[{"index":1,"op":"SCMP_CMP_EQ","value":4294988818}]},
{"names":["ioctl"],"action":"SCMP_ACT_KILL","args":[{"index":1,"op":"SCMP_CMP_EQ","value":21522}]},
{"names":["ioctl"],"action":"SCMP_ACT_ALLOW","args":[{"index":1,"op":"SCMP_CMP_NE","value":8589934592}]},
{"names":["fcntl"],"action":"SCMP_ACT_ALLOW","args":[{"index":1,"op":"SCMP_CMP_EQ","value":1},{"index":1,"op":"SCMP_CMP_EQ","value":2},{"index":2,"op":"SCMP_CMP_GE","value":9}]},
{"names":["prctl"],"action":"SCMP_ACT_NOTIFY","args":[{"index":0,"op":"SCMP_CMP_MASKED_EQ","value":255,"valueTwo":15},{"index":1,"op":"SCMP_CMP_MASKED_EQ","value":1099511627776,"valueTwo":1099511627776}]},
{"names":["prctl"],"action":"SCMP_ACT_ALLOW","args":[{"index":1,"op":"SCMP_CMP_MASKED_EQ","value":1085102592571150095,"valueTwo":0}]},
{"names":["kill"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"op":"SCMP_CMP_EQ","value":18446744073709551615}]},
{"names":["unshare"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"op":"SCMP_CMP_EQ","value":4294967297}]},
{"names":["unshare"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"op":"SCMP_CMP_EQ","value":1}]},
{"names":["unshare"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"op":"SCMP_CMP_EQ","value":4294967303}]},
{"names":["unshare"],"action":"SCMP_ACT_LOG","args":[{"index":0,"op":"SCMP_CMP_EQ","value":7}]},
{"names":["unshare"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"op":"SCMP_CMP_GT","value":18446744069414584320}]},
{"names":["clone"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"op":"SCMP_CMP_MASKED_EQ","value":18446744073709551615,"valueTwo":17}]},
{"names":["ptrace"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"op":"SCMP_CMP_LE","value":2},{"index":1,"op":"SCMP_CMP_GE","value":5}]},
{"names":["read"],"action":"SCMP_ACT_ALLOW"}]}`

// denyJSON allows by default.
const denyJSON = `{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_X86"],
"syscalls":[
{"names":["socket"],"action":"SCMP_ACT_ERRNO","errnoRet":97,"args":[{"index":0,"op":"SCMP_CMP_GT","value":16}]},
{"names":["socket"],"action":"SCMP_ACT_KILL_THREAD","args":[{"index":0,"op":"SCMP_CMP_EQ","value":38}]},
{"name":"mount","action":"SCMP_ACT_ERRNO"},
{"name":"read","action":"SCMP_ACT_ALLOW"}]}`

// overlapJSON has rules that contradict each other.
const overlapJSON = `{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[
{"names":["ioctl"],"action":"SCMP_ACT_ALLOW"},
{"names":["ioctl"],"action":"SCMP_ACT_ERRNO","errnoRet":1,"args":[{"index":1,"op":"SCMP_CMP_EQ","value":21522}]},
{"names":["ioctl"],"action":"SCMP_ACT_KILL_PROCESS","args":[{"index":1,"op":"SCMP_CMP_MASKED_EQ","value":65280,"valueTwo":21504},{"index":2,"op":"SCMP_CMP_EQ","value":0}]},
{"names":["socket"],"action":"SCMP_ACT_ERRNO","errnoRet":97},
{"names":["socket"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"op":"SCMP_CMP_EQ","value":1}]},
{"names":["socket"],"action":"SCMP_ACT_ERRNO","errnoRet":22,"args":[{"index":0,"op":"SCMP_CMP_EQ","value":2}]},
{"names":["read"],"action":"SCMP_ACT_ERRNO","errnoRet":1},
{"names":["read"],"action":"SCMP_ACT_ALLOW"},
{"names":["read"],"action":"SCMP_ACT_KILL"},
{"names":["kill"],"action":"SCMP_ACT_LOG","args":[{"index":1,"op":"SCMP_CMP_LT","value":4294967296}]},
{"names":["kill"],"action":"SCMP_ACT_ALLOW"},
{"names":["prctl"],"action":"SCMP_ACT_ERRNO","errnoRet":4,"args":[{"index":0,"op":"SCMP_CMP_EQ","value":8}]},
{"names":["prctl"],"action":"SCMP_ACT_ERRNO","errnoRet":5,"args":[{"index":0,"op":"SCMP_CMP_EQ","value":6}]},
{"names":["prctl"],"action":"SCMP_ACT_ERRNO","errnoRet":6,"args":[{"index":0,"op":"SCMP_CMP_EQ","value":8}]},
{"names":["prctl"],"action":"SCMP_ACT_ERRNO","errnoRet":7,"args":[{"index":0,"op":"SCMP_CMP_EQ","value":4294967295}]},
{"names":["mmap"],"action":"SCMP_ACT_ALLOW","excludes":{"minKernel":"5.0"}},
{"names":["mprotect"],"action":"SCMP_ACT_ALLOW","includes":{"minKernel":"5.0"},"excludes":{"minKernel":"6.0","caps":["CAP_BPF"]}},
{"names":["clock_settime"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"op":"SCMP_CMP_GT","value":8589934592}]}]}`

// newerJSON has rules with arguments for calls that some kernels do not have,
// and for a private call of arm.
const newerJSON = `{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":1,
"architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_X86","SCMP_ARCH_AARCH64","SCMP_ARCH_ARM"],"syscalls":[
{"names":["fchmodat2"],"action":"SCMP_ACT_ALLOW","args":[{"index":2,"op":"SCMP_CMP_MASKED_EQ","value":3072,"valueTwo":0}]},
{"names":["mseal"],"action":"SCMP_ACT_ERRNO","errnoRet":13,"args":[{"index":0,"op":"SCMP_CMP_EQ","value":4096}]},
{"names":["mseal"],"action":"SCMP_ACT_ERRNO","errnoRet":1,"args":[{"index":0,"op":"SCMP_CMP_EQ","value":8192}]},
{"names":["mseal"],"action":"SCMP_ACT_ERRNO","errnoRet":1},
{"names":["openat2"],"action":"SCMP_ACT_ALLOW","includes":{"minKernel":"6.0"}},
{"names":["cacheflush"],"action":"SCMP_ACT_ALLOW","args":[{"index":2,"op":"SCMP_CMP_EQ","value":0}]},
{"names":["read"],"action":"SCMP_ACT_ALLOW"}]}`
