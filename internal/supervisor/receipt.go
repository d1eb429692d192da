package supervisor

import (
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/seed-0dbaba02/carrel/internal/linux"
	"github.com/seed-0dbaba02/carrel/internal/plan"
)

// Observe fills in what the kernel shows of each layer for a process that waits before its exec. It reads /proc only; what
// the kernel has no way to show, it says.
func Observe(layers []plan.Layer, pid int) {
	v := observer{dir: "/proc/" + strconv.Itoa(pid) + "/"}
	v.status = v.read("status")
	v.mounts = v.read("mountinfo")
	v.limits = v.read("limits")
	for i := range layers {
		layers[i].Shows = v.shows(layers[i].Name)
	}
}

type observer struct {
	dir                    string
	status, mounts, limits string
}

func (v *observer) read(name string) string {
	b, err := os.ReadFile(v.dir + name)
	if err != nil {
		return ""
	}
	return string(b)
}

// shows finds the evidence for one layer by its name.
func (v *observer) shows(layer string) string {
	kind, rest, _ := strings.Cut(layer, ".")
	switch {
	case kind == "namespace":
		return v.namespace(rest)
	case layer == "ids":
		return "uid_map " + fields(v.read("uid_map")) + "; gid_map " + fields(v.read("gid_map")) + "; Uid " + v.field("Uid") + "; Gid " + v.field("Gid")
	case layer == "ids.groups":
		return "setgroups " + fields(v.read("setgroups")) + "; Groups " + v.field("Groups")
	case layer == "capabilities":
		return "CapInh " + v.field("CapInh") + " CapPrm " + v.field("CapPrm") + " CapEff " + v.field("CapEff") + " CapBnd " + v.field("CapBnd") + " CapAmb " + v.field("CapAmb")
	case layer == "no_new_privs":
		return "NoNewPrivs " + v.field("NoNewPrivs")
	case layer == "seccomp":
		return "Seccomp " + v.field("Seccomp") + ", filters " + v.field("Seccomp_filters")
	case layer == "landlock":
		return "the kernel has no file that shows it; landlock_restrict_self(2) returned success"
	case kind == "limit":
		return v.limit(rest)
	case layer == "descriptors":
		return v.descriptors()
	case layer == "terminal":
		return "tty_nr " + v.stat(7) + ", session " + v.stat(6)
	case layer == "root":
		return v.mount("/")
	case layer == "mount.propagation":
		return v.propagation()
	case layer == "mount.proc":
		return strconv.Itoa(strings.Count(v.mounts, " /proc/")) + " mounts below /proc"
	}
	if path, ok := strings.CutPrefix(layer, "mount "); ok {
		if shown := v.mount(path); shown != noMount {
			return shown
		}
		return v.within(path)
	}
	if path, ok := strings.CutPrefix(layer, "hide "); ok {
		return v.mount(path)
	}
	return ""
}

// namespace compares the process's namespace with the supervisor's.
func (v *observer) namespace(name string) string {
	name, sub, nested := strings.Cut(name, ".")
	if nested {
		if name == "time" {
			return fields(v.read("timens_offsets"))
		}
		if sub == "nested" {
			return "max_user_namespaces is set in the namespace itself; see /proc/sys/user inside"
		}
	}
	link := linux.ProcName(name)
	if name == "time" { // entered at the exec
		link = "time_for_children"
	}
	inside, err := os.Readlink(v.dir + "ns/" + link)
	if err != nil {
		return "not readable: " + err.Error()
	}
	outside, _ := os.Readlink("/proc/self/ns/" + link)
	if inside == outside {
		return inside + ", the caller's own"
	}
	return inside + "; the caller's is " + outside
}

// field returns a line of /proc/PID/status.
func (v *observer) field(name string) string {
	for line := range strings.Lines(v.status) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return fields(value)
		}
	}
	return "not shown"
}

func (v *observer) stat(n int) string {
	text := v.read("stat")
	if i := strings.LastIndexByte(text, ')'); i >= 0 {
		f := strings.Fields(text[i:])
		if n-2 < len(f) {
			return f[n-2]
		}
	}
	return "not shown"
}

func fields(s string) string { return strings.Join(strings.Fields(s), " ") }

// limitNames are the labels of /proc/PID/limits, by RLIMIT_ number.
var limitNames = [16]string{
	"Max cpu time", "Max file size", "Max data size", "Max stack size", "Max core file size", "Max resident set", "Max processes",
	"Max open files", "Max locked memory", "Max address space", "Max file locks", "Max pending signals", "Max msgqueue size",
	"Max nice priority", "Max realtime priority", "Max realtime timeout",
}

func (v *observer) limit(name string) string {
	n := linux.Rlimit(name)
	if n < 0 {
		return "not shown"
	}
	for line := range strings.Lines(v.limits) {
		if strings.HasPrefix(line, limitNames[n]) {
			return fields(line)
		}
	}
	return "not shown"
}

// mount returns the last line of mountinfo for a mount point: what lies on top.
func (v *observer) mount(path string) string {
	found := ""
	for line := range strings.Lines(v.mounts) {
		f := strings.Fields(line)
		if len(f) > 5 && unescape(f[4]) == path {
			found = f[5]
			for i, w := range f {
				if w == "-" && i+2 < len(f) {
					found += ", " + f[i+1]
				}
			}
		}
	}
	if found == "" {
		return noMount
	}
	return "mounted " + found
}

const noMount = "no mount point"

// within lists the mounts below a directory that is none itself, as a minimal /dev in a root of its own.
func (v *observer) within(path string) string {
	var names []string
	for line := range strings.Lines(v.mounts) {
		if f := strings.Fields(line); len(f) > 5 && strings.HasPrefix(unescape(f[4]), path+"/") {
			names = append(names, unescape(f[4]))
		}
	}
	if len(names) == 0 {
		return noMount
	}
	return "a directory of the root, with mounts " + strings.Join(names, " ")
}

// unescape undoes mountinfo's octal escapes.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func (v *observer) propagation() string {
	shared := strings.Count(v.mounts, " shared:") + strings.Count(v.mounts, " master:")
	if shared == 0 {
		return "no mount is shared or a slave"
	}
	return strconv.Itoa(shared) + " mounts are shared or slaves"
}

// descriptors lists what will be open after the exec.
func (v *observer) descriptors() string {
	entries, err := os.ReadDir(v.dir + "fd")
	if err != nil {
		return "not readable: " + err.Error()
	}
	var open []string
	for _, e := range entries {
		info := v.read("fdinfo/" + e.Name())
		for line := range strings.Lines(info) {
			text, ok := strings.CutPrefix(line, "flags:")
			if !ok {
				continue
			}
			if flags, err := strconv.ParseUint(strings.TrimSpace(text), 8, 64); err == nil && flags&syscall.O_CLOEXEC == 0 {
				open = append(open, e.Name())
			}
		}
	}
	return "open after the exec: " + strings.Join(open, " ")
}
