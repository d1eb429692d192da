// Package linux holds the kernel's names and numbers that carrel needs and that are the same on every architecture:
// flags, capability names, namespace names, rlimit names. It makes no system call.
package linux

// Clone flags of clone3(2), unshare(2) and setns(2).
const (
	CloneVM            = 0x100
	CloneFiles         = 0x400
	ClonePidfd         = 0x1000
	CloneNewtime       = 0x80
	CloneNewns         = 0x20000
	CloneChildCleartid = 0x200000
	CloneNewcgroup     = 0x02000000
	CloneNewuts        = 0x04000000
	CloneNewipc        = 0x08000000
	CloneNewuser       = 0x10000000
	CloneNewpid        = 0x20000000
	CloneNewnet        = 0x40000000
	CloneClearSighand  = 0x100000000 // Linux 5.5
	CloneIntoCgroup    = 0x200000000 // Linux 5.7
)

// Namespace pairs a namespace's names with its clone flag.
type Namespace struct {
	Name string // as in /proc/self/ns and in carrel's flags
	OCI  string // as in linux.namespaces of the OCI runtime-spec
	Flag uint64
}

// Namespaces lists all eight, in the order in which they are joined: the user namespace first, because it owns the others.
var Namespaces = [8]Namespace{
	{"user", "user", CloneNewuser},
	{"mount", "mount", CloneNewns},
	{"pid", "pid", CloneNewpid},
	{"net", "network", CloneNewnet},
	{"ipc", "ipc", CloneNewipc},
	{"uts", "uts", CloneNewuts},
	{"cgroup", "cgroup", CloneNewcgroup},
	{"time", "time", CloneNewtime},
}

// ProcName returns the name of a namespace's link below /proc/PID/ns: only the mount namespace differs.
func ProcName(name string) string {
	if name == "mount" {
		return "mnt"
	}
	return name
}

// Capabilities lists the capability names by number (capabilities(7)), without the CAP_ prefix and in lower case.
var Capabilities = [...]string{
	"chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap",
	"linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner",
	"sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct", "sys_admin", "sys_boot", "sys_nice",
	"sys_resource", "sys_time", "sys_tty_config", "mknod", "lease", "audit_write", "audit_control", "setfcap",
	"mac_override", "mac_admin", "syslog", "wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf",
	"checkpoint_restore",
}

// Capability returns the number of a capability named in any of the usual spellings (NET_ADMIN, cap_net_admin), or -1.
func Capability(name string) int {
	if len(name) > 4 && equalFold(name[:4], "cap_") {
		name = name[4:]
	}
	for i, c := range Capabilities {
		if equalFold(name, c) {
			return i
		}
	}
	return -1
}

// OCICapability returns the OCI spelling of capability number n, for instance CAP_NET_ADMIN.
func OCICapability(n int) string {
	b := []byte("CAP_" + Capabilities[n])
	for i, c := range b {
		if c >= 'a' && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}

func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		x, y := a[i], b[i]
		if x >= 'A' && x <= 'Z' {
			x += 'a' - 'A'
		}
		if y >= 'A' && y <= 'Z' {
			y += 'a' - 'A'
		}
		if x != y {
			return false
		}
	}
	return true
}

// Rlimits lists the resource names of prlimit(2) by number, in lower case and without the RLIMIT_ prefix.
var Rlimits = [16]string{
	"cpu", "fsize", "data", "stack", "core", "rss", "nproc", "nofile", "memlock", "as", "locks", "sigpending",
	"msgqueue", "nice", "rtprio", "rttime",
}

// Rlimit returns the number of a resource named as "nofile", "NOFILE" or "RLIMIT_NOFILE", or -1.
func Rlimit(name string) int {
	if len(name) > 7 && equalFold(name[:7], "rlimit_") {
		name = name[7:]
	}
	for i, r := range Rlimits {
		if equalFold(name, r) {
			return i
		}
	}
	return -1
}

// RlimInfinity is RLIM_INFINITY: no limit.
const RlimInfinity = ^uint64(0)
