package host

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/seed-0dbaba02/carrel/internal/linux"
)

// TestMain lets the test binary be its own subject: what a host refuses is tried in a child that is refused it.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "host-subject" {
		subjects(os.Args[2], os.Args[3:])
		return
	}
	os.Exit(m.Run())
}

func subjects(mode string, args []string) {
	switch mode {
	case "probe":
		f, err := Probe()
		check(err)
		fmt.Println("hostroot", f.HostRoot, "uid", f.UID)
	case "look":
		p := Look("", args[0])
		fmt.Println(p.Untrusted, p.Real)
	case "limit":
		check(os.WriteFile("/proc/sys/user/max_user_namespaces", []byte(args[0]), 0))
		tellUserNS()
	case "deep":
		deep(args[0])
	case "filter":
		check(filterNamespaces())
		tellUserNS()
		report, err := Examine("")
		check(err)
		fmt.Print(report.Text())
	case "proc":
		maskProc(args[0])
	case "mountproc":
		fmt.Println("mount", int(errnoOf(syscall.Mount("proc", args[0], "proc", 0, ""))))
	case "chroot":
		check(syscall.Chroot(args[0]))
		check(syscall.Chdir("/"))
		check(syscall.Mount("proc", "/proc", "proc", 0, ""))
		tellUserNS()
	}
}

func check(err error) {
	if err != nil {
		fmt.Println("subject:", err)
		os.Exit(1)
	}
}

func tellUserNS() {
	e := trial(linux.CloneNewuser, 0)
	text := ""
	if c := DiagnoseNamespaces(linux.CloneNewuser, e); c != nil {
		text = c.Text
		if c.Fix == "" {
			text += " (no fix)"
		}
	}
	fmt.Println("errno", linux.ErrnoName(e), "cause", text)
}

// deep nests user namespaces until the kernel refuses, and says so from the innermost.
func deep(levelText string) {
	level, err := strconv.Atoi(levelText)
	check(err)
	if level < 64 && trial(linux.CloneNewuser, 0) == 0 {
		c := subject("deep", strconv.Itoa(level+1))
		c.SysProcAttr = userNS(0)
		out, err := c.CombinedOutput()
		fmt.Print(string(out))
		check(err)
		return
	}
	fmt.Print("level ", level, " ")
	tellUserNS()
}

// maskProc covers a part of /proc where asked to, says what maskedProc finds, and lets a child of its own mount a proc.
func maskProc(mask string) {
	check(syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""))
	if mask != "" {
		check(syscall.Mount("tmpfs", mask, "tmpfs", 0, ""))
	}
	fmt.Println("masked", strings.Join(tree("").maskedProc(), ","))
	c := subject("mountproc", "/tmp")
	c.SysProcAttr = userNS(linux.CloneNewns | linux.CloneNewpid)
	out, err := c.CombinedOutput()
	fmt.Print(string(out))
	check(err)
}

func subject(args ...string) *exec.Cmd {
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		panic(err)
	}
	return exec.Command(self, append([]string{"host-subject"}, args...)...)
}

// userNS makes a child root of a new user namespace, and whatever else flags ask for.
func userNS(flags uintptr) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Cloneflags:  linux.CloneNewuser | flags,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
	}
}

func needUserNS(t *testing.T) {
	t.Helper()
	if e := trial(linux.CloneNewuser, 0); e != 0 {
		t.Skipf("not exercised: this host makes no user namespace (%s)", linux.ErrnoName(e))
	}
}

func output(t *testing.T, c *exec.Cmd) string {
	t.Helper()
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("subject %v: %v\n%s", c.Args[2:], err, out)
	}
	return string(out)
}

func TestHostRootOnlyWithFullMap(t *testing.T) {
	needUserNS(t)
	c := subject("probe")
	c.SysProcAttr = userNS(0)
	if out := output(t, c); out != "hostroot false uid 0\n" {
		t.Errorf("root of a user namespace: %s", out)
	}
}

// TestLinksOfUnmappedRoot looks at root's links from where root is nobody.
func TestLinksOfUnmappedRoot(t *testing.T) {
	needUserNS(t)
	link := Look("", "/bin")
	if os.Geteuid() == 0 || link.Kind != Symlink {
		t.Skip("not exercised: needs an ordinary user, and /bin as a link")
	}
	c := subject("look", "/bin")
	c.SysProcAttr = userNS(0)
	if out := output(t, c); out != " "+link.Real+"\n" {
		t.Errorf("got %q, want no untrusted link and %s", out, link.Real)
	}
	dir := realTemp(t)
	plant(t, dir, "link->/usr")
	c = subject("look", dir+"/link")
	c.SysProcAttr = userNS(0)
	if out := output(t, c); out != dir+"/link /usr\n" {
		t.Errorf("a link of the user's own, who is root there: %q", out)
	}
}

func TestUserNamespaceLimit(t *testing.T) {
	needUserNS(t)
	for _, c := range []struct{ limit, want string }{
		{"0", "errno ENOSPC cause user.max_user_namespaces is 0: user namespaces are switched off\n"},
		{"5", "errno errno 0 cause \n"}, // the control
	} {
		s := subject("limit", c.limit)
		s.SysProcAttr = userNS(0)
		if out := output(t, s); out != c.want {
			t.Errorf("limit %s: got %q, want %q", c.limit, out, c.want)
		}
	}
}

