package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

func defaultProfile(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "seccomp", "profiles", "default.json"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// allowed says whether a rule without conditions on arguments allows a call.
func allowed(f *specs.LinuxSeccomp, call string) bool {
	return slices.ContainsFunc(f.Syscalls, func(r specs.LinuxSyscall) bool {
		return r.Action == specs.ActAllow && len(r.Args) == 0 && slices.Contains(r.Names, call)
	})
}

func TestSeccompForDropsWhatCapabilitiesWouldOpen(t *testing.T) {
	for _, arch := range []string{"amd64", "arm64"} {
		f, err := seccompFor(defaultProfile(t), arch)
		if err != nil {
			t.Fatal(err)
		}
		if !allowed(f, "read") || !allowed(f, "execve") {
			t.Errorf("%s: read and execve are not allowed", arch)
		}
		if allowed(f, "mount") || allowed(f, "bpf") {
			t.Errorf("%s: mount or bpf is allowed without capabilities", arch)
		}
	}
	if _, err := seccompFor([]byte(`{"defaultAction":"SCMP_ACT_ERRNO"}`), "amd64"); err == nil {
		t.Error("a profile without rules was accepted")
	}
}

func TestSees(t *testing.T) {
	host := "ran\nuser:[1]\nmnt:[2]\nCapPrm:\t00ff\nCapBnd:\t00ff\nNoNewPrivs:\t0\nSeccomp:\t0\n"
	for _, c := range []struct{ probe, want string }{
		{host, "0 ns, caps"},
		{"ran\nuser:[9]\nmnt:[2]\nCapPrm:\t0000\nCapBnd:\t00ff\nNoNewPrivs:\t1\nSeccomp:\t0\n", "1 ns, caps in the bounding set only, nnp"},
		{"ran\nuser:[9]\nmnt:[8]\nCapPrm:\t0000\nCapBnd:\t0000\nNoNewPrivs:\t1\nSeccomp:\t2\n", "2 ns, no caps, nnp, seccomp"},
		{"something else", ""},
	} {
		if got := sees(c.probe, host); got != c.want {
			t.Errorf("sees(%q) = %q, want %q", c.probe, got, c.want)
		}
	}
}

func TestJudge(t *testing.T) {
	res := func(name string, wall, cpu float64) *result {
		return &result{Name: name, Wall: column{Min: wall, Median: wall}, CPU: &column{Median: cpu}}
	}
	user := &leg{Name: "ordinary user", uid: 1, Memory: []memory{{Name: rowCarrel, KiB: 33}},
		Rows: []*result{res(rowCarrel, 60, 90), res(rowBwrap, 100, 10), res(rowBwrap1, 100, 100), res(rowLimit, 50, 50)}}
	root := &leg{Name: "root", Rows: []*result{res(rowCarrel, 80, 1), res(rowCrun, 100, 1), res(rowBwrap, 80, 1)}}
	got := map[string]target{}
	for _, x := range judge([]*leg{user, root}) {
		got[x.What] = x
	}
	for what, want := range map[string]target{
		"wall, x bwrap":           {Measured: 0.6, Leg: "ordinary user", Verdict: "ok"},
		"wall, x C limit":         {Measured: 1.2, Leg: "ordinary user", Verdict: "ok"},
		"wall, x crun":            {Measured: 0.8, Leg: "root", Verdict: "missed"},
		"wall, x runc":            {Verdict: "not measured"},
		"CPU, x bwrap --as-pid-1": {Measured: 0.9, Leg: "ordinary user", Verdict: "missed"},
		"private memory of launcher and init, KiB": {Measured: 33, Leg: "ordinary user", Verdict: "missed"},
	} {
		g := got[what]
		if g.Measured != want.Measured || g.Leg != want.Leg || g.Verdict != want.Verdict {
			t.Errorf("%s: got %+v, want %+v", what, g, want)
		}
	}
	var b strings.Builder
	report{Legs: []*leg{user}, Targets: judge([]*leg{user}), Notes: []string{"not measured: x"}}.print(&b)
	for _, want := range []string{"| carrel run | 60 |", "0.60 / 0.60", "not measured: x", "| missed |"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, b.String())
		}
	}
}

func TestMemoryOfAProcessAndItsFamily(t *testing.T) {
	sum, anonymous, err := private(os.Getpid())
	if err != nil || sum < 100 || anonymous < 100 {
		t.Errorf("private memory of a Go program: %d KiB, anonymous %d KiB, %v", sum, anonymous, err)
	}
	c := exec.Command("sleep", "30")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Process.Kill(); _ = c.Wait() }()
	if f := family(os.Getpid()); !slices.Contains(f, c.Process.Pid) || slices.Contains(f, 1) {
		t.Errorf("family of this process is %v, the child is %d", f, c.Process.Pid)
	}
}
