package seccomp

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// TestOCIRoundTrip sends profiles through the OCI form and compares the
// filters call by call.
func TestOCIRoundTrip(t *testing.T) {
	watchMemory(t)
	for _, target := range []Target{{Arch: "amd64"}, {Arch: "arm64", Caps: dockerCaps(), Kernel: Version{5, 10}}} {
		for name, p := range map[string]*Profile{"default": DefaultProfile(), "engine": engineProfile(t)} {
			s, err := ToOCI(p, target)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			text, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			parsed, _, err := Parse(text)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			direct, _, err := FromOCI(s)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			want, err := Compile(p, target)
			if err != nil {
				t.Fatal(err)
			}
			for _, q := range []*Profile{parsed, direct} {
				have, err := Compile(q, target)
				if err != nil {
					t.Fatal(err)
				}
				compareFilters(t, name, refParse(t, defaultJSON), have, want)
			}
			libseccompMeaning(t, s)
		}
	}
}

// compareFilters runs both filters over all numbers and the boundaries of d.
func compareFilters(t *testing.T, name string, d *refDoc, have, want *Filter) {
	t.Helper()
	for _, a := range []*abi{&abiX8664, &abiI386, &abiAarch64, &abiArm} {
		for _, nr := range numbers() {
			var names []string
			if n := a.nameOf(nr); n != "" {
				names = append(names, n)
			}
			for args := range d.probes(names) {
				x := Data{Nr: nr, Arch: a.audit, Args: args}
				h, _ := Simulate(have.Insns, x)
				w, _ := Simulate(want.Insns, x)
				if h != w {
					t.Fatalf("%s: nr %d %v args %#x: have %s, want %s", name, nr, names, args, appendRet(nil, h), appendRet(nil, w))
				}
			}
		}
	}
}

// libseccompMeaning fails when a rule with arguments stands beside one without:
// libseccomp would drop it.
func libseccompMeaning(t *testing.T, s *specs.LinuxSeccomp) {
	t.Helper()
	plain, withArgs := map[string]bool{}, map[string]bool{}
	for _, c := range s.Syscalls {
		for _, n := range c.Names {
			if len(c.Args) == 0 {
				plain[n] = true
			} else {
				withArgs[n] = true
			}
		}
	}
	for n := range plain {
		if withArgs[n] {
			t.Errorf("%s has rules with and without arguments", n)
		}
	}
}

// TestOCIMixed sends "one answer, except for these values" through the OCI form.
func TestOCIMixed(t *testing.T) {
	const text = `{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":1,"syscalls":[
		{"names":["socket"],"action":"SCMP_ACT_ERRNO","errnoRet":97},
		{"names":["socket"],"action":"SCMP_ACT_ERRNO","errnoRet":22,"args":[{"index":0,"op":"SCMP_CMP_EQ","value":16}]},
		{"names":["socket"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"op":"SCMP_CMP_EQ","value":1}]},
		{"names":["ioctl"],"action":"SCMP_ACT_LOG"},
		{"names":["ioctl"],"action":"SCMP_ACT_KILL_PROCESS","args":[{"index":1,"op":"SCMP_CMP_EQ","value":4294967295}]},
		{"names":["ioctl"],"action":"SCMP_ACT_ERRNO","errnoRet":1,"args":[{"index":1,"op":"SCMP_CMP_EQ","value":21522}]}]}`
	p, _, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	s, err := ToOCI(p, Target{Arch: "amd64"})
	if err != nil {
		t.Fatal(err)
	}
	libseccompMeaning(t, s)
	q, _, err := FromOCI(s)
	if err != nil {
		t.Fatal(err)
	}
	want, err := Compile(p, Target{Arch: "amd64"})
	if err != nil {
		t.Fatal(err)
	}
	have, err := Compile(q, Target{Arch: "amd64"})
	if err != nil {
		t.Fatal(err)
	}
	compareFilters(t, "mixed", refParse(t, text), have, want)
}

// TestOCICannotSay checks that ToOCI refuses what it would have to weaken.
func TestOCICannotSay(t *testing.T) {
	p, _, err := Parse([]byte(`{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[
		{"names":["mmap"],"action":"SCMP_ACT_ALLOW"},
		{"names":["mmap"],"action":"SCMP_ACT_ERRNO","errnoRet":13,"args":[{"index":2,"op":"SCMP_CMP_GE","value":4}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ToOCI(p, Target{Arch: "amd64"}); err == nil || !strings.Contains(err.Error(), "mmap") {
		t.Errorf("have %v, want an error about mmap", err)
	}
}

// TestFromOCIRefuses checks that FromOCI is as strict as Parse.
func TestFromOCIRefuses(t *testing.T) {
	big := uint(5000)
	for name, s := range map[string]*specs.LinuxSeccomp{
		"action":     {DefaultAction: "SCMP_ACT_PASS"},
		"no default": {},
		"arch":       {DefaultAction: specs.ActAllow, Architectures: []specs.Arch{"x86"}},
		"errno":      {DefaultAction: specs.ActErrno, DefaultErrnoRet: &big},
		"no names":   {DefaultAction: specs.ActAllow, Syscalls: []specs.LinuxSyscall{{Action: specs.ActErrno}}},
		"index": {DefaultAction: specs.ActAllow, Syscalls: []specs.LinuxSyscall{{Names: []string{"read"},
			Action: specs.ActErrno, Args: []specs.LinuxSeccompArg{{Index: 6, Op: specs.OpEqualTo}}}}},
		"op": {DefaultAction: specs.ActAllow, Syscalls: []specs.LinuxSyscall{{Names: []string{"read"},
			Action: specs.ActErrno, Args: []specs.LinuxSeccompArg{{Op: "=="}}}}},
	} {
		if _, _, err := FromOCI(s); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
