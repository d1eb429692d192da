package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-0dbaba02/carrel/internal/supervisor"
)

func TestBwrapIsAskedForTheSameAsInStartup(t *testing.T) {
	ours, err := os.ReadFile("bwrap.go")
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := os.ReadFile(filepath.Join("..", "startup", "bwrap.go"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(ours, theirs) {
		t.Error("bwrap.go differs between startup and inprocess")
	}
}

func TestStatusIsChecked(t *testing.T) {
	three := program("", "/bin/sh", "-c", "exit 3")
	if err := once(three, 3); err != nil {
		t.Error(err)
	}
	if err := once(three, 0); err == nil {
		t.Error("exit status 3 was taken for 0")
	}
	if err := once(program("", "/bin/sh", "-c", "kill -9 $$"), 137); err == nil {
		t.Error("an end by a signal was taken for an exit status")
	}
	if _, err := perSecond(three, 2, time.Millisecond); err == nil {
		t.Error("launches that end with status 3 were counted")
	}
}

func TestPerSecondCountsLaunchesOfAllCallers(t *testing.T) {
	nap := func() (syscall.WaitStatus, time.Duration, error) { time.Sleep(time.Millisecond); return 0, 0, nil }
	if n, err := perSecond(nap, 4, 20*time.Millisecond); err != nil || n <= 0 || n > 4000 {
		t.Errorf("four callers that take at least 1 ms each: %v per second, %v", n, err)
	}
}

// TestSandboxFromAThread needs user namespaces.
func TestSandboxFromAThread(t *testing.T) {
	home, work := t.TempDir(), t.TempDir()
	t.Setenv("HOME", home)
	t.Chdir(work)
	net, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSandbox("--", "/bin/sh", "-c", probe, net)
	if err != nil {
		t.Fatal(err)
	}
	err = once(s.launch, probeStatus)
	var setup *supervisor.SetupError
	if errors.As(err, &setup) && setup.Kind == supervisor.KindHost {
		t.Skip("not exercised: this host allows no sandbox:", err)
	}
	if err != nil {
		t.Error(err)
	}
	if err := once(program("", "/bin/sh", "-c", probe, net), 8); err != nil {
		t.Error("the probe finds isolation where there is none:", err)
	}
}

func TestWorkerAnswersABlock(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	t.Chdir(t.TempDir())
	var out bytes.Buffer
	err := work(&options{heap: 1}, strings.NewReader("\n\n"), &out)
	var setup *supervisor.SetupError
	if errors.As(err, &setup) && setup.Kind == supervisor.KindHost {
		t.Skip("not exercised: this host allows no sandbox:", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != 2 || len(strings.Fields(lines[0])) != block || len(strings.Fields(lines[1])) != block {
		t.Errorf("two questions were answered with %q", out.String())
	}
}

func TestJudge(t *testing.T) {
	rates := []*rate{{rowCarrel, 4, []float64{200, 300, 250}}, {rowBwrap, 4, []float64{100, 90, 125}}, {rowBwrap, 1, []float64{1}}}
	heaps := []*heap{{16, []float64{100, 200}}, {4096, []float64{119, 400}}}
	got := judge(rates, heaps)
	want := []target{
		{Measured: 2.5, Verdict: "ok"}, {Measured: 2.4, Verdict: "missed"},
		{Measured: 259.5 / 150, Verdict: "missed"}, {Measured: 1.19, Verdict: "ok"},
	}
	for i, g := range got {
		if g.Measured != want[i].Measured || g.Verdict != want[i].Verdict {
			t.Errorf("%s: %v, %s; want %v, %s", g.What, g.Measured, g.Verdict, want[i].Measured, want[i].Verdict)
		}
	}
	for _, g := range judge(rates[:1], heaps[:1]) {
		if g.Verdict != "not measured" {
			t.Errorf("%s: %s without the row to compare with", g.What, g.Verdict)
		}
	}
	var b strings.Builder
	r := report{Rates: rates, Heaps: heaps, Targets: got}
	r.note("x: %d", 1)
	r.print(&b)
	for _, w := range []string{"| carrel, in process | 4 | 300 | 250 | 2.40 / 2.50 |", "| 4096 | 2 | 119 |", "not measured: x: 1", ">= 2.50"} {
		if !strings.Contains(b.String(), w) {
			t.Errorf("the report lacks %q:\n%s", w, b.String())
		}
	}
}
