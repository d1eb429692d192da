package containment

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// denied fails the test unless a call was refused as the filter refuses.
func denied(t *testing.T, r *result, names ...string) {
	t.Helper()
	for _, name := range names {
		if got := r.outcome(name); got != "EPERM" && got != "ENOSYS" {
			t.Errorf("%s: %q, want EPERM or ENOSYS", name, got)
		}
	}
}

// reaches reports whether a call got past whatever might refuse it.
func reaches(r *result, name string) bool {
	got := r.outcome(name)
	return got != "" && got != "EPERM" && got != "ENOSYS"
}

// userNamespaces counts the user namespaces of a process and its children.
func userNamespaces(t *testing.T, pid int) int {
	t.Helper()
	seen := map[string]bool{}
	for _, p := range append(children(t, pid), pid) {
		link, err := os.Readlink(proc(p, "ns/user"))
		must(t, err)
		seen[link] = true
	}
	return len(seen)
}

func children(t *testing.T, pid int) (list []int) {
	t.Helper()
	files, _ := filepath.Glob(proc(pid, "task/*/children"))
	for _, file := range files {
		text, _ := os.ReadFile(file)
		for _, word := range strings.Fields(string(text)) {
			n, err := strconv.Atoi(word)
			must(t, err)
			list = append(list, n)
		}
	}
	return list
}

func TestC1NestedUserNamespaces(t *testing.T) {
	for name, flags := range map[string][]string{"all layers": nil, "no filter": {"--seccomp", "none"}, "no filter, shared names": {"--seccomp", "none", "--share", "uts,ipc,net"}} {
		s := strict(t, flags...).start("nested")
		if n := userNamespaces(t, s.pid); n != 1 || len(children(t, s.pid)) != 0 {
			t.Errorf("%s: the program and its children are in %d user namespaces", name, n)
		}
		if flags == nil {
			denied(t, &s.result, "clone", "clone3", "setns", "unshare mnt", "unshare net", "kept child")
		}
	}
	free := naked(t).start("nested")
	control(t, userNamespaces(t, free.pid) == 2, "outside a nested user namespace is made: "+free.out)
}

func TestC2NewMountCalls(t *testing.T) {
	words := []string{"numbers"}
	known := []int{428, 429, 430, 431, 432, 433, 442}
	for _, nr := range known {
		words = append(words, strconv.Itoa(nr))
	}
	for nr := 500; nr <= 564; nr++ {
		words = append(words, strconv.Itoa(nr))
	}
	s := strict(t).start(words...)
	for _, nr := range words[1:] {
		denied(t, &s.result, "nr "+nr)
	}
	before := mountsOf(t, s.pid)
	for _, m := range before {
		if m.at == "/" && m.source != "none" && m.source != "tmpfs" {
			t.Errorf("the root is %+v", m)
		}
	}
	r := strict(t, "--seccomp", "none", "--no-landlock", "--cap-add", "all").run(words...)
	for _, nr := range known {
		control(t, reaches(r, "nr "+strconv.Itoa(nr)), fmt.Sprintf("call %d reaches the kernel: %s", nr, r.outcome("nr "+strconv.Itoa(nr))))
	}
}

func TestC3HighBitsOfArguments(t *testing.T) {
	s := strict(t).start("wide")
	denied(t, &s.result, "clone", "unshare", "socket", "ioctl", "personality")
	if text, err := os.ReadFile(proc(s.pid, "personality")); err != nil || strings.Trim(string(text), "0\n") != "" {
		t.Errorf("the personality is %s, %v", text, err)
	}
	if n := sockets(t, s.pid); len(n) != 0 {
		t.Errorf("the program has sockets of the families %v", n)
	}
	free := strict(t, "--seccomp", "none").start("wide")
	text, err := os.ReadFile(proc(free.pid, "personality"))
	must(t, err)
	control(t, naked(t).run("wide").outcome("clone") == "ok" && strings.HasPrefix(string(text), "00400000"), "the kernel ignores the high bits: "+free.out)

	screen := onTerminal(t, strict(t, "--tty", "never"), "wide")
	if strings.Contains(screen, "X") {
		t.Errorf("a byte was pushed into the terminal: %q", screen)
	}
	if !legacyTIOCSTI() {
		t.Log("not exercised: this kernel lets nobody push bytes into a terminal (dev.tty.legacy_tiocsti)")
		return
	}
	control(t, strings.Contains(onTerminal(t, naked(t), "wide"), "X"), "the byte is pushed where nothing filters")
}

