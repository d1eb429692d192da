package seccomp

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// pick returns one of the values.
func pick[T any](r *rand.Rand, values ...T) T { return values[r.IntN(len(values))] }

// randomProfile writes a profile whose rules collide as much as possible: few
// calls, few constants, up to n rules of up to width arguments.
func randomProfile(r *rand.Rand, n, width int) string {
	constant := func() uint64 {
		return pick(r, uint64(0), 1, 2, 3, 7, 0xff, 0x80000000, 0xffffffff, 1<<32, 1<<32+1, 1<<32+2, 2<<32+1,
			0xffffffff00000000, 0xffffffff80000000, ^uint64(0), ^uint64(0)-1)
	}
	action := func() string { return "SCMP_ACT_" + pick(r, refOrder...) }
	var b strings.Builder
	fmt.Fprintf(&b, `{"defaultAction":%q,"defaultErrnoRet":%d,"architectures":["SCMP_ARCH_X86","SCMP_ARCH_ARM"`, action(), 1+r.IntN(3))
	if r.IntN(2) == 0 {
		b.WriteString(`,"SCMP_ARCH_X32"`)
	}
	b.WriteString(`],"syscalls":[`)
	for i := range 1 + r.IntN(n) {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"names":[%q],"action":%q,"errnoRet":%d,"args":[`,
			pick(r, "ioctl", "mmap", "fcntl", "unshare", "clone"), action(), 1+r.IntN(3))
		for j := range r.IntN(width + 1) {
			if j > 0 {
				b.WriteByte(',')
			}
			op := pick(r, "EQ", "EQ", "EQ", "NE", "LT", "LE", "GE", "GT", "MASKED_EQ")
			v, two := constant(), constant()
			if op == "MASKED_EQ" && r.IntN(4) > 0 {
				two &= v
			}
			fmt.Fprintf(&b, `{"index":%d,"op":"SCMP_CMP_%s","value":%d,"valueTwo":%d}`, r.IntN(6), op, v, two)
		}
		b.WriteString("]}")
	}
	b.WriteString("]}")
	return b.String()
}

// randomArgs takes each argument from the constants of the profile and their
// neighbours.
func randomArgs(r *rand.Rand, d *refDoc) (args [6]uint64) {
	for i := range args {
		rule := d.Syscalls[r.IntN(len(d.Syscalls))]
		v := pick(r, uint64(0), 1, 1<<32, ^uint64(0))
		if len(rule.Args) > 0 {
			a := rule.Args[r.IntN(len(rule.Args))]
			v = pick(r, a.Value, a.ValueTwo)
		}
		args[i] = v + pick(r, uint64(0), 0, 0, 1, ^uint64(0), 1<<32)
		if r.IntN(4) == 0 {
			args[i] ^= 1 << r.IntN(64)
		}
	}
	return args
}

// TestRandom compares compiler and reference on random profiles, from one rule
// to so many that the compiler has to give up sharing.
func TestRandom(t *testing.T) {
	watchMemory(t)
	rounds := 400
	if testing.Short() {
		rounds = 40
	}
	forgot := 0
	for seed := range uint64(rounds) {
		r := rand.New(rand.NewPCG(seed, 1))
		text := randomProfile(r, []int{3, 12, 40}[seed%3], []int{1, 3, 6}[seed/3%3])
		p, _, err := Parse([]byte(text))
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		d := refParse(t, text)
		for _, arch := range []string{"amd64", "arm64"} {
			target := Target{Arch: arch}
			f, err := Compile(p, target)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			checkProgram(t, f.Insns)
			if f.Len() > 300 {
				forgot++
			}
			for range 1500 {
				a := pick(r, &abiX8664, &abiX8664, &abiX32, &abiI386, &abiAarch64, &abiAarch64, &abiArm)
				c := a.find(pick(r, "ioctl", "mmap", "mmap2", "fcntl", "unshare", "clone"))
				if c == nil {
					continue
				}
				x := Data{Nr: a.bit | c.nr, Arch: a.audit, Args: randomArgs(r, d)}
				have, _ := Simulate(f.Insns, x)
				if want := d.eval(target, x); have != want {
					t.Fatalf("seed %d: %s %s args %#x: have %s, want %s\n%s", seed, a.scmp, c.name, x.Args,
						appendRet(nil, have), appendRet(nil, want), text)
				}
			}
		}
	}
	t.Logf("%d large filters", forgot)
	if forgot == 0 {
		t.Error("no profile was large enough")
	}
}

// TestHostile compiles profiles that are made to cost time: the answer is a
// filter or an error, soon.
func TestHostile(t *testing.T) {
	watchMemory(t)
	for _, op := range []string{"EQ", "GE", "LT", "NE"} {
		for _, n := range []int{20, 400, 5000} {
			var b strings.Builder
			b.WriteString(`{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[`)
			for i := range n {
				if i > 0 {
					b.WriteByte(',')
				}
				b.WriteString(`{"names":["mmap"],"action":"SCMP_ACT_ALLOW","args":[`)
				for j := range 6 {
					if j > 0 {
						b.WriteByte(',')
					}
					fmt.Fprintf(&b, `{"index":%d,"op":"SCMP_CMP_%s","value":%d}`, j, op, uint64(i*7+j)<<32|uint64(j))
				}
				b.WriteString("]}")
			}
			b.WriteString("]}")
			p, _, err := Parse([]byte(b.String()))
			if err != nil {
				t.Fatal(err)
			}
			f, err := Compile(p, Target{Arch: "amd64"})
			if err == nil {
				checkProgram(t, f.Insns)
				t.Logf("%s %d: %d instructions", op, n, f.Len())
			} else if n == 20 {
				t.Errorf("%s %d: %v", op, n, err)
			}
		}
	}
}
