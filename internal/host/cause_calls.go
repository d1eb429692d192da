package host

import (
	"strconv"
	"strings"
	"syscall"
)

const capSysAdmin = 21 // CAP_SYS_ADMIN

func itoa(n int) string { return strconv.Itoa(n) }

// absentCall says why a call gives ENOSYS; since is the release that brought it.
func (t tree) absentCall(since string) string {
	if t.filtered() {
		return "a seccomp filter of the surrounding container hides it"
	}
	return "it came with linux " + since
}

func (t tree) filterFix(calls string) string {
	if t.filtered() {
		return "start the container with a seccomp profile that allows " + calls + " (docker and podman: --security-opt seccomp=PROFILE.json, kubernetes: securityContext.seccompProfile)"
	}
	return "boot a newer kernel"
}

func (t tree) identity(call string, errno syscall.Errno) *Cause {
	switch {
	case errno == syscall.EINVAL && strings.HasPrefix(call, "setres"):
		return &Cause{"the id has no mapping in the sandbox's user namespace", "ask for an id that is mapped, or map a range with it"}
	case call == "setgroups" && errno == syscall.EPERM:
		return &Cause{"setgroups is denied in this user namespace, or the group map is not written yet", "leave the supplementary groups as they are, or map group ids through newgidmap"}
	case errno == syscall.EPERM || errno == syscall.EACCES:
		if v, ok := t.sysctl("kernel.apparmor_restrict_unprivileged_userns"); ok && v != 0 && !t.capable(capSysAdmin) {
			return t.apparmor()
		}
		return &Cause{"the caller may not map these ids: only its own, or ranges that /etc/subuid and /etc/subgid give it",
			"as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER"}
	case errno == syscall.EINVAL:
		return &Cause{"the id map is not valid: ranges overlap, or ids are not mapped in the surrounding user namespace", "look at /proc/self/uid_map for what there is to give"}
	}
	return nil
}

func (t tree) mounting(call, rest string, errno syscall.Errno) *Cause {
	switch errno {
	case syscall.EPERM:
		if masked := t.maskedProc(); hasWord(rest, "proc") && len(masked) > 0 {
			return &Cause{"the kernel mounts no new proc where parts of the present one are covered (" + firstFew(masked) + ")", procFix}
		}
		if hasWord(rest, "sysfs") {
			return &Cause{"the kernel mounts sysfs only for the owner of a new network namespace, and not where parts of the present one are covered",
				"take a network namespace of its own, or leave /sys out"}
		}
		return t.noPower(call)
	case syscall.EACCES:
		if v, ok := t.sysctl("kernel.apparmor_restrict_unprivileged_userns"); ok && v != 0 && !t.capable(capSysAdmin) {
			return t.apparmor()
		}
	case syscall.ENOSPC:
		return &Cause{"the mount namespace is full: fs.mount-max is reached", "use fewer mounts, or as root raise fs.mount-max"}
	case syscall.EINVAL:
		if call == "pivot_root" {
			return &Cause{"the root file system cannot be exchanged: it is the initramfs, or not a mount point", "boot from a file system other than the initramfs"}
		}
		if call == "mount_setattr" {
			return &Cause{"the file system does not support id-mapped mounts, or the mount is in use", "keep what root grants on ext4, xfs, btrfs or tmpfs, on a kernel that maps ids there; or run as the owner of the files"}
		}
	case syscall.ENOSYS:
		return &Cause{call + " does not exist here: " + t.absentCall("5.2 (mount_setattr: 5.12)"), t.filterFix(call)}
	case syscall.ENODEV:
		return &Cause{"the kernel does not have this file system", "load its module as root, or leave the mount out"}
	case syscall.ELOOP:
		return &Cause{"there is a symbolic link where none is followed", "name the place that the link leads to"}
	}
	return nil
}

const procFix = "start the container with its /proc unmasked (docker: --security-opt systempaths=unconfined, podman: --security-opt unmask=ALL, kubernetes: procMount: Unmasked), or share the pid namespace and bind the present /proc"

func hasWord(text, word string) bool {
	for w := range strings.FieldsFuncSeq(text, notLetter) {
		if w == word {
			return true
		}
	}
	return false
}

func firstFew(names []string) string {
	const few = 3
	if len(names) > few {
		return strings.Join(names[:few], ", ") + " and " + itoa(len(names)-few) + " more"
	}
	return strings.Join(names, ", ")
}

// noPower explains an EPERM where the process should have all capabilities in its own user namespace.
func (t tree) noPower(call string) *Cause {
	if v, ok := t.sysctl("kernel.apparmor_restrict_unprivileged_userns"); ok && v != 0 && !t.capable(capSysAdmin) {
		return t.apparmor()
	}
	if t.filtered() {
		return &Cause{"a seccomp filter of the surrounding container denies " + call, t.filterFix(call)}
	}
	return nil
}