func TestC4ThirtyTwoBitEntry(t *testing.T) {
	s := strict(t).start("int80")
	denied(t, &s.result, "socketcall", "mount", "unshare")
	if n := sockets(t, s.pid); len(n) != 0 {
		t.Errorf("the program got sockets of the families %v by the 32-bit entry", n)
	}
	b := strict(t, "--seccomp", "none", "--no-landlock")
	r := b.run("int80")
	if r.outcome("getpid") != "ok" {
		unexercised(t, "this kernel has no entry for 32-bit programs")
	}
	free := b.start("int80")
	held, _ := descriptors(free.pid)
	got := 0
	for _, to := range held {
		if strings.HasPrefix(to, "socket:") {
			got++
		}
	}
	if free.outcome("socketcall") != "ok" {
		unexercised(t, "this kernel has no AF_VSOCK for the 32-bit entry to reach")
	}
	control(t, got == 1 && reaches(&free.result, "mount"), "the 32-bit entry reaches the kernel: "+free.out)
}

func TestC6Clone3Flags(t *testing.T) {
	s := strict(t).start("nested")
	if got := s.outcome("clone3"); got != "ENOSYS" {
		t.Errorf("clone3: %s, want ENOSYS, on which libraries fall back to clone", got)
	}
	// They do: the probe's threads, and a child of its own.
	ran(t, strict(t).run("threads"))
	forked := strict(t).run("forks", "hold")
	ran(t, forked)
	if forked.outcome("fork") != "ok" {
		t.Errorf("fork: %s", forked.out)
	}
	free := naked(t).run("nested")
	control(t, free.outcome("clone3") == "ok", "outside clone3 makes a user namespace: "+free.out)
}

func TestC7IOUring(t *testing.T) {
	ring := func(s *session) bool {
		held, err := descriptors(s.pid)
		must(t, err)
		for _, to := range held {
			if strings.Contains(to, "io_uring") {
				return true
			}
		}
		return false
	}
	s := strict(t).start("uring")
	denied(t, &s.result, "io_uring_setup", "io_uring_enter", "io_uring_register")
	if ring(s) {
		t.Error("the program has a ring")
	}
	free := strict(t, "--seccomp", "none").start("uring")
	if got := free.outcome("io_uring_setup"); got == "ENOSYS" || got == "EPERM" {
		unexercised(t, "this kernel gives nobody an io_uring: "+got)
	}
	control(t, ring(free), "without the filter the program gets a ring: "+free.out)
}

// sockets tells the families of a process's sockets, asked of the sockets
// themselves (pidfd_getfd(2), SO_DOMAIN).
func sockets(t *testing.T, pid int) (list []int) {
	t.Helper()
	held, err := descriptors(pid)
	must(t, err)
	pidfd, err := unix.PidfdOpen(pid, 0)
	must(t, err)
	defer unix.Close(pidfd)
	for n, to := range held {
		if !strings.HasPrefix(to, "socket:") {
			continue
		}
		fd, err := unix.PidfdGetfd(pidfd, n, 0)
		must(t, err)
		domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
		_ = unix.Close(fd)
		must(t, err)
		list = append(list, domain)
	}
	slices.Sort(list)
	return list
}

func TestC8CryptoSockets(t *testing.T) {
	s := strict(t).start("families")
	denied(t, &s.result, "family 38")
	if slices.Contains(sockets(t, s.pid), unix.AF_ALG) {
		t.Error("the program has an AF_ALG socket")
	}
	free := strict(t, "--seccomp", "none").start("families")
	if free.outcome("family 38") == "EAFNOSUPPORT" {
		unexercised(t, "this kernel has no AF_ALG")
	}
	control(t, slices.Contains(sockets(t, free.pid), unix.AF_ALG), "without the filter an AF_ALG socket opens: "+free.out)
}

func TestC9SocketFamilies(t *testing.T) {
	golden := []int{unix.AF_UNIX, unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK}
	for name, flags := range map[string][]string{"strict": nil, "shared network": {"--share", "net"}} {
		s := strict(t, flags...).start("families")
		for _, family := range sockets(t, s.pid) {
			if !slices.Contains(golden, family) {
				t.Errorf("%s: the program has a socket of family %d", name, family)
			}
		}
		for family := range 51 {
			if !slices.Contains(golden, family) {
				denied(t, &s.result, "family "+strconv.Itoa(family))
			}
		}
	}
	free := strict(t, "--seccomp", "none", "--cap-add", "net_raw").start("families")
	odd := false
	for _, family := range sockets(t, free.pid) {
		odd = odd || !slices.Contains(golden, family)
	}
	control(t, odd, "without the filter other families open: "+free.out)
}

func TestC13ForbiddenCalls(t *testing.T) {
	inside := strict(t).run("forbidden")
	ran(t, inside)
	bare := naked(t).run("forbidden")
	ran(t, bare)
	for line := range strings.Lines(inside.out) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == "done" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			denied(t, inside, name)
			if !reaches(bare, name) {
				unexercised(t, "this user of this kernel gets "+bare.outcome(name)+" without a sandbox too")
			}
		})
	}
}

