package launch

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// arm64Numbers are those of include/uapi/asm-generic/unistd.h, which arm64 uses, as golang.org/x/sys lists them; written
// out, because that package has them on arm64 only.
var arm64Numbers = map[Call]int{
	Prctl: 167, Openat: 56, Openat2: 437, Close: 57, CloseRange: 436, Write: 64, Dup3: 24, Fcntl: 25, Ioctl: 29, Socket: 198, Mount: 40,
	Umount2: 39, PivotRoot: 41, Chdir: 49, Fchdir: 50, Chroot: 51, Mkdirat: 34, Mknodat: 33, Symlinkat: 36,
	OpenTree: 428, MoveMount: 429, MountSetattr: 442, Fsopen: 430, Fsconfig: 431, Fsmount: 432, Sethostname: 161, Setdomainname: 162,
	Setns: 268, Unshare: 97, Setsid: 157, Setpgid: 154, Setgroups: 159, Setresuid: 147, Setresgid: 149, Capset: 91, Prlimit: 261,
	LandlockCreateRuleset: 444, LandlockRestrictSelf: 446, Seccomp: 277, RtSigprocmask: 135, Umask: 166, Execve: 221, Execveat: 281,
}

func TestCallTable(t *testing.T) {
	seen := make(map[string]Call)
	for c := None + 1; c < numCalls; c++ {
		name := c.String()
		if name == "" || name == "none" || name == "call?" {
			t.Errorf("call %d has no name", c)
		}
		if other, twice := seen[name]; twice {
			t.Errorf("calls %d and %d are both %s", other, c, name)
		}
		seen[name] = c
		amd64, arm64 := c.Number("amd64"), c.Number("arm64")
		if c.Pseudo() != (amd64 == -1) || c.Pseudo() != (arm64 == -1) {
			t.Errorf("%s: numbers %d and %d, pseudo %v", name, amd64, arm64, c.Pseudo())
		}
		if c.Pseudo() {
			continue
		}
		if want, listed := arm64Numbers[c]; !listed || arm64 != want {
			t.Errorf("%s: arm64 has number %d, want %d", name, arm64, want)
		}
		if n := c.Number("riscv64"); n != -1 {
			t.Errorf("%s: number %d on an architecture that is not supported", name, n)
		}
	}
	if len(arm64Numbers) != int(Spawn-None-1) {
		t.Errorf("%d calls, %d numbers", Spawn-None-1, len(arm64Numbers))
	}
	if s := numCalls.String(); s != "call?" || numCalls.Pseudo() || numCalls.Number("amd64") != -1 {
		t.Errorf("a call that does not exist is %s", s)
	}
}

// TestMakesNoSystemCall holds that the package only describes: of syscall it uses constants and types, and nothing else that
// could reach the kernel is imported.
func TestMakesNoSystemCall(t *testing.T) {
	allowed := []string{"encoding/binary", "fmt", "slices", "strconv", "strings", "syscall", "github.com/seed-0dbaba02/carrel/internal/source"}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		checked++
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range f.Imports {
			if path := strings.Trim(i.Path.Value, `"`); !slices.Contains(allowed, path) {
				t.Errorf("%s imports %s", name, path)
			}
		}
		for _, used := range selectors(f, "syscall") {
			if used != "Errno" {
				t.Errorf("%s uses syscall.%s", name, used)
			}
		}
	}
	if checked < 4 {
		t.Errorf("only %d files were found", checked)
	}
}