func (t tree) landlock(errno syscall.Errno) *Cause {
	switch errno {
	case syscall.ENOSYS:
		if t.filtered() {
			return &Cause{"a seccomp filter of the surrounding container hides Landlock", t.filterFix("landlock_create_ruleset, landlock_add_rule and landlock_restrict_self")}
		}
		return &Cause{"the kernel has no Landlock: it came with linux 5.13 and CONFIG_SECURITY_LANDLOCK", "boot a kernel with Landlock, or go without that layer"}
	case syscall.EOPNOTSUPP:
		return &Cause{"Landlock is built into the kernel and switched off", "add landlock to the lsm= list of the kernel's command line"}
	case syscall.EPERM:
		return t.noPower("landlock_restrict_self")
	case syscall.E2BIG:
		return &Cause{"16 Landlock rulesets are upon this process already, the kernel's limit", "start from a process with fewer"}
	}
	return nil
}

func (t tree) seccomp(errno syscall.Errno) *Cause {
	switch errno {
	case syscall.ENOSYS, syscall.EPERM:
		if t.filtered() {
			return &Cause{"a seccomp filter of the surrounding container denies another filter", t.filterFix("seccomp and prctl")}
		}
	case syscall.EINVAL:
		return &Cause{"the kernel does not take this filter: it lacks CONFIG_SECCOMP_FILTER or one of the filter's actions", "boot a newer kernel"}
	case syscall.ENOMEM:
		return &Cause{"the filters upon this process are too long together, the kernel's limit is 32768 instructions", "start from a process with fewer filters"}
	case syscall.EBUSY:
		return &Cause{"a filter with a listener is upon this process already; there can be one", "start from outside the supervised process"}
	}
	return nil
}

func (t tree) executing(call string, errno syscall.Errno) *Cause {
	switch errno {
	case syscall.ENOENT:
		return &Cause{"there is no such program inside, or the interpreter that its first line or its ELF header names is missing there", "grant the program and its interpreter (--ro PATH)"}
	case syscall.EACCES:
		if v, ok := t.sysctl("vm.memfd_noexec"); ok && v == 2 && call == "execveat" {
			return &Cause{"vm.memfd_noexec is 2: programs in memory files cannot be executed", "as root: sysctl vm.memfd_noexec=1, for the pid namespace that carrel starts from"}
		}
		return &Cause{"the file is not executable for this user, a folder on the way is closed to it, or the mount is noexec", "look at the mode of the file and of each folder above it"}
	case syscall.ENOEXEC:
		return &Cause{"the file is not a program for this machine: no ELF header of this architecture and no #! line", "build it for this architecture, or name its interpreter"}
	case syscall.E2BIG:
		return &Cause{"arguments and environment are too long: together a quarter of the stack limit, each at most 128 KiB", "pass the data in a file or on standard input"}
	case syscall.ETXTBSY:
		return &Cause{"the program is open for writing", "close it where it is being written"}
	case syscall.ELOOP:
		return &Cause{"too many symbolic links, or interpreters that need interpreters", "name the program itself"}
	}
	return nil
}

func (t tree) otherCall(call string, errno syscall.Errno) *Cause {
	switch {
	case call == "prlimit" && errno == syscall.EPERM:
		return &Cause{"the limit is above the caller's hard limit, and only CAP_SYS_RESOURCE raises that", "ask for less, or raise the hard limit before the start (ulimit -H, /etc/security/limits.conf)"}
	case call == "capset" && errno == syscall.EPERM:
		return &Cause{"a capability was asked for that the caller's bounding set does not have", "ask for fewer capabilities, or give the container more"}
	case call == "openat2" && errno == syscall.ENOSYS:
		return &Cause{"openat2 does not exist here: " + t.absentCall("5.6"), t.filterFix(call)}
	case call == "openat2" && errno == syscall.ELOOP:
		return &Cause{"there is a symbolic link where none is followed", "name the place that the link leads to"}
	case call == "openat2" && errno == syscall.EXDEV:
		return &Cause{"the path leaves the folder that it must stay in", "look for .. and links in the path"}
	case errno == syscall.EPERM:
		return t.noPower(call)
	case errno == syscall.ENOSYS:
		return &Cause{call + " does not exist here", t.filterFix(call)}
	case errno == syscall.EMFILE:
		return &Cause{"too many descriptors are open in this process", "raise the limit (ulimit -n)"}
	case errno == syscall.ENFILE:
		return &Cause{"too many files are open on this machine", "as root raise fs.file-max"}
	case errno == syscall.EROFS:
		return &Cause{"the file system is read-only", "choose a place on a writable mount"}
	}
	return nil
}
