// Package compat holds tests that run real programs inside a sandbox and
// outside it, and compare. docs/COMPATIBILITY.md lists them, and a test holds
// list and tests together. It refuses to call a difference carrel's fault
// before the same command has worked outside, and a program that is not
// installed is reported as not exercised, never as passed.
package compat

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// patience is how long a program may take before a test is given up as hung.
const patience = 5 * time.Minute

// carrel is the path of the command under test.
var carrel string

func TestMain(m *testing.M) { os.Exit(prepared(m)) }

// prepared takes the command from CARREL_TEST_BIN, or builds it.
func prepared(m *testing.M) int {
	if dir := os.Getenv("CARREL_TEST_BIN"); dir != "" {
		carrel = filepath.Join(dir, "carrel")
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "carrel-compat-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	carrel = filepath.Join(dir, "carrel")
	build := exec.Command("go", "build", "-o", carrel, "../../cmd/carrel")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build carrel: %v\n%s(without Go, name a directory with carrel in CARREL_TEST_BIN)\n", err, out)
		return 1
	}
	return m.Run()
}

// A place is where a row's programs work: a directory with the row's files,
// and one beside it that stands for the same directory outside.
type place struct {
	t    *testing.T
	dir  string   // the same path inside and outside
	home string   // of the outside run; inside it is empty
	env  []string // of both
}

// newPlace makes a working directory that an ordinary user's sandbox can use too.
func newPlace(t *testing.T, files map[string]string) *place {
	t.Helper()
	top := t.TempDir()
	p := &place{t: t, dir: filepath.Join(top, "work"), home: filepath.Join(top, "home")}
	for _, dir := range []string{p.dir, p.home} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	p.fill(files)
	p.env = []string{"PATH=" + searchPath, "HOME=" + p.home, "USER=tester", "LANG=C.UTF-8", "SHELL=/bin/sh", "TMPDIR=" + os.TempDir()}
	return p
}

// fill empties the working directory and writes the row's files.
func (p *place) fill(files map[string]string) {
	p.t.Helper()
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, e := range entries {
		removeAll(p.t, filepath.Join(p.dir, e.Name()))
	}
	for name, text := range files {
		file := filepath.Join(p.dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			p.t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
			p.t.Fatal(err)
		}
	}
}

// removeAll removes a tree whose directories may be read-only, as Go's module cache is.
func removeAll(t *testing.T, dir string) {
	t.Helper()
	_ = filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			_ = os.Chmod(name, 0o755)
		}
		return nil
	})
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
}

// searchPath is where programs are looked for: what a sandbox shows of the host, and nothing of a user's own.
const searchPath = "/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// need skips the test where a program is not installed.
func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, program := range programs {
		if find(program) == "" {
			t.Skip("not exercised: " + program + " is not installed")
		}
	}
}

func find(program string) string {
	for dir := range strings.SplitSeq(searchPath, ":") {
		file := filepath.Join(dir, program)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return file
		}
	}
	return ""
}

// run runs a command in the working directory and returns what it printed.
func (p *place) run(argv ...string) (string, error) {
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = p.dir, p.env
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if err != nil {
		err = fmt.Errorf("%w\nstdout:\n%s\nstderr:\n%s", err, tail(out.String()), tail(errs.String()))
	}
	return out.String(), err
}

func tail(s string) string {
	if len(s) > 4000 {
		return "…" + s[len(s)-4000:]
	}
	return s
}

// outside runs the row's script without carrel; where that fails the row means nothing.
func (p *place) outside(script string) string {
	p.t.Helper()
	out, err := p.run("/bin/sh", "-ec", script)
	if err != nil {
		p.t.Skipf("not exercised: it fails outside carrel too: %v", err)
	}
	return out
}

// inside runs the row's script in a sandbox whose working directory is writable.
func (p *place) inside(script string, flags ...string) string {
	p.t.Helper()
	argv := append([]string{carrel, "run", "--preset", "dev"}, flags...)
	out, err := p.run(append(argv, "--", "/bin/sh", "-ec", script)...)
	if err != nil {
		p.t.Fatalf("a false denial: %v", err)
	}
	return out
}

// same runs a script outside and then inside, each with the row's files fresh, and compares what it printed.
func same(t *testing.T, files map[string]string, script string, flags ...string) {
	t.Helper()
	p := newPlace(t, files)
	p.compare(files, script, flags...)
}

func (p *place) compare(files map[string]string, script string, flags ...string) {
	p.t.Helper()
	want := p.outside(script)
	if strings.TrimSpace(want) == "" {
		p.t.Fatal("the script prints nothing, so there is nothing to compare")
	}
	p.fill(files)
	if got := p.inside(script, flags...); got != want {
		p.t.Errorf("inside it prints\n%s\noutside\n%s", got, want)
	}
}
