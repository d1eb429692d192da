package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// An event is one line of "go test -json" (see go doc test2json).
type event struct {
	Action     string
	Package    string
	ImportPath string // of build events
	Test       string
	Output     string
	Elapsed    float64
}

// A test is one test or subtest of one package in one leg.
type test struct {
	name, result string
	output       []string
	parent       bool // has subtests: they are counted in its place
}

// A tally counts tests over all legs and tells about them as they end.
type tally struct {
	out                     io.Writer
	leg                     string
	running                 map[string]map[string]*test // package, test
	buildOutput             map[string][]string
	passed, failed, skipped int
	failedNames             []string
	unexercised             map[string]string // "package test" to why; dropped when a leg runs it
	exercised               map[string]bool
	notes                   []string // lines that say "not exercised: ..."
}

func newTally(out io.Writer) *tally {
	return &tally{
		out: out, running: make(map[string]map[string]*test), buildOutput: make(map[string][]string),
		unexercised: make(map[string]string), exercised: make(map[string]bool),
	}
}

func (t *tally) begin(leg string) {
	t.leg = leg
	fmt.Fprintf(t.out, "== tests as %s\n", leg)
}

func (t *tally) failures() int { return t.failed }

// broken counts a failure that is no test's.
func (t *tally) broken(what string, err error) {
	t.fail(what)
	fmt.Fprintf(t.out, "FAIL  %s: %v\n", what, err)
}

func (t *tally) leftBehind(lines []string) {
	for _, line := range lines {
		t.fail("left behind: " + line)
		fmt.Fprintf(t.out, "FAIL  a process was left behind: %s\n", line)
	}
}

func (t *tally) fail(name string) {
	t.failed++
	t.failedNames = append(t.failedNames, name+" (as "+t.leg+")")
}

// read follows a stream of events to its end. A line that is no event is what a
// broken tool says: it is shown as it is.
func (t *tally) read(stream io.Reader) error {
	scanner := bufio.NewScanner(stream)
	scanner.Buffer(nil, 16<<20)
	for scanner.Scan() {
		var one event
		if json.Unmarshal(scanner.Bytes(), &one) != nil {
			fmt.Fprintln(t.out, scanner.Text())
			continue
		}
		t.take(one)
	}
	return scanner.Err()
}

func (t *tally) take(one event) {
	if one.Action == "build-output" {
		t.buildOutput[one.ImportPath] = append(t.buildOutput[one.ImportPath], one.Output)
		return
	}
	if one.Action == "build-fail" {
		fmt.Fprintf(t.out, "FAIL  build of %s\n      %s", one.ImportPath, strings.Join(t.buildOutput[one.ImportPath], "      "))
		return
	}
	if one.Package == "" {
		return
	}
	tests := t.running[one.Package]
	if tests == nil {
		tests = make(map[string]*test)
		t.running[one.Package] = tests
	}
	current := tests[one.Test]
	if current == nil {
		current = &test{name: one.Test}
		tests[one.Test] = current
		if slash := strings.LastIndexByte(one.Test, '/'); slash >= 0 && tests[one.Test[:slash]] != nil {
			tests[one.Test[:slash]].parent = true
		}
	}
	switch one.Action {
	case "output":
		current.output = append(current.output, one.Output)
	case "pass", "fail", "skip":
		current.result = one.Action
		if one.Test == "" {
			t.endPackage(one, tests)
		}
	}
}

// endPackage counts the tests of a package and prints its line.
func (t *tally) endPackage(end event, tests map[string]*test) {
	delete(t.running, end.Package)
	names := make([]string, 0, len(tests))
	for name := range tests {
		names = append(names, name)
	}
	slices.Sort(names)
	var passed, failed, skipped int
	var failures []*test
	childFailed := make(map[string]bool)
	for _, name := range slices.Backward(names) { // subtests before their parents
		one := tests[name]
		if name == "" {
			continue
		}
		t.note(one)
		switch {
		case one.result == "skip":
			skipped++
			t.skip(end.Package, one)
			continue
		case one.result == "pass" && one.parent:
			continue
		case one.result == "pass":
			passed++
			t.exercised[end.Package+" "+name] = true
			continue
		}
		// Failed, or cut off by a crash or the time limit of the package.
		if slash := strings.LastIndexByte(name, '/'); slash >= 0 {
			childFailed[name[:slash]] = true
		}
		failures = append(failures, one)
		if !childFailed[name] {
			failed++
			t.fail(end.Package + " " + name)
		}
	}
	if end.Action == "fail" && failed == 0 {
		failed++
		t.fail(end.Package)
		failures = append(failures, tests[""])
	}
	t.passed += passed
	t.skipped += skipped
	t.line(end, passed, failed, skipped)
	for _, one := range slices.Backward(failures) {
		fmt.Fprintf(t.out, "      %s", strings.Join(one.output, "      "))
	}
}

func (t *tally) line(end event, passed, failed, skipped int) {
	word := "ok  "
	switch {
	case failed > 0:
		word = "FAIL"
	case passed+skipped == 0:
		word = "none"
	}
	counts := fmt.Sprintf("%d passed", passed)
	if failed > 0 {
		counts += fmt.Sprintf(", %d failed", failed)
	}
	if skipped > 0 {
		counts += fmt.Sprintf(", %d skipped", skipped)
	}
	took := time.Duration(end.Elapsed * float64(time.Second)).Round(10 * time.Millisecond)
	fmt.Fprintf(t.out, "%s  %-50s %s  %s\n", word, end.Package, counts, took)
}

// note keeps each line in which a test says what it could not exercise.
func (t *tally) note(one *test) {
	for _, line := range one.output {
		if at := strings.Index(line, "not exercised:"); at >= 0 && !strings.Contains(line, "] skip '") && one.result != "skip" {
			t.notes = append(t.notes, fmt.Sprintf("%s (as %s): %s", one.name, t.leg, strings.TrimSpace(line[at:])))
		}
	}
}

func (t *tally) skip(pkg string, one *test) {
	why := "no reason given"
	for _, line := range one.output {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "===") && !strings.HasPrefix(line, "---") && line != "" {
			why = line
		}
	}
	t.unexercised[pkg+" "+one.name] = why
}

// finish prints the summary and says whether all is well.
func (t *tally) finish(mustExercise bool) bool {
	var never []string
	for name, why := range t.unexercised {
		if !t.exercised[name] {
			never = append(never, name+": "+why)
		}
	}
	slices.Sort(never)
	if mustExercise {
		for _, name := range never {
			t.leg = "any user"
			t.fail("not exercised: " + name)
		}
	}
	slices.Sort(t.notes)
	show(t.out, "skipped in every leg", never)
	show(t.out, "passed, but in part not exercised", slices.Compact(t.notes))
	show(t.out, "failed", t.failedNames)
	if t.passed == 0 && t.failed == 0 {
		t.fail("no test ran")
	}
	fmt.Fprintf(t.out, "%d passed, %d failed, %d skipped\n", t.passed, t.failed, t.skipped)
	return t.failed == 0
}

func show(out io.Writer, title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(out, "== %s\n", title)
	for _, line := range lines {
		fmt.Fprintf(out, "      %s\n", line)
	}
}