func TestC14FilterInEveryThread(t *testing.T) {
	filters := func(s *session) (modes map[string]bool) {
		modes = map[string]bool{}
		for _, task := range tasks(t, s.pid) {
			modes[statusIn(t, task, "Seccomp")+" "+statusIn(t, task, "Seccomp_filters")] = true
		}
		return modes
	}
	s := strict(t).start("unfilter")
	if n := len(tasks(t, s.pid)); n < 9 {
		t.Errorf("the probe has %d threads", n)
	}
	got := filters(s)
	if !got["2 1"] || len(got) != 1 {
		t.Errorf("modes and numbers of filters by thread: %v", got)
	}
	for _, name := range []string{"seccomp off", "no_new_privs off", "securebits"} {
		if s.outcome(name) == "ok" {
			t.Errorf("%s: ok", name)
		}
	}
	free := strict(t, "--seccomp", "none").start("unfilter")
	control(t, filters(free)["0 0"], fmt.Sprint("without a filter the kernel shows none: ", filters(free)))
}

// opened lists the files below a directory that a process has open.
func opened(t *testing.T, pid int, dir string) (list []string) {
	t.Helper()
	held, err := descriptors(pid)
	must(t, err)
	for _, to := range held {
		if strings.HasPrefix(to, dir) {
			list = append(list, to)
		}
	}
	slices.Sort(list)
	return list
}

func TestC16KernelSettings(t *testing.T) {
	pattern, err := os.ReadFile("/proc/sys/kernel/core_pattern")
	must(t, err)
	for name, b := range map[string]*box{
		"all layers": strict(t), "judge": strict(t, "--preset", "judge"), "no landlock": strict(t, "--no-landlock"), "uid 0": strict(t, "--uid", "0", "--gid", "0", "--no-landlock"), "rootfs": rooted(t, newRootfs(t)),
	} {
		b.t = t
		s := b.start("openall", "/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs", "/proc/acpi")
		for _, dir := range []string{"/proc/sys", "/proc/irq", "/proc/bus", "/proc/fs", "/proc/acpi"} {
			if list := opened(t, s.pid, dir); len(list) > 0 {
				t.Errorf("%s: %d settings are open for writing, such as %s", name, len(list), list[0])
			}
		}
	}
	after, err := os.ReadFile("/proc/sys/kernel/core_pattern")
	must(t, err)
	if string(after) != string(pattern) {
		t.Errorf("core_pattern was %s and is %s", pattern, after)
	}
	free := unshared(t, syscall.CLONE_NEWNET).start("openall", "/proc/sys/net")
	control(t, len(opened(t, free.pid, "/proc/sys")) > 0, "the root of a namespace opens settings of its own: "+free.out)
}

func cgroupMounts(t *testing.T, pid int) (list []string) {
	t.Helper()
	for _, m := range mountsOf(t, pid) {
		if strings.HasPrefix(m.fs, "cgroup") {
			list = append(list, m.at)
		}
	}
	return list
}

func TestC17CgroupMount(t *testing.T) {
	for name, flags := range map[string][]string{
		"all layers": nil, "landlock alone": {"--seccomp", "none", "--cap-add", "all"}, "capabilities alone": {"--seccomp", "none", "--no-landlock"},
	} {
		for _, kind := range []string{"cgroup", "cgroup2"} {
			s := strict(t, flags...).start("mount", kind, "/tmp/cgroup")
			if at := cgroupMounts(t, s.pid); len(at) > 0 {
				t.Errorf("%s: %s is mounted at %v", name, kind, at)
			}
		}
	}
	free := strict(t, "--seccomp", "none", "--no-landlock", "--cap-add", "all").start("mount", "cgroup2", "/tmp/cgroup")
	control(t, len(cgroupMounts(t, free.pid)) > 0, "without these layers the program mounts a cgroup file system: "+free.out)
}

func TestC18NoCgroupFileSystem(t *testing.T) {
	for _, b := range []*box{strict(t), rooted(t, newRootfs(t)), strict(t, "--share", "cgroup")} {
		s := b.start("touch", "/sys/fs/cgroup/cgroup.procs")
		if at := cgroupMounts(t, s.pid); len(at) > 0 {
			t.Errorf("a cgroup file system is at %v", at)
		}
		if _, err := os.Lstat(proc(s.pid, "root/sys/fs/cgroup")); err == nil {
			t.Error("/sys/fs/cgroup is there")
		}
	}
	if len(cgroupMounts(t, os.Getpid())) == 0 {
		unexercised(t, "this host has no cgroup file system mounted, so there is nothing to hide")
	}
	free := open(t, "--ns", "user,mount").start("hold")
	control(t, len(cgroupMounts(t, free.pid)) > 0, "the caller's own view has a cgroup file system")
}
