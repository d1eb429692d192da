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
	Rates   []*rate
	Heaps   []*heap
	Targets []target
	Notes   []string
}

func (r *report) note(format string, a ...any) {
	r.Notes = append(r.Notes, "not measured: "+fmt.Sprintf(format, a...))
}

// target is one promise and how it went: a ratio.
type target struct {
	What     string
	AtLeast  bool // Limit is the least; otherwise it is the most
	Limit    float64
	Measured float64 // 0: not measured
	Verdict  string  // ok, missed or not measured
}

func (t target) judged() target {
	switch {
	case t.Measured == 0:
		t.Verdict = "not measured"
	case t.AtLeast && t.Measured >= t.Limit || !t.AtLeast && t.Measured <= t.Limit:
		t.Verdict = "ok"
	default:
		t.Verdict = "missed"
	}
	return t
}

func findRate(all []*rate, name string, callers int) *rate {
	for _, r := range all {
		if r.Name == name && r.Callers == callers {
			return r
		}
	}
	return nil
}

func findHeap(all []*heap, mb int) *heap {
	for _, h := range all {
		if h.MB == mb {
			return h
		}
	}
	return nil
}

// judge compares what was measured with the targets.
func judge(rates []*rate, heaps []*heap) []target {
	most := callers[len(callers)-1]
	a := target{What: fmt.Sprintf("launches per second at %d callers, x bwrap, medians", most), AtLeast: true, Limit: 2.5}
	b := target{What: fmt.Sprintf("launches per second at %d callers, x bwrap, best", most), AtLeast: true, Limit: 2.5}
	if c, w := findRate(rates, rowCarrel, most), findRate(rates, rowBwrap, most); c != nil && w != nil {
		a.Measured, b.Measured = c.median()/w.median(), c.best()/w.best()
	}
	c := target{What: "start with 4096 MB of heap, x 16 MB, medians", Limit: 1.2}
	d := target{What: "start with 4096 MB of heap, x 16 MB, minima", Limit: 1.2}
	if small, big := findHeap(heaps, sizes[0]), findHeap(heaps, sizes[len(sizes)-1]); small != nil && big != nil {
		c.Measured, d.Measured = big.median()/small.median(), big.minimum()/small.minimum()
	}
	return []target{a.judged(), b.judged(), c.judged(), d.judged()}
}

func (r *report) print(w io.Writer) {
	p := func(format string, a ...any) { fmt.Fprintf(w, format, a...) }
	p("# Launches from a long-running process\n\n")
	for _, m := range r.Machine {
		p("- %s\n", m)
	}
	p("\n## Launches per second of /bin/true\n\n| row | callers | best | median | x bwrap (best / median) |\n|---|---|---|---|---|\n")
	for _, x := range r.Rates {
		p("| %s | %d | %.0f | %.0f | %s |\n", x.Name, x.Callers, x.best(), x.median(), against(x, findRate(r.Rates, rowBwrap, x.Callers)))
	}
	p("\nEach launch compiles the document, starts, waits and checks the exit status. carrel's launches wait until the kernel has\n" +
		"ended PID 1 and its namespace; bwrap's end before that.\n")
	p("\n## Time of one start beside a heap, microseconds\n\n| live heap, MB | starts | min | median | x 16 MB (min / median) |\n|---|---|---|---|---|\n")
	for _, h := range r.Heaps {
		p("| %d | %d | %.0f | %.0f | %.2f / %.2f |\n", h.MB, len(h.Starts), h.minimum(), h.median(),
			h.minimum()/r.Heaps[0].minimum(), h.median()/r.Heaps[0].median())
	}
	p("\nA start is the call alone, up to the exec of the payload, without compilation and without the wait.\n")
	p("\n## Targets\n\n| target | limit | measured | |\n|---|---|---|---|\n")
	for _, t := range r.Targets {
		sign, measured := "<=", "-"
		if t.AtLeast {
			sign = ">="
		}
		if t.Measured > 0 {
			measured = fmt.Sprintf("%.3f", t.Measured)
		}
		p("| %s | %s %.2f | %s | %s |\n", t.What, sign, t.Limit, measured, t.Verdict)
	}
	for _, n := range r.Notes {
		p("\n%s\n", n)
	}
}

func against(x, base *rate) string {
	if base == nil {
		return "-"
	}
	return fmt.Sprintf("%.2f / %.2f", x.best()/base.best(), x.median()/base.median())
}

// machine says what was measured on, and with what.
func machine(o *options) []string {
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
		fmt.Sprintf("%s; %d rounds of %v in shuffled order; %d starts beside each heap in shuffled blocks of %d, %v of pause after each",
			runtime.Version(), o.rounds, o.round, o.starts, block, o.gap),
	}
	if out, err := exec.Command("bwrap", "--version").Output(); err == nil {
		m = append(m, strings.TrimSpace(string(out)))
	}
	return m
}
