package host

import (
	"os"
	"strings"
	"syscall"

	"github.com/seed-0dbaba02/carrel/internal/linux"
)

// Cause is why the kernel refused something, in words, and what to do about it.
type Cause struct {
	Text string `json:"text"`          // lower case, no period
	Fix  string `json:"fix,omitempty"` // a sentence without its period, as in source.Error
}

// Diagnose explains a failed step of a launch. op begins with the name of the system call; the rest is searched for what the
// call was about, in the words of a launch program's text form or an error's: namespace names for clone3, unshare and setns,
// "proc" for a mount of that kind. It reads the host's settings, and returns
// nil where it knows no more than the errno says.
func Diagnose(op string, errno syscall.Errno) *Cause {
	return tree("").diagnose(op, errno)
}

// DiagnoseNamespaces explains why namespaces could not be made; flags are those of clone3(2) or unshare(2).
func DiagnoseNamespaces(flags uint64, errno syscall.Errno) *Cause {
	return tree("").namespaces(flags, errno)
}

func (t tree) diagnose(op string, errno syscall.Errno) *Cause {
	call, rest, _ := strings.Cut(op, " ")
	call = strings.TrimSuffix(call, ":")
	switch call {
	case "clone", "clone3", "unshare", "setns":
		return t.namespaces(namedFlags(rest), errno)
	case "uid_map", "gid_map", "setgroups", "setresuid", "setresgid", "newuidmap", "newgidmap":
		return t.identity(call, errno)
	case "mount", "fsopen", "fsconfig", "fsmount", "move_mount", "open_tree", "mount_setattr", "umount2", "pivot_root":
		return t.mounting(call, rest, errno)
	case "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self":
		return t.landlock(errno)
	case "seccomp":
		return t.seccomp(errno)
	case "execve", "execveat":
		return t.executing(call, errno)
	}
	return t.otherCall(call, errno)
}

// namedFlags finds namespace names among the words of a text, by either spelling.
func namedFlags(text string) uint64 {
	var flags uint64
	for word := range strings.FieldsFuncSeq(strings.ToLower(text), notLetter) {
		for i := range linux.Namespaces {
			n := &linux.Namespaces[i]
			if word == n.Name || word == n.OCI || word == linux.ProcName(n.Name) || word == "new"+linux.ProcName(n.Name) {
				flags |= n.Flag
			}
		}
		if word == "newns" {
			flags |= linux.CloneNewns
		}
	}
	return flags
}

func notLetter(r rune) bool { return r < 'a' || r > 'z' }

func (t tree) namespaces(flags uint64, errno syscall.Errno) *Cause {
	switch errno {
	case syscall.ENOSYS:
		return &Cause{"clone3 does not exist here: " + t.absentCall("5.3"), t.filterFix("clone3")}
	case syscall.EAGAIN:
		return &Cause{"no more processes: RLIMIT_NPROC, the cgroup's pids.max or kernel.threads-max is reached",
			"end processes of this user, or raise the limit that is reached"}
	case syscall.ENOMEM:
		return &Cause{"the kernel has no memory for the process, or process 1 of the pid namespace has ended", "free memory, and try again"}
	}
	if flags&linux.CloneNewuser != 0 {
		if c := t.userNS(errno); c != nil {
			return c
		}
	}
	for i := range linux.Namespaces {
		n := &linux.Namespaces[i]
		if flags&n.Flag == 0 || n.Flag == linux.CloneNewuser {
			continue
		}
		if c := t.otherNS(n, errno); c != nil {
			return c
		}
	}
	return nil
}

// userNS explains why there is no new user namespace. The most certain causes come first.
func (t tree) userNS(errno syscall.Errno) *Cause {
	switch errno {
	case syscall.EINVAL:
		if !t.exists("/proc/self/ns/user") {
			return &Cause{"the kernel is built or booted without user namespaces", "boot a kernel with CONFIG_USER_NS, and without user_namespace.enable=0"}
		}
		return nil
	case syscall.ENOSPC, syscall.EUSERS:
		return t.userNSLimit()
	case syscall.EPERM, syscall.EACCES:
		return t.userNSDenied(errno)
	}
	return nil
}

