package main

import (
	"os"
	"strconv"
)

// bwrapFlags asks bwrap for what the strict preset has: home is an empty tmpfs, work the working directory, and filter the
// descriptor of the seccomp filter. bwrap knows no time namespace, no rlimits, no securebits, no Landlock and no masks below
// /proc; --disable-userns is left out because it makes a second user namespace. So bwrap does less.
//
// The folders startup and inprocess have this file alike, and a test compares the two.
func bwrapFlags(home, work string, filter int) []string {
	a := []string{"--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup",
		"--hostname", "carrel", "--new-session", "--die-with-parent", "--cap-drop", "ALL", "--clearenv",
		"--setenv", "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "--setenv", "HOME", home,
		"--setenv", "SHELL", "/bin/sh", "--setenv", "LANG", "C", "--setenv", "TMPDIR", "/tmp",
		"--ro-bind", "/usr", "/usr", "--ro-bind", "/etc", "/etc"}
	for _, d := range []string{"/bin", "/sbin", "/lib", "/lib32", "/lib64"} {
		if to, err := os.Readlink(d); err == nil {
			a = append(a, "--symlink", to, d)
		} else if _, err := os.Stat(d); err == nil {
			a = append(a, "--ro-bind", d, d)
		}
	}
	return append(a, "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--tmpfs", "/var/tmp", "--dir", "/run",
		"--symlink", "/run", "/var/run", "--tmpfs", home, "--ro-bind", work, work, "--remount-ro", "/",
		"--chdir", work, "--seccomp", strconv.Itoa(filter))
}
