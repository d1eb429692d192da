package landlock

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// TestMain lets the test binary be its own subject: a ruleset cannot be taken off again, so it is tried in a child.
func TestMain(m *testing.M) {
	if len(os.Args) == 5 && os.Args[1] == "landlock-subject" {
		subject(os.Args[2], os.Args[3], os.Args[4])
		return
	}
	os.Exit(m.Run())
}

// subject puts itself under a ruleset cut down to abi (0: none, the control) and prints what it can do in dir.
func subject(abiText, dir, parent string) {
	runtime.LockOSThread()
	abi, err := strconv.Atoi(abiText)
	if err != nil {
		panic(err)
	}
	pid, err := strconv.Atoi(parent)
	if err != nil {
		panic(err)
	}
	if abi > 0 {
		r := Strict()
		r.Rules = []Rule{{dir + "/ro", ReadOnly}, {dir + "/rw", ReadWrite}, {dir + "/file", ReadOnlyFile}}
		r, _ = Downgrade(r, abi)
		if err := apply(&r, abi); err != nil {
			fmt.Println("apply:", err)
			os.Exit(1)
		}
	}
	tell := func(what string, err error) {
		var e syscall.Errno
		if err != nil && !errors.As(err, &e) {
			panic(err)
		}
		fmt.Printf("%s=%d\n", what, int(e))
	}
	tell("read ro", open(dir+"/ro/x", syscall.O_RDONLY))
	tell("write ro", open(dir+"/ro/x", syscall.O_WRONLY))
	tell("read none", open(dir+"/none/x", syscall.O_RDONLY))
	tell("list none", open(dir+"/none", syscall.O_RDONLY|syscall.O_DIRECTORY))
	tell("create rw", open(dir+"/rw/new", syscall.O_WRONLY|syscall.O_CREAT))
	tell("read file", open(dir+"/file", syscall.O_RDONLY))
	tell("write file", open(dir+"/file", syscall.O_WRONLY))
	tell("truncate ro", syscall.Truncate(dir+"/ro/x", 0))
	tell("signal", syscall.Kill(pid, 0))
}

func open(name string, flags int) error {
	fd, err := syscall.Open(name, flags|syscall.O_CLOEXEC, 0o600)
	if err == nil {
		syscall.Close(fd)
	}
	return err
}

func create(r *Ruleset, abi int) (int, error) {
	attr := r.Attr(abi)
	fd, _, e := syscall.Syscall(SysCreateRuleset, uintptr(unsafe.Pointer(&attr[0])), uintptr(len(attr)), 0)
	if e != 0 {
		return -1, fmt.Errorf("landlock_create_ruleset: %w", e)
	}
	return int(fd), nil
}

func addRule(ruleset int, rule Rule) error {
	fd, err := syscall.Open(rule.Path, 0x200000|syscall.O_CLOEXEC, 0) // O_PATH
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	b := PathBeneath(rule.Access, int32(fd))
	_, _, e := syscall.Syscall6(SysAddRule, uintptr(ruleset), RulePathBeneath, uintptr(unsafe.Pointer(&b[0])), 0, 0, 0)
	if e != 0 {
		return fmt.Errorf("landlock_add_rule %s: %w", rule.Path, e)
	}
	return nil
}

func apply(r *Ruleset, abi int) error {
	fd, err := create(r, abi)
	if err != nil {
		return err
	}
	for _, rule := range r.Rules {
		if err := addRule(fd, rule); err != nil {
			return err
		}
	}
	const setNoNewPrivs = 38
	if _, _, e := syscall.RawSyscall6(syscall.SYS_PRCTL, setNoNewPrivs, 1, 0, 0, 0, 0); e != 0 {
		return fmt.Errorf("prctl no_new_privs: %w", e)
	}
	if _, _, e := syscall.RawSyscall(SysRestrictSelf, uintptr(fd), uintptr(r.Flags), 0); e != 0 {
		return fmt.Errorf("landlock_restrict_self: %w", e)
	}
	return nil
}

// run starts the subject and returns its lines. Each subject has a tree of its own, because the control changes it.
func run(t *testing.T, abi int) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{"ro", "rw", "none"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{"ro/x", "none/x", "file"} {
		if err := os.WriteFile(filepath.Join(dir, f), []byte("content"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(self, "landlock-subject", strconv.Itoa(abi), dir, strconv.Itoa(os.Getpid())).CombinedOutput()
	if err != nil {
		t.Fatalf("subject at abi %d: %v\n%s", abi, err, out)
	}
	// The verdict on truncation comes from the file, not from what the subject says.
	content, err := os.ReadFile(filepath.Join(dir, "ro/x"))
	if err != nil {
		t.Fatal(err)
	}
	return string(out) + "left=" + string(content) + "\n"
}

// TestKernel compares every ABI up to the kernel's with what it must deny. ABI 0 is the control: all of it works there.
func TestKernel(t *testing.T) {
	newest := min(Probe(), Newest)
	if newest == 0 {
		t.Skip("not exercised: Landlock is not active in this kernel")
	}
	for abi := 0; abi <= newest; abi++ {
		t.Run("abi"+strconv.Itoa(abi), func(t *testing.T) {
			denied := func(from int) string {
				if abi > 0 && abi >= from {
					return "13"
				}
				return "0"
			}
			left, signal := "", "0"
			if abi >= 3 {
				left = "content"
			}
			if abi >= 6 {
				signal = "1"
			}
			want := strings.Join([]string{
				"read ro=0", "write ro=" + denied(1), "read none=" + denied(1), "list none=" + denied(1), "create rw=0",
				"read file=0", "write file=" + denied(1), "truncate ro=" + denied(3), "signal=" + signal, "left=" + left, "",
			}, "\n")
			if got := run(t, abi); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
	if newest < Newest {
		t.Logf("not exercised: abi %d to %d, this kernel has %d", newest+1, Newest, newest)
	}
}

// TestKernelRefuses shows that the table is no tighter than it must be: the kernel refuses what Downgrade takes away.
func TestKernelRefuses(t *testing.T) {
	newest := Probe()
	if newest == 0 {
		t.Skip("not exercised: Landlock is not active in this kernel")
	}
	if newest >= Newest {
		t.Log("not exercised: this kernel knows every right that carrel knows")
	} else {
		next := At(newest + 1)
		for abi := newest + 1; abi < Newest && next.FS == At(newest).FS && next.Net == At(newest).Net; abi++ {
			next = At(abi + 1)
		}
		r := Ruleset{HandledFS: next.FS, HandledNet: next.Net}
		if fd, err := create(&r, newest); !errors.Is(err, syscall.EINVAL) {
			syscall.Close(fd)
			t.Errorf("a ruleset with rights that abi %d lacks: %v, want EINVAL", newest, err)
		}
	}
	r, _ := Downgrade(Strict(), newest)
	fd, err := create(&r, newest)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := addRule(fd, Rule{file, ReadOnly}); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("directory rights on a file: %v, want EINVAL", err)
	}
	if err := addRule(fd, Rule{file, ReadWrite.ForFile() & r.HandledFS}); err != nil {
		t.Errorf("file rights on a file: %v", err)
	}
	if err := addRule(fd, Rule{file, 0}); !errors.Is(err, syscall.ENOMSG) {
		t.Errorf("a rule without rights: %v, want ENOMSG", err)
	}
}
