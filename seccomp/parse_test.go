package seccomp

import (
	"reflect"
	"strings"
	"testing"
)

// TestParse reads every field of both shapes.
func TestParse(t *testing.T) {
	p, warnings, err := Parse([]byte(`{
  "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "defaultErrno": "EACCES",
  "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}, {"architecture": "SCMP_ARCH_S390X"}],
  "flags": ["SECCOMP_FILTER_FLAG_LOG"], "listenerPath": "/run/l", "listenerMetadata": "m",
  "syscalls": [
    {"names": ["read", "write"], "action": "SCMP_ACT_ALLOW", "args": null, "comment": "c"},
    {"name": "kill", "action": "SCMP_ACT_TRACE", "errnoRet": 65535,
     "args": [{"index": 1, "value": 9, "valueTwo": 3, "op": "SCMP_CMP_MASKED_EQ"},
              {"index": 0, "value": -1, "op": "SCMP_CMP_NE"}],
     "includes": {"caps": ["CAP_KILL"], "arches": ["amd64"], "minKernel": "4.8"},
     "excludes": {"caps": ["CAP_X"], "arches": ["arm64"], "minKernel": "6.1"}}
  ]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := &Profile{
		DefaultAction: Errno, DefaultErrno: 13,
		ArchMap: []ArchMap{{"SCMP_ARCH_X86_64", []string{"SCMP_ARCH_X86"}}, {"SCMP_ARCH_S390X", nil}},
		Flags:   []string{"SECCOMP_FILTER_FLAG_LOG"}, ListenerPath: "/run/l", ListenerMetadata: "m",
		Rules: []Rule{
			{Names: []string{"read", "write"}, Action: Allow, Comment: "c", Line: 6},
			{Names: []string{"kill"}, Action: Trace, Errno: 65535,
				Args:     []Arg{{1, OpMaskedEq, 9, 3}, {0, OpNE, ^uint64(0), 0}},
				Includes: Condition{[]string{"CAP_KILL"}, []string{"amd64"}, Version{4, 8}},
				Excludes: Condition{[]string{"CAP_X"}, []string{"arm64"}, Version{6, 1}}, Line: 7},
		},
	}
	if !reflect.DeepEqual(p, want) {
		t.Errorf("have %+v\nwant %+v", p, want)
	}
	// valueTwo 3 has a bit that the mask 9 has not.
	if len(warnings) != 1 || warnings[0].Line != 8 || !strings.Contains(warnings[0].Text, "never holds") {
		t.Errorf("warnings: %v", warnings)
	}
}

// TestParseErrors checks what is refused and on which line.
func TestParseErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{``, "ends in the middle"},
		{`{`, "ends in the middle"},
		{"{\n\n}", "defaultAction is missing"},
		{"{\"defaultAction\":\n\"SCMP_ACT_ALOW\"}", `line 2: defaultAction: the action "SCMP_ACT_ALOW" is not known; did you mean "SCMP_ACT_ALLOW"?`},
		{"{\"defaultAction\":\n1}", "line 2: defaultAction: want a string, have a number"},
		{"[]", "line 1: profile: want an object, have an array"},
		{"{\"defaultAction\":\n\"SCMP_ACT_ALLOW\",}", "line 2"},
		{`{"defaultAction":"SCMP_ACT_ALLOW"} x`, "something follows"},
		{`{"defaultAction":"SCMP_ACT_ALLOW","defaultAction":"SCMP_ACT_KILL"}`, "occurs twice"},
		{`{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":4096}`, "above 4095"},
		{`{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":-1}`, "whole number"},
		{`{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":1.5}`, "whole number"},
		{`{"defaultAction":"SCMP_ACT_ERRNO","defaultErrno":"EWHAT"}`, `"EWHAT" is not known`},
		{`{"defaultAction":"SCMP_ACT_ALLOW","architectures":["x86_64"]}`, `"x86_64" is not known`},
		{`{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86"],"archMap":[{"architecture":"SCMP_ARCH_X86_64"}]}`, "both architectures and archMap"},
		{`{"defaultAction":"SCMP_ACT_ALLOW","archMap":[{}]}`, "architecture is missing"},
		{`{"defaultAction":"SCMP_ACT_ALLOW","syscalls":{}}`, "want an array, have an object"},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[\n{\"name\":\"a\",\n\"names\":[\"b\"],\"action\":\"SCMP_ACT_KILL\"}]}", "line 3: syscalls: both name and names"},
		{`{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"action":"SCMP_ACT_KILL"}]}`, "names is missing"},
		{`{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"]}]}`, "action is missing"},
		{`{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":"read","action":"SCMP_ACT_KILL"}]}`, "want an array, have a string"},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[\n\n{\"names\":[\"read\"],\"action\":\"SCMP_ACT_KILL\",\"args\":[{\"index\":6,\"op\":\"SCMP_CMP_EQ\"}]}]}", "line 3: index: 6 is above 5"},
		{`{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_KILL","args":[{"index":0}]}]}`, "op is missing"},
		{`{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_KILL","args":[{"index":0,"op":"=="}]}]}`, `"==" is not known`},
		{`{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_KILL","args":[{"index":0,"op":"SCMP_CMP_EQ","value":18446744073709551616}]}]}`, "whole number"},
		{`{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_KILL","includes":{"minKernel":"4"}}]}`, `"4" is not of the form`},
		{`{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_KILL","includes":{"minKernel":"4.8.1"}}]}`, "not of the form"},
	} {
		_, _, err := Parse([]byte(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\nhave %v\nwant %s", c.text, err, c.want)
		}
	}
}

// TestParseWarnings checks what is accepted and named.
func TestParseWarnings(t *testing.T) {
	for _, c := range []struct {
		rule, want string
		line       int
	}{
		{`{"names":["opennat"],"action":"SCMP_ACT_KILL"}`, `"opennat" is not known and has no effect; did you mean "openat"?`, 2},
		{`{"names":["zzzzzzzzzz"],"action":"SCMP_ACT_KILL"}`, `"zzzzzzzzzz" is not known and has no effect`, 2},
		{`{"names":["read"],"action":"SCMP_ACT_KILL",` + "\n" + `"exclude":{"caps":[1,{}]}}`, `the key "exclude" is not known`, 3},
		{`{"names":["read"],"action":"SCMP_ACT_KILL","errnoRet":5}`, "errnoRet has no effect", 2},
		{`{"names":["read"],"action":"SCMP_ACT_KILL","args":[{"index":1,"op":"SCMP_CMP_EQ"},{"index":1,"op":"SCMP_CMP_EQ","value":1}]}`, "any one of the comparisons", 2},
	} {
		_, warnings, err := Parse([]byte("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[\n" + c.rule + "]}"))
		if err != nil {
			t.Errorf("%s: %v", c.rule, err)
			continue
		}
		if len(warnings) != 1 || warnings[0].Line != c.line || !strings.Contains(warnings[0].Text, c.want) {
			t.Errorf("%s: have %v, want line %d: %s", c.rule, warnings, c.line, c.want)
		}
	}
	_, warnings, err := Parse([]byte(`{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[
		{"names":["s390_sthyi","riscv_hwprobe","socketcall","set_tls","clone3"],"action":"SCMP_ACT_KILL"}]}`))
	if err != nil || len(warnings) > 0 {
		t.Errorf("names of other architectures: %v %v", warnings, err)
	}
}

// TestCompileRefuses checks profiles made by hand.
func TestCompileRefuses(t *testing.T) {
	many := &Profile{DefaultAction: Errno, DefaultErrno: 1}
	for i := range 6000 {
		many.Rules = append(many.Rules, Rule{Names: []string{"mmap"}, Action: Allow,
			Args: []Arg{{0, OpGE, uint64(i) << 30, 0}, {1, OpEQ, uint64(i), 0}}})
	}
	for name, c := range map[string]struct {
		p *Profile
		t Target
	}{
		"architecture": {&Profile{DefaultAction: Allow}, Target{Arch: "riscv64"}},
		"default":      {&Profile{DefaultAction: 7}, Target{Arch: "amd64"}},
		"action":       {&Profile{Rules: []Rule{{Names: []string{"read"}, Action: 7}}}, Target{Arch: "amd64"}},
		"index":        {&Profile{Rules: []Rule{{Names: []string{"read"}, Args: []Arg{{Index: 6, Op: OpEQ}}}}}, Target{Arch: "amd64"}},
		"op":           {&Profile{Rules: []Rule{{Names: []string{"read"}, Args: []Arg{{Op: 9}}}}}, Target{Arch: "amd64"}},
		"two lists":    {&Profile{Architectures: []string{"a"}, ArchMap: []ArchMap{{}}}, Target{Arch: "amd64"}},
		"too large":    {many, Target{Arch: "amd64"}},
	} {
		if f, err := Compile(c.p, c.t); err == nil {
			t.Errorf("%s: no error, %d instructions", name, f.Len())
		}
	}
}
