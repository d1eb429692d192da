package host

import (
	"runtime"
	"syscall"

	"github.com/seed-0dbaba02/carrel/internal/linux"
)

// Probe reads the facts that every start needs, in about thirty cheap system calls. It fails only where the kernel denies
// what it never denies; what a host lacks is a fact and no error. SubUIDs, SubGIDs and Paths stay empty: see [SubIDs] and [Look].
//
// Rlimits holds this process's own limits. The Go runtime raises its soft limit of descriptors to the hard one when a program
// starts, so Soft of nofile is not what the caller's shell had.
func Probe() (*Facts, error) {
	f := &Facts{
		Arch:    runtime.GOARCH,
		UID:     syscall.Geteuid(),
		GID:     syscall.Getegid(),
		LastCap: lastCap(),
		TimeNS:  syscall.Access("/proc/self/ns/time", 0) == nil,
	}
	f.LandlockABI, _ = landlockABI()
	var err error
	if f.Kernel, err = kernelVersion(); err != nil {
		return nil, err
	}
	if f.Groups, err = syscall.Getgroups(); err != nil {
		return nil, &syscallError{"getgroups", err}
	}
	if f.UID == 0 {
		f.HostRoot = fullIdentityMap("/proc/self/uid_map")
	}
	for i := range f.Rlimits {
		if err := getRlimit(i, &f.Rlimits[i]); err != nil {
			return nil, &syscallError{"prlimit " + linux.Rlimits[i], err}
		}
	}
	for fd := range f.Terminals {
		f.Terminals[fd] = isTerminal(fd)
	}
	return f, nil
}

// syscallError names the call and, where there is one, the path; the errno can be had with errors.As.
type syscallError struct {
	what string
	err  error
}

func (e *syscallError) Error() string { return e.what + ": " + e.err.Error() }
func (e *syscallError) Unwrap() error { return e.err }

func kernelVersion() (Version, error) {
	var u syscall.Utsname
	if err := syscall.Uname(&u); err != nil {
		return Version{}, &syscallError{"uname", err}
	}
	var release [len(u.Release)]byte
	n := 0
	for ; n < len(u.Release) && u.Release[n] != 0; n++ {
		release[n] = byte(u.Release[n])
	}
	return parseVersion(string(release[:n])), nil
}

// parseVersion reads the first two numbers of a release such as "6.18.44-fc-v595" or "7.1-rc3".
func parseVersion(s string) Version {
	major, s := leadingNumber(s)
	if len(s) == 0 || s[0] != '.' {
		return Version{Major: major}
	}
	minor, _ := leadingNumber(s[1:])
	return Version{Major: major, Minor: minor}
}

// leadingNumber returns the decimal number that s begins with, 0 where there is none, and what follows it.
// It stops before a number of more than ten digits or so, which no id and no version has.
func leadingNumber(s string) (n int, rest string) {
	i := 0
	for ; i < len(s) && s[i] >= '0' && s[i] <= '9' && n <= (1<<32-1)/10; i++ {
		n = n*10 + int(s[i]-'0')
	}
	return n, s[i:]
}

// fullIdentityMap reports whether the map is that of the initial user namespace, user_namespaces(7): every id is itself.
// A namespace that was given the same map by root counts as well: uid 0 in it owns what root owns.
func fullIdentityMap(name string) bool {
	var buf [128]byte
	fd, err := syscall.Open(name, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	n, err := syscall.Read(fd, buf[:])
	syscall.Close(fd)
	return err == nil && isIdentity(buf[:n])
}

func isIdentity(text []byte) bool {
	const want = "0 0 4294967295"
	i, space := 0, true
	for _, c := range text {
		switch {
		case c == ' ' || c == '\t' || c == '\n':
			if !space && i < len(want) {
				if want[i] != ' ' {
					return false
				}
				i++
			}
			space = true
		case i < len(want) && c == want[i]:
			i++
			space = false
		default:
			return false
		}
	}
	return i == len(want)
}

// lastCap asks for capabilities beyond the last that carrel has a name for, prctl(2) PR_CAPBSET_READ, so that a newer
// kernel's are dropped too, and below it on an older kernel.
func lastCap() int {
	n := len(linux.Capabilities) - 1
	if capabilityKnown(n) {
		for n < 63 && capabilityKnown(n+1) {
			n++
		}
		return n
	}
	for n > 0 && !capabilityKnown(n) {
		n--
	}
	return n
}
