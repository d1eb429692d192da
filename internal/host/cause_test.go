package host

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-0dbaba02/carrel/internal/linux"
)

// fakeTree writes files below a folder that stands for a host's root. Names without a slash are sysctls.
func fakeTree(t *testing.T, files map[string]string) tree {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		if !strings.HasPrefix(name, "/") {
			name = "/proc/sys/" + strings.ReplaceAll(name, ".", "/")
		}
		if err := os.MkdirAll(root+filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(root+name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return tree(root)
}

const (
	plainUser = "Uid:\t1001\t1001\t1001\t1001\nGid:\t1001\t1001\t1001\t1001\nCapEff:\t0000000000000000\nSeccomp:\t0\n"
	filtered  = "Uid:\t1001\t1001\t1001\t1001\nGid:\t1001\t1001\t1001\t1001\nCapEff:\t0000000000000000\nSeccomp:\t2\nSeccomp_filters:\t1\n"
	rootUser  = "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nCapEff:\t000001ffffffffff\nSeccomp:\t0\n"
	onRoot    = "21 1 254:0 / / rw - ext4 /dev/vda rw\n"
	wholeProc = onRoot + "22 21 0:5 / /proc rw,relatime - proc proc rw\n23 22 0:9 / /proc/sys/fs/binfmt_misc rw - binfmt_misc none rw\n"
	inDocker  = wholeProc + "24 22 0:5 /bus /proc/bus ro - proc proc rw\n25 22 0:7 / /proc/acpi ro - tmpfs tmpfs ro\n"
)

func TestDiagnose(t *testing.T) {
	const user = "/proc/self/status"
	for _, c := range []struct {
		name  string
		files map[string]string
		op    string
		errno syscall.Errno
		want  string // part of the text; "" for no cause
	}{
		{"switched off", map[string]string{"user.max_user_namespaces": "0\n"}, "clone3 user,mount,pid", syscall.ENOSPC, "user.max_user_namespaces is 0"},
		{"used up", map[string]string{"user.max_user_namespaces": "96365\n"}, "clone3 user", syscall.ENOSPC, "used up (user.max_user_namespaces is 96365)"},
		{"old errno", nil, "unshare CLONE_NEWUSER", syscall.EUSERS, "nested more than 32"},
		{"debian", map[string]string{user: plainUser, "kernel.unprivileged_userns_clone": "0\n"}, "clone3 user", syscall.EPERM, "kernel.unprivileged_userns_clone is 0"},
		{"debian, as root", map[string]string{user: rootUser, "kernel.unprivileged_userns_clone": "0\n"}, "clone3 user", syscall.EPERM, ""},
		{"debian, switched on", map[string]string{user: plainUser, "kernel.unprivileged_userns_clone": "1\n"}, "clone3 user", syscall.EPERM, ""},
		{"ubuntu", map[string]string{user: plainUser, "kernel.apparmor_restrict_unprivileged_userns": "1\n"}, "clone3 user", syscall.EPERM, "AppArmor"},
		{"ubuntu, the map", map[string]string{user: plainUser, "kernel.apparmor_restrict_unprivileged_userns": "1"}, "uid_map", syscall.EPERM, "AppArmor"},
		{"ubuntu, a mount", map[string]string{user: plainUser, "kernel.apparmor_restrict_unprivileged_userns": "1"}, "mount tmpfs /tmp", syscall.EACCES, "AppArmor"},
		{"ubuntu, lo", map[string]string{user: plainUser, "kernel.apparmor_restrict_unprivileged_userns": "1"}, "ioctl SIOCSIFFLAGS", syscall.EPERM, "AppArmor"},
		{"docker", map[string]string{user: filtered, "/proc/self/mountinfo": inDocker}, "clone3 user", syscall.EPERM, "seccomp filter of the surrounding container denies user"},
		{"docker hides clone3", map[string]string{user: filtered}, "clone3 user", syscall.ENOSYS, "seccomp filter of the surrounding container hides it"},
		{"old kernel", map[string]string{user: plainUser}, "clone3 user", syscall.ENOSYS, "came with linux 5.3"},
		{"docker, proc", map[string]string{user: plainUser, "/proc/self/mountinfo": inDocker}, "mount proc /proc", syscall.EPERM, "/proc/bus, /proc/acpi"},
		{"whole proc", map[string]string{user: plainUser, "/proc/self/mountinfo": wholeProc}, "mount proc /proc", syscall.EPERM, ""},
		{"chroot", map[string]string{user: plainUser, "/proc/self/mountinfo": "22 21 0:5 / /proc rw - proc proc rw\n"}, "clone3 user", syscall.EPERM, "inside a chroot"},
		{"no mapping", map[string]string{user: plainUser, "/proc/self/mountinfo": onRoot, "/proc/self/uid_map": "0 100000 1000\n"}, "clone3 user", syscall.EPERM, "has no mapping"},
		{"mapped", map[string]string{user: plainUser, "/proc/self/mountinfo": onRoot, "/proc/self/uid_map": "0 0 4294967295\n"}, "clone3 user", syscall.EPERM, ""},
		{"selinux", map[string]string{user: plainUser, "/sys/kernel/security/lsm": "capability,selinux"}, "clone3 user", syscall.EACCES, "security module"},
		{"not built", nil, "clone3 user", syscall.EINVAL, "without user namespaces"},
		{"no time", map[string]string{"/proc/self/ns/user": ""}, "unshare time", syscall.EINVAL, "no time namespaces"},
		{"net limit", map[string]string{"user.max_net_namespaces": "0"}, "clone3 net", syscall.ENOSPC, "user.max_net_namespaces is 0"},
		{"network limit", map[string]string{"user.max_net_namespaces": "7"}, "clone3 user,network", syscall.ENOSPC, "nested"},
		{"processes", nil, "clone3 user", syscall.EAGAIN, "pids.max"},
		{"landlock off", nil, "landlock_create_ruleset", syscall.EOPNOTSUPP, "switched off"},
		{"landlock hidden", map[string]string{user: filtered}, "landlock_create_ruleset", syscall.ENOSYS, "hides Landlock"},
		{"landlock depth", nil, "landlock_restrict_self", syscall.E2BIG, "16"},
		{"filter length", nil, "seccomp", syscall.ENOMEM, "32768"},
		{"no interpreter", nil, "execve /bin/x", syscall.ENOENT, "interpreter"},
		{"memory file", map[string]string{"vm.memfd_noexec": "2"}, "execveat init", syscall.EACCES, "vm.memfd_noexec is 2"},
		{"mode", map[string]string{"vm.memfd_noexec": "2"}, "execve /bin/x", syscall.EACCES, "noexec"},
		{"limit", nil, "prlimit nofile", syscall.EPERM, "hard limit"},
		{"unmapped id", nil, "setresuid 5", syscall.EINVAL, "no mapping"},
		{"id-mapped", nil, "mount_setattr", syscall.EINVAL, "id-mapped"},
		{"a link", nil, "openat2 /x", syscall.ELOOP, "symbolic link"},
		{"nothing known", nil, "openat /x", syscall.EIO, ""},
	} {
		got := fakeTree(t, c.files).diagnose(c.op, c.errno)
		switch {
		case c.want == "" && got != nil:
			t.Errorf("%s: got %q, want no cause", c.name, got.Text)
		case c.want != "" && (got == nil || !strings.Contains(got.Text, c.want)):
			t.Errorf("%s: got %+v, want %q", c.name, got, c.want)
		case got != nil && (got.Fix == "" || strings.HasSuffix(got.Fix, ".") || strings.HasSuffix(got.Text, ".")):
			t.Errorf("%s: not in shape: %+v", c.name, got)
		}
	}
}

func TestNamedFlags(t *testing.T) {
	for text, want := range map[string]uint64{
		"user,mount,pid": linux.CloneNewuser | linux.CloneNewns | linux.CloneNewpid, "CLONE_NEWNS|CLONE_NEWNET": linux.CloneNewns | linux.CloneNewnet,
		"CLONE_NEWUSER CLONE_NEWTIME": linux.CloneNewuser | linux.CloneNewtime, "network": linux.CloneNewnet, "mnt": linux.CloneNewns, "": 0,
		"username": 0, "CLONE_VM": 0, "CLONE_NEWCGROUP": linux.CloneNewcgroup, "CLONE_NEWUTS CLONE_NEWIPC": linux.CloneNewuts | linux.CloneNewipc,
	} {
		if got := namedFlags(text); got != want {
			t.Errorf("%q: %#x, want %#x", text, got, want)
		}
	}
}

func TestMountinfo(t *testing.T) {
	text := "36 35 98:0 /mnt1 /a\\040b\\134c rw,noatime master:1 - ext3 /dev/root rw\nbroken line\n37 36 0:1 / / ro,nosuid shared:7 master:2 - tmpfs none rw\n"
	got := fakeTree(t, map[string]string{"/proc/self/mountinfo": text}).mounts()
	if len(got) != 2 || got[0] != (mount{"36", "35", "/mnt1", `/a b\c`, "ext3", false}) || got[1] != (mount{"37", "36", "/", "/", "tmpfs", true}) {
		t.Errorf("%+v", got)
	}
}

// TestSecondProc shows that one proc in full view is enough for the kernel, wherever it is mounted.
func TestSecondProc(t *testing.T) {
	tr := fakeTree(t, map[string]string{"/proc/self/mountinfo": inDocker + "40 21 0:5 / /mnt/proc rw - proc proc rw\n"})
	if masked := tr.maskedProc(); masked != nil {
		t.Errorf("masked by %q though /mnt/proc is in full view", masked)
	}
	// Another proc on top of the first hides that, whatever is on the other.
	tr = fakeTree(t, map[string]string{"/proc/self/mountinfo": wholeProc + "40 22 0:6 / /proc rw - proc proc rw\n41 40 0:7 / /proc/irq rw - tmpfs none rw\n"})
	if masked := tr.maskedProc(); strings.Join(masked, " ") != "/proc /proc/irq" {
		t.Errorf("under a masked proc: %q", masked)
	}
	tr = fakeTree(t, map[string]string{"/proc/self/mountinfo": onRoot + "22 21 0:5 / /proc ro,nosuid - proc proc rw\n"})
	if masked := tr.maskedProc(); strings.Join(masked, " ") != "/proc is read-only" {
		t.Errorf("a read-only proc: %q", masked)
	}
	if masked := fakeTree(t, nil).maskedProc(); len(masked) != 1 {
		t.Errorf("without proc: %q", masked)
	}
}
