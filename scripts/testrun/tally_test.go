package main

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
)

// events writes the lines that go test would.
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

// of is an event of package p; without a test it is the package's own.
func of(action, test string) event { return event{Action: action, Package: "p", Test: test} }

func TestSubtestsAreCountedInPlaceOfTheirParent(t *testing.T) {
	var out bytes.Buffer
	tally := newTally(&out)
	tally.begin("root")
	err := tally.read(events(t,
		of("run", "TestA"), of("run", "TestA/x"), of("pass", "TestA/x"), of("run", "TestA/y"), of("skip", "TestA/y"), of("pass", "TestA"),
		of("run", "TestB"), of("run", "TestB/x"), of("fail", "TestB/x"), of("fail", "TestB"),
		of("run", "TestC"), of("pass", "TestC"), of("fail", "")))
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
		"crash in a test":  {of("run", "TestA"), of("fail", "")},
		"crash before any": {of("fail", "")},
		"build":            {{Action: "build-output", ImportPath: "p", Output: "no\n"}, {Action: "build-fail", ImportPath: "p"}, of("fail", "")},
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
	if err := tally.read(events(t, of("skip", ""))); err != nil {
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
			of("run", "TestA"), event{Action: "output", Package: "p", Test: "TestA", Output: "not exercised: no root\n"}, of("skip", "TestA"), of("pass", ""),
			of("run", "TestA"), of(row.second, "TestA"), of("pass", "")))
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