func TestUserNamespaceDepth(t *testing.T) {
	needUserNS(t)
	out := output(t, subject("deep", "0"))
	if !strings.Contains(out, "ENOSPC") && !strings.Contains(out, "EUSERS") || !strings.Contains(out, "nested more than 32 deep") {
		t.Errorf("got %q", out)
	}
	if !strings.HasPrefix(out, "level 3") {
		t.Errorf("refused at another level: %q", out)
	}
}

func TestSurroundingFilter(t *testing.T) {
	needUserNS(t)
	out := output(t, subject("filter"))
	for _, want := range []string{
		"errno EPERM cause a seccomp filter of the surrounding container denies user namespaces\n",
		"missing  user namespace ", "missing  system calls ", "clone3: a seccomp filter of the surrounding container hides them",
		"under a seccomp filter",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

// filterNamespaces does to all threads what container engines do: no new user namespace, and no clone3.
func filterNamespaces() error {
	const (
		load, jumpIf, jumpSet, ret = 0x20, 0x15, 0x45, 0x06
		allow, errno               = 0x7fff0000, 0x00050000
	)
	type instruction struct {
		code   uint16
		jt, jf uint8
		k      uint32
	}
	program := []instruction{
		{load, 0, 0, 0}, // the call's number
		{jumpIf, 5, 0, sysClone3},
		{jumpIf, 5, 0, syscall.SYS_UNSHARE},
		{jumpIf, 0, 2, syscall.SYS_CLONE},
		{load, 0, 0, 16}, // the first argument's lower half
		{jumpSet, 2, 0, linux.CloneNewuser},
		{ret, 0, 0, allow},
		{ret, 0, 0, errno | uint32(syscall.ENOSYS)},
		{ret, 0, 0, errno | uint32(syscall.EPERM)},
	}
	prog := struct {
		length uint16
		filter *instruction
	}{uint16(len(program)), &program[0]}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if _, _, e := syscall.RawSyscall6(syscall.SYS_PRCTL, 38, 1, 0, 0, 0, 0); e != 0 { // PR_SET_NO_NEW_PRIVS
		return e
	}
	const setModeFilter, tsync = 1, 1
	if _, _, e := syscall.RawSyscall(sysSeccomp, setModeFilter, tsync, uintptr(unsafe.Pointer(&prog))); e != 0 {
		return e
	}
	return nil
}

func TestMaskedProc(t *testing.T) {
	needUserNS(t)
	for _, mask := range []string{"", "/proc/irq"} {
		covered := mask != ""
		if !covered && tree("").maskedProc() != nil {
			t.Log("not exercised: mounting a proc in full view; this host's is covered")
			continue
		}
		s := subject("proc", mask)
		s.SysProcAttr = userNS(linux.CloneNewns)
		out := output(t, s)
		said, result, ok := strings.Cut(out, "\n")
		if !ok || strings.Contains(said, "/proc/irq") != covered || (said == "masked ") == covered || (result == "mount 0\n") == covered {
			t.Errorf("covering %q: got %q", mask, out)
		}
		if covered && result != "mount 1\n" {
			t.Errorf("the kernel refuses with %q, want EPERM", result)
		}
	}
}

func TestChroot(t *testing.T) {
	needUserNS(t)
	if masked := tree("").maskedProc(); masked != nil {
		t.Skipf("not exercised: no proc can be mounted in a chroot, this one is covered by %s", firstFew(masked))
	}
	root := t.TempDir()
	if err := os.Mkdir(root+"/proc", 0o755); err != nil {
		t.Fatal(err)
	}
	s := subject("chroot", root)
	s.SysProcAttr = userNS(linux.CloneNewns | linux.CloneNewpid)
	out := output(t, s)
	if !strings.HasPrefix(out, "errno EPERM cause this process is inside a chroot") {
		t.Errorf("got %q", out)
	}
}

// TestIDMapShifts shows that the call behind the check does what the check says: root's file is another's in the clone.
func TestIDMapShifts(t *testing.T) {
	f, err := Probe()
	if err != nil {
		t.Fatal(err)
	}
	if !f.HostRoot {
		t.Skip("not exercised: id-mapped mounts of the host's file systems need root")
	}
	folder := t.TempDir()
	e := withUserNS(100000, 65536, func(fd int) syscall.Errno { return idmap(folder, fd) })
	if e != 0 {
		t.Skipf("not exercised: the file system of %s has no id-mapped mounts (%s)", folder, linux.ErrnoName(e))
	}
	var uid uint32
	e = withUserNS(100000, 65536, func(userns int) syscall.Errno {
		mount, e := idmapped(folder, userns)
		if e != 0 {
			return e
		}
		defer syscall.Close(mount)
		var st syscall.Stat_t
		e = fstat(mount, &st)
		uid = st.Uid
		return e
	})
	if e != 0 || uid != 100000 {
		t.Errorf("a folder of root's belongs to %d in the id-mapped clone, want 100000 (%s)", uid, linux.ErrnoName(e))
	}
	if e := withUserNS(100000, 65536, func(int) syscall.Errno { return idmap(folder, 1<<20) }); e != syscall.EBADF {
		t.Errorf("without a user namespace: %s, want EBADF", linux.ErrnoName(e))
	}
}
