// Package cookbook runs the sessions that the documentation shows, line by
// line, and compares what they print with what the pages say. It refuses to
// touch the host beyond a temporary directory: as root it works in a mount
// namespace of its own with an empty /run.
package cookbook

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// bin is the directory with the command under test.
var bin string

func TestMain(m *testing.M) { os.Exit(prepared(m)) }

// prepared takes the command from CARREL_TEST_BIN, or builds it.
func prepared(m *testing.M) int {
	if bin = os.Getenv("CARREL_TEST_BIN"); bin != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "carrel-cookbook-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	bin = dir
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "carrel"), "../../cmd/carrel")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build carrel: %v\n%s(without Go, name a directory with carrel in CARREL_TEST_BIN)\n", err, out)
		return 1
	}
	return m.Run()
}

func TestCookbook(t *testing.T) { page(t, "docs/COOKBOOK.md", 60) }
func TestReadme(t *testing.T)   { page(t, "README.md", 6) }

// page runs the lines of a page in order, in one shell.
func page(t *testing.T, name string, atLeast int) {
	text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	steps := parse(string(text))
	if len(steps) < atLeast {
		t.Fatalf("only %d lines found in %s", len(steps), name)
	}
	printed := session(t, steps)
	for i, s := range steps {
		t.Run(fmt.Sprintf("line %d", s.line), func(t *testing.T) {
			if s.root && os.Geteuid() != 0 {
				t.Skip("not exercised: the line needs root")
			}
			for _, program := range s.programs() {
				if _, err := exec.LookPath(program); err != nil {
					t.Skip("not exercised: " + program + " is not installed")
				}
			}
			if got := printed[i]; !matches(s.want, lines(got)) {
				t.Errorf("%s:%d: %s\nprints\n%s\nthe page says\n%s", name, s.line, s.command, got, strings.Join(s.want, "\n"))
			}
		})
	}
}

// A step is one command of a page and the output that it shows.
type step struct {
	line    int
	command string
	root    bool
	want    []string
}

// programs returns the programs of a step that a machine may lack.
func (s *step) programs() []string {
	var out []string
	for _, name := range []string{"python3", "ps", "uptime", "hostname", "ldd", "ip"} {
		for _, word := range strings.FieldsFunc(s.command, func(r rune) bool { return strings.ContainsRune(" ;|&'\"()$", r) }) {
			if word == name {
				out = append(out, name)
				break
			}
		}
	}
	return out
}

// parse reads the blocks marked sh: "$ " and "# " begin a command, a backslash at a line's end continues it, the rest is output.
func parse(text string) []step {
	var steps []step
	inside, continued := false, false
	for i, line := range strings.Split(text, "\n") {
		switch {
		case strings.HasPrefix(line, "```"):
			inside, continued = line == "```sh", false
		case !inside:
		case continued:
			last := &steps[len(steps)-1]
			last.command += "\n" + line
			continued = strings.HasSuffix(line, `\`)
		case strings.HasPrefix(line, "$ ") || strings.HasPrefix(line, "# "):
			steps = append(steps, step{line: i + 1, command: line[2:], root: line[0] == '#'})
			continued = strings.HasSuffix(line, `\`)
		case len(steps) > 0:
			last := &steps[len(steps)-1]
			last.want = append(last.want, line)
		}
	}
	return steps
}

// session runs all steps in one bash and returns what each printed. A step's standard input is empty.
func session(t *testing.T, steps []step) []string {
	t.Helper()
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("not exercised: bash is not installed")
	}
	top := t.TempDir()
	var script strings.Builder
	for i, s := range steps {
		if s.root && os.Geteuid() != 0 {
			continue
		}
		out := filepath.Join(top, "out", strconv.Itoa(i))
		script.WriteString("{ " + s.command + "\n} >" + out + " 2>&1 </dev/null\n")
	}
	for _, dir := range []string{"out", "home", "work"} {
		if err := os.Mkdir(filepath.Join(top, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(top, "script")
	if err := os.WriteFile(file, []byte(script.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	argv := []string{"bash", file}
	if os.Geteuid() == 0 {
		// A /run of its own, so that namespaces with names leave nothing on the host; open to the ids that root's sandboxes have.
		for dir := top; len(dir) > len(os.TempDir()); dir = filepath.Dir(dir) {
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		argv = append([]string{"unshare", "--mount", "--propagation", "private", "sh", "-ec", `mount -t tmpfs tmpfs /run; exec "$@"`, "sh"}, argv...)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = filepath.Join(top, "work")
	cmd.Env = []string{"PATH=" + bin + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + filepath.Join(top, "home"),
		"LANG=C.UTF-8", "USER=reader", "SHELL=/bin/sh", "TERM=dumb"}
	if out, err := cmd.CombinedOutput(); err != nil && len(out) > 0 {
		t.Fatalf("the session: %v\n%s", err, out)
	}
	printed := make([]string, len(steps))
	for i := range steps {
		if text, err := os.ReadFile(filepath.Join(top, "out", strconv.Itoa(i))); err == nil {
			printed[i] = string(text)
		} else if !steps[i].root || os.Geteuid() == 0 {
			t.Errorf("line %d was not run: %v", steps[i].line, err)
		}
	}
	return printed
}

func lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// matches compares lines with patterns: a line that is only "…" stands for any number of lines, and "…" in a line for any text.
func matches(want, got []string) bool {
	if len(want) == 0 {
		return len(got) == 0
	}
	if want[0] == "…" {
		for i := 0; i <= len(got); i++ {
			if matches(want[1:], got[i:]) {
				return true
			}
		}
		return false
	}
	return len(got) > 0 && matchesLine(want[0], got[0]) && matches(want[1:], got[1:])
}

func matchesLine(want, got string) bool {
	parts := strings.Split(want, "…")
	if len(parts) == 1 {
		return want == got
	}
	first, last := parts[0], parts[len(parts)-1]
	if len(got) < len(first)+len(last) || !strings.HasPrefix(got, first) || !strings.HasSuffix(got, last) {
		return false
	}
	got = got[len(first) : len(got)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		at := strings.Index(got, part)
		if at < 0 {
			return false
		}
		got = got[at+len(part):]
	}
	return true
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		want, got string
		ok        bool
	}{
		{"a\nb", "a\nb", true}, {"a\nb", "a", false}, {"a", "a\nb", false}, {"…", "a\nb", true}, {"…\nb", "a\nb", true}, {"…\nc", "a\nb", false},
		{"x … z", "x y z", true}, {"x … z", "x z", false}, {"a…b…c", "a1b2c", true}, {"a…b…c", "a12c", false}, {"", "a", false},
	} {
		if got := matches(lines(c.want), lines(c.got)); got != c.ok {
			t.Errorf("matches(%q, %q) is %v", c.want, c.got, got)
		}
	}
}
