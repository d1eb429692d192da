package seccomp

import (
	"os"
	"testing"
)

func engineProfile(t testing.TB) *Profile {
	t.Helper()
	data, err := os.ReadFile("testdata/engine.json")
	if err != nil {
		t.Fatal(err)
	}
	p, warnings, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range warnings {
		t.Errorf("testdata/engine.json: %v", w)
	}
	return p
}

// nativeOnly is the profile without its other ABIs.
func nativeOnly(p *Profile) *Profile {
	q := *p
	q.ArchMap, q.Architectures = nil, nil
	return &q
}

// dockerCaps are the capabilities that container engines keep by default.
func dockerCaps() []string {
	return []string{"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD",
		"CAP_NET_RAW", "CAP_SETGID", "CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP",
		"CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE"}
}

// worstPath is the longest path through a filter. Jumps only go forward, so
// one pass from the end finds it.
func worstPath(insns []Insn) int {
	longest := make([]int, len(insns))
	for pc := len(insns) - 1; pc >= 0; pc-- {
		i := insns[pc]
		switch i.Code {
		case opRet:
			longest[pc] = 1
		case opLoad, opAnd:
			longest[pc] = 1 + longest[pc+1]
		case opJump:
			longest[pc] = 1 + longest[pc+1+int(i.K)]
		default:
			longest[pc] = 1 + max(longest[pc+1+int(i.Jt)], longest[pc+1+int(i.Jf)])
		}
	}
	return longest[0]
}

// TestSizes holds the size and the worst path of filters, which every system
// call pays for. The limits are what the compiler reaches: raise one only for a
// profile that needs it.
func TestSizes(t *testing.T) {
	engine := engineProfile(t)
	for _, c := range []struct {
		name  string
		p     *Profile
		t     Target
		insns int
		worst int
	}{
		{"engine x86_64", nativeOnly(engine), Target{Arch: "amd64", Caps: dockerCaps()}, 77, 15},
		{"engine x86_64, i386, x32", engine, Target{Arch: "amd64", Caps: dockerCaps()}, 252, 17},
		{"engine aarch64, arm", engine, Target{Arch: "arm64", Caps: dockerCaps()}, 189, 17},
		{"default x86_64, i386", DefaultProfile(), Target{Arch: "amd64"}, 243, 23},
		{"default x86_64", nativeOnly(DefaultProfile()), Target{Arch: "amd64"}, 138, 22},
		{"default aarch64, arm", DefaultProfile(), Target{Arch: "arm64"}, 264, 24},
	} {
		f, err := Compile(c.p, c.t)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		worst := worstPath(f.Insns)
		t.Logf("%s: %d instructions, worst path %d", c.name, f.Len(), worst)
		if f.Len() > c.insns || worst > c.worst {
			t.Errorf("%s: %d instructions and a worst path of %d, want at most %d and %d",
				c.name, f.Len(), worst, c.insns, c.worst)
		}
	}
}
