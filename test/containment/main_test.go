// Package containment holds tests that attack carrel from inside: one named
// test for each class of escape that docs/CONTAINMENT.md lists. The verdict of
// a test comes from the host's side, never only from the attacking program's
// word, and each has a control: the same attack with the layer off must
// succeed, or the test says "not exercised". It refuses to change anything of
// the host outside the temporary directories and namespaces that it makes.
package containment

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// bin is the directory with the programs carrel and probe.
var bin string

func TestMain(m *testing.M) { os.Exit(prepared(m)) }

// prepared takes the programs from CARREL_TEST_BIN, or builds them.
func prepared(m *testing.M) int {
	if bin = os.Getenv("CARREL_TEST_BIN"); bin != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "carrel-containment-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	bin = dir
	for name, source := range map[string]string{"carrel": "../../cmd/carrel", "probe": "./probe"} {
		build := exec.Command("go", "build", "-o", filepath.Join(dir, name), source)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build %s: %v\n%s(without Go, name a directory with carrel and probe in CARREL_TEST_BIN)\n", source, err, out)
			return 1
		}
	}
	return m.Run()
}

// unexercised ends a test that cannot be made to mean something here.
func unexercised(t *testing.T, why string) {
	t.Helper()
	t.Skip("not exercised: " + why)
}

// control fails the test when the attack does not work even with the layer
// off: then the test would prove nothing.
func control(t *testing.T, works bool, what string) {
	t.Helper()
	if !works {
		t.Errorf("control: with the layer off the attack must succeed, and it did not: %s", what)
	}
}

// root reports whether the tests run as root.
func root() bool { return os.Geteuid() == 0 }
