package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// native builds the C programs into a scratch folder that every user can enter.
func native(t *testing.T) (*stage, *leg) {
	t.Helper()
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("not exercised: gcc is not installed")
	}
	dir, err := os.MkdirTemp("", "carrel-bench-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	repo, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{options: &options{ctx: t.Context(), scratch: dir, uid: os.Getuid()}, repo: repo, tools: map[string]string{}}
	text, err := os.ReadFile(filepath.Join(repo, "seccomp", "profiles", "default_"+runtime.GOARCH+".bpf"))
	if err != nil {
		t.Skip("not exercised: there is no filter for this architecture:", err)
	}
	if err := os.WriteFile(s.path("filter"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"work", "home"} {
		if err := os.Mkdir(s.path(d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.buildC(); err != nil {
		t.Fatal(err)
	}
	return s, &leg{Name: "test", uid: os.Getuid()}
}

func TestHarnessCountsAndChecks(t *testing.T) {
	s, l := native(t)
	meter := s.path("meter")
	if err := os.WriteFile(meter, []byte("#!/bin/sh\nwhile read x; do echo 12.5; done\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	rs, err := s.ab(l, []row{launcher(rowFloor), {name: "meter", argv: []string{meter}, meter: true}}, "-n", "5", "-w", "1")
	if err != nil {
		t.Fatal(err)
	}
	if len(rs) != 2 || rs[0].Wall.Min <= 0 || rs[0].Wall.Median < rs[0].Wall.Min || rs[0].CPU == nil || rs[0].Faults.Min < 1 || !rs[0].Checked {
		t.Errorf("row of /bin/true: %+v", rs[0])
	}
	if rs[1].Wall.Min != 12.5 || rs[1].Wall.Median != 12.5 || rs[1].CPU != nil {
		t.Errorf("row that measures itself: %+v", rs[1])
	}
	for name, r := range map[string]row{
		"exit status":     {name: "false", argv: []string{"/bin/false"}},
		"no such program": {name: "absent", argv: []string{s.path("absent")}},
		"silent payload":  {name: "silent", argv: []string{"/bin/true"}, token: "ran", check: []string{"/bin/true"}},
		"failing check":   {name: "check", argv: []string{"/bin/true"}, token: "ran", check: []string{"/bin/sh", "-c", "echo ran; exit 3"}},
		"silent meter":    {name: "meter", argv: []string{"/bin/true"}, meter: true},
	} {
		if _, err := s.ab(l, []row{r}, "-n", "2"); err == nil {
			t.Errorf("%s: the harness did not complain", name)
		}
	}
}

func TestLimitIsolatesAndPassesTheStatusOn(t *testing.T) {
	s, l := native(t)
	if err := s.as(l, []string{"unshare", "--user", "--map-current-user", "--time", "/bin/true"}).Run(); err != nil {
		t.Skip("not exercised: user and time namespaces cannot be made here:", err)
	}
	rs, err := s.ab(l, []row{launcher(rowFloor), launcher(rowLimit, s.path("climit"))}, "-n", "1", "-w", "0")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := sees(rs[1].Output, rs[0].Output), "8 ns, no caps, nnp, seccomp"; got != want {
		t.Errorf("the payload of the C limit sees %q, want %q", got, want)
	}
	for script, want := range map[string]int{"exit 7": 7, "kill -9 $$": 128 + 9, "touch here 2>/dev/null && exit 1; touch /tmp/x": 0, "sleep 30 & exit 4": 4} {
		err := s.as(l, []string{s.path("climit"), "/bin/sh", "-c", script}).Run()
		var status *exec.ExitError
		got := 0
		if errors.As(err, &status) {
			got = status.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s: exit status %d, want %d", script, got, want)
		}
	}
	out, _ := s.as(l, []string{s.path("climit"), "/absent"}).CombinedOutput()
	if !strings.Contains(string(out), "exec /absent: No such file") {
		t.Errorf("an absent payload is reported as %q", out)
	}
}
