package launch

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestNumbersOfAmd64(t *testing.T) {
	want := map[Call]int{
		Prctl: unix.SYS_PRCTL, Openat: unix.SYS_OPENAT, Openat2: unix.SYS_OPENAT2, Close: unix.SYS_CLOSE, CloseRange: unix.SYS_CLOSE_RANGE,
		Write: unix.SYS_WRITE, Dup3: unix.SYS_DUP3, Fcntl: unix.SYS_FCNTL, Ioctl: unix.SYS_IOCTL, Socket: unix.SYS_SOCKET, Mount: unix.SYS_MOUNT,
		Umount2: unix.SYS_UMOUNT2, PivotRoot: unix.SYS_PIVOT_ROOT, Chdir: unix.SYS_CHDIR, Fchdir: unix.SYS_FCHDIR, Chroot: unix.SYS_CHROOT,
		Mkdirat: unix.SYS_MKDIRAT, Mknodat: unix.SYS_MKNODAT, Symlinkat: unix.SYS_SYMLINKAT,
		OpenTree: unix.SYS_OPEN_TREE, MoveMount: unix.SYS_MOVE_MOUNT, MountSetattr: unix.SYS_MOUNT_SETATTR, Fsopen: unix.SYS_FSOPEN,
		Fsconfig: unix.SYS_FSCONFIG, Fsmount: unix.SYS_FSMOUNT, Sethostname: unix.SYS_SETHOSTNAME, Setdomainname: unix.SYS_SETDOMAINNAME,
		Setns: unix.SYS_SETNS, Unshare: unix.SYS_UNSHARE, Setsid: unix.SYS_SETSID, Setpgid: unix.SYS_SETPGID, Setgroups: unix.SYS_SETGROUPS,
		Setresuid: unix.SYS_SETRESUID, Setresgid: unix.SYS_SETRESGID, Capset: unix.SYS_CAPSET, Prlimit: unix.SYS_PRLIMIT64,
		LandlockCreateRuleset: unix.SYS_LANDLOCK_CREATE_RULESET, LandlockRestrictSelf: unix.SYS_LANDLOCK_RESTRICT_SELF, Seccomp: unix.SYS_SECCOMP,
		RtSigprocmask: unix.SYS_RT_SIGPROCMASK, Umask: unix.SYS_UMASK, Execve: unix.SYS_EXECVE, Execveat: unix.SYS_EXECVEAT,
	}
	for c := None + 1; c < Spawn; c++ {
		if n, listed := want[c]; !listed || c.Number("amd64") != n {
			t.Errorf("%s: number %d, want %d", c, c.Number("amd64"), n)
		}
	}
}