func (t tree) userNSLimit() *Cause {
	limit, known := t.sysctl("user.max_user_namespaces")
	switch {
	case known && limit == 0:
		return &Cause{"user.max_user_namespaces is 0: user namespaces are switched off",
			"as root: sysctl user.max_user_namespaces=15000, and the same line in a file in /etc/sysctl.d"}
	case known:
		return &Cause{"the limit of user namespaces is used up (user.max_user_namespaces is " + itoa(limit) + "), or they are nested more than 32 deep",
			"end sandboxes of this user, start from further out, or as root raise user.max_user_namespaces"}
	}
	return &Cause{"the limit of user namespaces is used up, or they are nested more than 32 deep", "end sandboxes of this user, or start from further out"}
}

func (t tree) userNSDenied(errno syscall.Errno) *Cause {
	admin := t.capable(capSysAdmin)
	if n, ok := t.sysctl("kernel.unprivileged_userns_clone"); ok && n == 0 && !admin {
		return &Cause{"kernel.unprivileged_userns_clone is 0: this kernel leaves user namespaces to root",
			"as root: sysctl kernel.unprivileged_userns_clone=1, and the same line in a file in /etc/sysctl.d"}
	}
	if t.chrooted() {
		return &Cause{"this process is inside a chroot, where the kernel makes no user namespace",
			"start from outside the chroot with --rootfs DIR, or enter the directory with pivot_root instead"}
	}
	if n, ok := t.sysctl("kernel.apparmor_restrict_unprivileged_userns"); ok && n != 0 && !admin {
		return t.apparmor()
	}
	if t.filtered() {
		return &Cause{"a seccomp filter of the surrounding container denies user namespaces", t.filterFix("clone, clone3, unshare, setns and mount")}
	}
	if !t.ownIDMapped("/proc/self/uid_map", "Uid") || !t.ownIDMapped("/proc/self/gid_map", "Gid") {
		return &Cause{"the caller's user or group id has no mapping in the user namespace around it", "map the id in the surrounding user namespace"}
	}
	if lsms, ok := t.read("/sys/kernel/security/lsm"); ok && (errno == syscall.EACCES || strings.Contains(lsms, "selinux")) {
		return &Cause{"a security module denies user namespaces (active: " + lsms + ")",
			"look for the denial in the audit log, and let the policy allow user_namespace create for this program"}
	}
	return nil
}

func (t tree) apparmor() *Cause {
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		exe = "/path/to/carrel"
	}
	return &Cause{"kernel.apparmor_restrict_unprivileged_userns is 1: AppArmor takes the power from user namespaces of programs without a profile",
		"as root, write \"abi <abi/4.0>, profile carrel " + exe +
			" flags=(unconfined) { userns, }\" to /etc/apparmor.d/carrel and run apparmor_parser -r on it"}
}

// ownIDMapped reports whether the effective id that status shows is in the map. A map that cannot be read proves nothing.
func (t tree) ownIDMapped(file, field string) bool {
	text, ok := t.read(file)
	ids := strings.Fields(t.status(field))
	if !ok || len(ids) < 2 {
		return true
	}
	id, _ := leadingNumber(ids[1])
	return inMap(text, id)
}

// inMap reports whether an id has a mapping in the text of a uid_map or gid_map file.
func inMap(text string, id int) bool {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) != 3 {
			continue
		}
		first, _ := leadingNumber(f[0])
		count, _ := leadingNumber(f[2])
		if id >= first && id-first < count {
			return true
		}
	}
	return false
}

func (t tree) otherNS(n *linux.Namespace, errno syscall.Errno) *Cause {
	switch errno {
	case syscall.EINVAL:
		if !t.exists("/proc/self/ns/" + linux.ProcName(n.Name)) {
			return &Cause{"the kernel has no " + n.Name + " namespaces", "boot a kernel with them, or share the host's with --share " + n.Name}
		}
	case syscall.ENOSPC, syscall.EUSERS:
		key := "user.max_" + linux.ProcName(n.Name) + "_namespaces"
		limit, ok := t.sysctl(key)
		if ok && limit == 0 {
			return &Cause{key + " is 0: " + n.Name + " namespaces are switched off", "as root: sysctl " + key + "=15000"}
		}
		if ok {
			return &Cause{"the limit of " + n.Name + " namespaces may be used up (" + key + " is " + itoa(limit) + ")", "end sandboxes of this user, or as root raise " + key}
		}
	case syscall.EPERM:
		if v, ok := t.sysctl("kernel.apparmor_restrict_unprivileged_userns"); ok && v != 0 && !t.capable(capSysAdmin) {
			return t.apparmor()
		}
		if t.filtered() {
			return &Cause{"a seccomp filter of the surrounding container denies " + n.Name + " namespaces", t.filterFix("unshare and clone")}
		}
	}
	return nil
}
