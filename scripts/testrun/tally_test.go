package main

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
)

// events writes one event a line: "action package test output".
func events(t *testing.T, lines ...event) *strings.Reader {
	t.Helper()
	var stream bytes.Buffer
	for _, line := range lines {
		if err := json.NewEncoder(&stream).Encode(line); err != nil {
			t.Fatal(err)
		}
	}
	return strings.NewReader(stream.String())
}

func of(action, pkg, test string) event { return event{Action: action, Package: pkg, Test: test} }

func TestSubtestsAreCountedInPlaceOfTheirParent(t *testing.T) {
	var out bytes.Buffer
	tally := newTally(&out)
	tally.begin("root")
	err := tally.read(events(t,
		of("run", "p", "TestA"), of("run", "p", "TestA/x"), of("pass", "p", "TestA/x"), of("run", "p", "TestA/y"), of("skip", "p", "TestA/y"), of("pass", "p", "TestA"),
		of("run", "p", "TestB"), of("run", "p", "TestB/x"), of("fail", "p", "TestB/x"), of("fail", "p", "TestB"),
		of("run", "p", "TestC"), of("pass", "p", "TestC"), of("fail", "p", "")))
	if err != nil {
		t.Fatal(err)
	}
	if tally.finish(false) {
		t.Error("a failed test must make the run fail")
	}
	if !strings.HasSuffix(out.String(), "2 passed, 1 failed, 1 skipped\n") {
		t.Errorf("got:\n%s", out.String())
	}
}

func TestWhatIsCutOffCountsAsFailed(t *testing.T) {
	for name, stream := range map[string][]event{
		"crash in a test":  {of("run", "p", "TestA"), of("fail", "p", "")},
		"crash before any": {of("fail", "p", "")},
		"build":            {{Action: "build-output", ImportPath: "p", Output: "no\n"}, {Action: "build-fail", ImportPath: "p"}, of("fail", "p", "")},
	} {
		var out bytes.Buffer
		tally := newTally(&out)
		if err := tally.read(events(t, stream...)); err != nil {
			t.Fatal(err)
		}
		if tally.finish(false) || !strings.HasSuffix(out.String(), "0 passed, 1 failed, 0 skipped\n") {
			t.Errorf("%s: got:\n%s", name, out.String())
		}
	}
}

func TestARunOfNothingFails(t *testing.T) {
	var out bytes.Buffer
	tally := newTally(&out)
	if err := tally.read(events(t, of("skip", "p", ""))); err != nil {
		t.Fatal(err)
	}
	if tally.finish(false) {
		t.Errorf("got:\n%s", out.String())
	}
}

func TestASkipIsForgivenWhenAnotherLegRanTheTest(t *testing.T) {
	for _, row := range []struct {
		second string
		ok     bool
	}{{"pass", true}, {"skip", false}} {
		var out bytes.Buffer
		tally := newTally(&out)
		err := tally.read(events(t,
			of("run", "p", "TestA"), event{Action: "output", Package: "p", Test: "TestA", Output: "not exercised: no root\n"}, of("skip", "p", "TestA"), of("pass", "p", ""),
			of("run", "p", "TestA"), of(row.second, "p", "TestA"), of("pass", "p", "")))
		if err != nil {
			t.Fatal(err)
		}
		if tally.finish(true) != row.ok {
			t.Errorf("second leg %s: got:\n%s", row.second, out.String())
		}
		if !row.ok && !strings.Contains(out.String(), "p TestA: no reason given") {
			t.Errorf("the test is not named:\n%s", out.String())
		}
	}
}

func TestACommandThatEndsBadlyFails(t *testing.T) {
	var out bytes.Buffer
	tally := newTally(&out)
	follow(tally, &orphans{known: make(map[int]bool)}, exec.Command("sh", "-c", "exit 3"))
	if tally.finish(false) || !strings.Contains(out.String(), "exit status 3") {
		t.Errorf("got:\n%s", out.String())
	}
}
