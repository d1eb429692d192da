package main

import (
	"fmt"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

func kernelAttacks() []attack {
	return []attack{
		{"nested", nested},
		{"numbers", numbers},
		{"wide", wide},
		{"int80", int80},
		{"uring", uring},
		{"families", families},
		{"inject", inject},
		{"ttys", ttys},
		{"forbidden", forbidden},
		{"unfilter", unfilter},
		{"names", names},
		{"persona", persona},
	}
}

func errnoName(e syscall.Errno) string {
	if name := unix.ErrnoName(e); name != "" {
		return name
	}
	return "errno " + strconv.Itoa(int(e))
}

// nested tries to get a user namespace of its own, by every call that makes or enters one. The last way is to unshare, which
// the host can see.
func nested([]string) {
	say("clone", cloned(unix.CLONE_NEWUSER))
	say("clone3", clone3(unix.CLONE_NEWUSER))
	fd, err := unix.Open("/proc/self/ns/uts", unix.O_RDONLY, 0)
	say("open", err)
	say("setns", unix.Setns(fd, unix.CLONE_NEWUTS))
	for n, name := range map[int]string{unix.CLONE_NEWNS: "mnt", unix.CLONE_NEWPID: "pid", unix.CLONE_NEWNET: "net", unix.CLONE_NEWIPC: "ipc", unix.CLONE_NEWUTS: "uts"} {
		say("unshare "+name, unix.Unshare(n))
	}
	pid, _, e := unix.RawSyscall6(unix.SYS_CLONE, unix.CLONE_NEWUSER|uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if e == 0 && pid == 0 {
		unix.RawSyscall(unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0)
		for { // a child for the host to look at, until its parent ends
			unix.RawSyscall6(unix.SYS_PPOLL, 0, 0, 0, 0, 0, 0)
		}
	}
	say("kept child", e)
}

// numbers makes the system calls with these numbers and absurd arguments.
func numbers(args []string) {
	for _, arg := range args {
		nr, _ := strconv.Atoi(arg)
		bad := ^uintptr(0)
		say("nr "+arg, call(uintptr(nr), bad, bad, bad, bad, bad, bad))
	}
}

// wide sets bits above the lower half, which the kernel ignores in these calls.
func wide([]string) {
	const high = 1 << 32
	say("clone", cloned(unix.CLONE_NEWUSER|high))
	say("unshare", call(unix.SYS_UNSHARE, unix.CLONE_NEWUSER|high))
	say("socket", call(unix.SYS_SOCKET, unix.AF_VSOCK|high, unix.SOCK_STREAM, 0))
	b := byte('X')
	say("ioctl", call(unix.SYS_IOCTL, 0, unix.TIOCSTI|high, byteAddress(&b)))
	say("personality", call(unix.SYS_PERSONALITY, readImpliesExec|high))
}

const readImpliesExec = 0x0400000

// uring sets up a ring and keeps it.
func uring([]string) {
	params := make([]byte, 256)
	say("io_uring_setup", call(unix.SYS_IO_URING_SETUP, 4, byteAddress(&params[0])))
	say("io_uring_enter", call(unix.SYS_IO_URING_ENTER, 0, 0, 0, 0))
	say("io_uring_register", call(unix.SYS_IO_URING_REGISTER, 0, 0, 0, 0))
}

// families opens sockets of every family and type and keeps one of each family.
func families([]string) {
	for family := range 51 {
		best := error(unix.EINVAL)
		for _, kind := range []int{unix.SOCK_STREAM, unix.SOCK_DGRAM, unix.SOCK_RAW, unix.SOCK_SEQPACKET} {
			_, err := unix.Socket(family, kind, 0)
			if best = err; err == nil {
				break
			}
		}
		say(fmt.Sprint("family ", family), best)
	}
}

// inject types into the terminal that is standard input, or the controlling one.
func inject([]string) {
	for _, b := range []byte("INJECTED\n") {
		say("TIOCSTI", call(unix.SYS_IOCTL, 0, unix.TIOCSTI, byteAddress(&b)))
	}
	fd, err := unix.Open("/dev/tty", unix.O_RDWR, 0)
	say("tty", err)
	if err == nil {
		b := byte('Y')
		say("TIOCSTI tty", call(unix.SYS_IOCTL, uintptr(fd), unix.TIOCSTI, byteAddress(&b)))
	}
}

// ttys are other requests that reach beyond a terminal.
func ttys([]string) {
	const tioclinux, kdskbent, kdsetmode = 0x541c, 0x4b47, 0x4b3a
	b := [8]byte{2}
	say("TIOCLINUX", call(unix.SYS_IOCTL, 0, tioclinux, byteAddress(&b[0])))
	say("KDSKBENT", call(unix.SYS_IOCTL, 0, kdskbent, 0))
	say("KDSETMODE", call(unix.SYS_IOCTL, 0, kdsetmode, 0))
	say("TIOCCONS", call(unix.SYS_IOCTL, 0, unix.TIOCCONS, 0))
	say("TIOCSCTTY", call(unix.SYS_IOCTL, 0, unix.TIOCSCTTY, 1))
	say("TIOCSETD", call(unix.SYS_IOCTL, 0, unix.TIOCSETD, 0))
}

// unfilter tries to be rid of the filter and of no_new_privs.
func unfilter([]string) {
	say("seccomp off", unix.Prctl(unix.PR_SET_SECCOMP, 0, 0, 0, 0))
	say("no_new_privs off", unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0))
	say("securebits", unix.Prctl(unix.PR_SET_SECUREBITS, 0, 0, 0, 0))
	threads(nil)
}

// names changes what a kernel has one of.
func names([]string) {
	say("sethostname", unix.Sethostname([]byte("taken-over")))
	say("setdomainname", unix.Setdomainname([]byte("taken-over")))
	// Impossible times: where the call is allowed the kernel says EINVAL, and the clock stays as it is.
	bad := unix.Timespec{Sec: 1, Nsec: 2_000_000_000}
	say("clock_settime", unix.ClockSettime(unix.CLOCK_REALTIME, &bad))
	say("settimeofday", unix.Settimeofday(&unix.Timeval{Sec: 1, Usec: 2_000_000}))
	t := unix.Timex{Modes: 0x4000, Tick: 1}
	_, err := unix.Adjtimex(&t)
	say("adjtimex", err)
}

// persona changes how the kernel treats the process, which /proc shows.
func persona([]string) {
	say("personality", call(unix.SYS_PERSONALITY, readImpliesExec))
	f, err := os.ReadFile("/proc/self/personality")
	fmt.Printf("now %s %v\n", f, err)
}
