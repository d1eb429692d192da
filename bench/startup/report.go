package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// report is all that is printed.
type report struct {
	Machine []string
	Legs    []*leg
	Targets []target
	Notes   []string
}

// target is one promise and how it went. Measured is a ratio, or KiB for memory.
type target struct {
	What     string
	Limit    float64
	Reach    float64 // what is hoped for beyond the promise; 0 when there is none
	Measured float64
	Leg      string
	Verdict  string // ok, missed or not measured
}

func median(r *result) float64    { return r.Wall.Median }
func minimum(r *result) float64   { return r.Wall.Min }
func cpuMedian(r *result) float64 { return r.CPU.Median }

// judge compares each target with the ordinary user's leg, and with root's where
// the peer runs only there.
func judge(legs []*leg) []target {
	list := []struct {
		target
		row, base string
		of        func(*result) float64
	}{
		{target{What: "wall, x bwrap", Limit: 0.70, Reach: 0.60}, rowCarrel, rowBwrap, median},
		{target{What: "wall, x C limit", Limit: 1.6}, rowCarrel, rowLimit, median},
		{target{What: "wall, x crun", Limit: 0.45}, rowCarrel, rowCrun, median},
		{target{What: "wall, x runc", Limit: 0.15}, rowCarrel, rowRunc, median},
		{target{What: "CPU, x bwrap --as-pid-1", Limit: 0.80}, rowCarrel, rowBwrap1, cpuMedian},
		{target{What: "binary start, x empty Go program", Limit: 1.25}, rowVersion, rowEmpty, median},
		{target{What: "binary start, x empty Go program, minima", Limit: 1.25}, rowVersion, rowEmpty, minimum},
	}
	var ts []target
	for _, e := range list {
		t := e.target
		for _, l := range legs {
			r, b := l.result(e.row), l.result(e.base)
			if r != nil && b != nil && t.Leg == "" {
				t.Leg, t.Measured = l.Name, e.of(r)/e.of(b)
			}
		}
		ts = append(ts, t.judged())
	}
	m := target{What: "private memory of launcher and init, KiB", Limit: 32}
	for _, l := range legs {
		for _, k := range l.Memory {
			if k.Name == rowCarrel && m.Leg == "" {
				m.Leg, m.Measured = l.Name, float64(k.KiB)
			}
		}
	}
	return append(ts, m.judged())
}

func (t target) judged() target {
	switch {
	case t.Leg == "":
		t.Verdict = "not measured"
	case t.Measured <= t.Limit:
		t.Verdict = "ok"
	default:
		t.Verdict = "missed"
	}
	return t
}

func (r report) print(w io.Writer) {
	p := func(format string, a ...any) { fmt.Fprintf(w, format, a...) }
	p("# Start-up\n\n")
	for _, m := range r.Machine {
		p("- %s\n", m)
	}
	for _, l := range r.Legs {
		l.print(w)
	}
	p("\n## Targets\n\n| target | limit | measured | leg | |\n|---|---|---|---|---|\n")
	for _, t := range r.Targets {
		limit := fmt.Sprintf("<= %.2f", t.Limit)
		if t.Reach > 0 {
			limit += fmt.Sprintf(" (reach %.2f)", t.Reach)
		}
		measured, leg := "-", "-"
		if t.Leg != "" {
			measured, leg = fmt.Sprintf("%.3f", t.Measured), t.Leg
		}
		p("| %s | %s | %s | %s | %s |\n", t.What, limit, measured, leg, t.Verdict)
	}
	p("\nRatios are of medians unless said otherwise. Wall time ends when the launcher ends. carrel and the C limit end once no process\n" +
		"but PID 1 is left in the sandbox; bwrap ends with its payload; the kernel takes namespaces down later for all of them.\n" +
		"CPU counts every process of a launch, whoever outlived whom.\n")
	for _, n := range r.Notes {
		p("\n%s\n", n)
	}
}

func (l *leg) print(w io.Writer) {
	fmt.Fprintf(w, "\n## As %s\n\nMicroseconds.\n\n| row | min | p10 | median | CPU mean | CPU median | faults | x bwrap (min / median) | x C limit (min / median) | the payload sees |\n"+
		"|---|---|---|---|---|---|---|---|---|---|\n", l.Name)
	for _, r := range l.Rows {
		cpu, faults := "- | -", "-"
		if r.CPU != nil && r.Faults != nil {
			cpu, faults = fmt.Sprintf("%.0f | %.0f", r.CPU.Mean, r.CPU.Median), fmt.Sprintf("%.0f", r.Faults.Median)
		}
		fmt.Fprintf(w, "| %s | %.0f | %.0f | %.0f | %s | %s | %s | %s | %s |\n", r.Name, r.Wall.Min, r.Wall.P10, r.Wall.Median,
			cpu, faults, ratio(r, l.result(rowBwrap)), ratio(r, l.result(rowLimit)), r.Sees)
	}
	if len(l.Memory) > 0 {
		fmt.Fprintf(w, "\n| idle sandbox | processes besides the payload | private memory, KiB | anonymous memory, KiB |\n|---|---|---|---|\n")
	}
	for _, m := range l.Memory {
		fmt.Fprintf(w, "| %s | %d | %d | %d |\n", m.Name, m.Processes, m.KiB, m.Anonymous)
	}
}

func ratio(r, base *result) string {
	if base == nil {
		return "-"
	}
	return fmt.Sprintf("%.2f / %.2f", r.Wall.Min/base.Wall.Min, r.Wall.Median/base.Wall.Median)
}

// machine says what was measured on, and with what.
func (s *stage) machine() []string {
	read := func(path string) string {
		b, _ := os.ReadFile(path)
		return strings.TrimSpace(string(b))
	}
	model := "unknown"
	for line := range strings.Lines(read("/proc/cpuinfo")) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
			break
		}
	}
	m := []string{
		fmt.Sprintf("Linux %s, %s, %d cores (%s), load %s", read("/proc/sys/kernel/osrelease"), runtime.GOARCH, runtime.NumCPU(), model, read("/proc/loadavg")),
		fmt.Sprintf("%s; %d rounds in shuffled order, %d us of pause after each run", runtime.Version(), s.rounds, s.gap),
	}
	for _, name := range []string{"bwrap", "unshare", "crun", "runc"} {
		if p := s.tools[name]; p != "" {
			out, _ := exec.Command(p, "--version").Output()
			first, _, _ := strings.Cut(string(out), "\n")
			m = append(m, first)
		}
	}
	if p := s.tools["carrel"]; p != "" {
		out, _ := exec.Command(p, "version").Output()
		first, _, _ := strings.Cut(string(out), "\n")
		m = append(m, first)
	}
	return m
}
