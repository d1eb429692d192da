package seccomp

import "testing"

// maxFuzzInput, four times the default profile, bounds what one input can cost:
// every rule counts once for every name in it.
const maxFuzzInput = 1 << 16

// FuzzParse: no input makes Parse, Compile or ToOCI panic, and what they accept
// compiles to a program that the kernel would take.
func FuzzParse(f *testing.F) {
	for _, s := range []string{defaultJSON, opsJSON, denyJSON, overlapJSON, newerJSON, `{"defaultAction":"SCMP_ACT_KILL"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > maxFuzzInput {
			return
		}
		p, _, err := Parse(data)
		if err != nil {
			return
		}
		for _, arch := range []string{"amd64", "arm64"} {
			target := Target{Arch: arch, Caps: []string{"CAP_SYS_ADMIN"}}
			_, _ = ToOCI(p, target)
			filter, err := Compile(p, target)
			if err != nil {
				continue
			}
			checkProgram(t, filter.Insns)
		}
	})
}

// checkProgram holds a program to the kernel's rules: at most 4096
// instructions, loads inside the data, jumps inside the program, a return at
// the end (bpf_check_classic and seccomp_check_filter).
func checkProgram(t *testing.T, insns []Insn) {
	t.Helper()
	if len(insns) == 0 || len(insns) > MaxInsns {
		t.Fatalf("%d instructions", len(insns))
	}
	if insns[len(insns)-1].Code != opRet {
		t.Fatal("the last instruction is no return")
	}
	for pc, i := range insns {
		end := pc + 1
		switch i.Code {
		case opRet, opAnd:
		case opLoad:
			if i.K%4 != 0 || i.K >= dataLen {
				t.Fatalf("%d: load at %d", pc, i.K)
			}
		case opJump:
			end += int(i.K)
		case opJeq, opJgt, opJge, opJset:
			end += int(max(i.Jt, i.Jf))
		default:
			t.Fatalf("%d: unknown code %#x", pc, i.Code)
		}
		if i.Code != opRet && end >= len(insns) {
			t.Fatalf("%d: leaves the program", pc)
		}
	}
}
