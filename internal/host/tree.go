package host

import (
	"os"
	"slices"
	"strconv"
	"strings"
)

// tree is where the kernel's files are read from: "" is the host, anything else a folder that looks like its root.
type tree string

func (t tree) read(name string) (string, bool) {
	data, err := os.ReadFile(string(t) + name)
	return strings.TrimSpace(string(data)), err == nil
}

func (t tree) exists(name string) bool {
	_, err := os.Lstat(string(t) + name)
	return err == nil
}

// number reads a file that holds one number, as those of sysctl(8) do.
func (t tree) number(name string) (int, bool) {
	text, ok := t.read(name)
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	return n, err == nil
}

// sysctl reads a setting by its dotted name.
func (t tree) sysctl(name string) (int, bool) {
	return t.number("/proc/sys/" + strings.ReplaceAll(name, ".", "/"))
}

// status returns one field of /proc/self/status, for instance "Seccomp".
func (t tree) status(field string) string {
	text, _ := t.read("/proc/self/status")
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(line, ":"); ok && name == field {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// filtered reports whether a seccomp filter of somebody else is upon this process, seccomp(2).
func (t tree) filtered() bool { return t.status("Seccomp") == "2" }

// capable reports whether the caller holds a capability, by its number.
func (t tree) capable(number int) bool {
	set, err := strconv.ParseUint(t.status("CapEff"), 16, 64)
	return err == nil && set>>number&1 != 0
}

// mount is one line of /proc/self/mountinfo, proc_pid_mountinfo(5).
type mount struct {
	id     string
	parent string
	root   string // the part of the file system that is mounted
	point  string
	kind   string
	locked bool // read-only, so that what is mounted within may not be writable
}

func (t tree) mounts() []mount {
	text, _ := t.read("/proc/self/mountinfo")
	var all []mount
	for line := range strings.Lines(text) {
		left, right, ok := strings.Cut(line, " - ")
		fields := strings.Fields(left)
		kind, _, _ := strings.Cut(right, " ")
		if ok && len(fields) >= 6 {
			options, _, _ := strings.Cut(fields[5]+",", ",") // ro and rw come first
			all = append(all, mount{fields[0], fields[1], unescape(fields[3]), unescape(fields[4]), kind, options == "ro"})
		}
	}
	return all
}

// unescape turns the octal escapes of mountinfo back into bytes.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b []byte
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b = append(b, byte(n))
				i += 3
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}

// chrooted reports whether the caller's root directory is not that of its mount namespace, as far as that can be seen:
// no mount is at "/", or process 1 has another root.
func (t tree) chrooted() bool {
	mounts := t.mounts()
	atRoot := len(mounts) == 0
	for i := range mounts {
		atRoot = atRoot || mounts[i].point == "/"
	}
	if !atRoot {
		return true
	}
	ours, err := os.Stat(string(t) + "/")
	if err != nil {
		return false
	}
	first, err := os.Stat(string(t) + "/proc/1/root/")
	if err != nil {
		return false
	}
	// Only within one mount namespace does another root mean a chroot.
	a, errA := os.Readlink(string(t) + "/proc/1/ns/mnt")
	b, errB := os.Readlink(string(t) + "/proc/self/ns/mnt")
	return errA == nil && errB == nil && a == b && !os.SameFile(ours, first)
}

// maskedProc returns what is mounted over parts of the proc file systems, so that the kernel refuses a new one to a user
// namespace (mount_too_revealing in fs/namespace.c). It returns nil when one proc is in full view.
func (t tree) maskedProc() []string {
	mounts := t.mounts()
	var masked []string
	for i := range mounts {
		m := &mounts[i]
		if m.kind != "proc" || m.root != "/" {
			continue
		}
		over := mountsOn(mounts, m)
		if m.locked {
			over = append(over, m.point+" is read-only")
		}
		if len(over) == 0 {
			return nil
		}
		for _, name := range over {
			if !slices.Contains(masked, name) {
				masked = append(masked, name)
			}
		}
	}
	if masked == nil {
		return []string{"no proc file system is mounted"}
	}
	return masked
}

// mountsOn returns where something is mounted on a file system itself, not on what is mounted there.
func mountsOn(mounts []mount, m *mount) []string {
	var over []string
	for i := range mounts {
		rest := strings.TrimPrefix(mounts[i].point, strings.TrimSuffix(m.point, "/"))
		// These two are empty by nature: the kernel lets mounts on them pass.
		if mounts[i].parent == m.id && mounts[i].id != m.id && rest != "/sys/fs/binfmt_misc" && rest != "/fs/nfsd" {
			over = append(over, mounts[i].point)
		}
	}
	return over
}
