package host

import (
	"strings"
	"syscall"
)

// checkSurroundings tells what is no duty of the host's, but explains much: every line is OK.
func (t tree) checkSurroundings(r *Report) {
	r.add("cgroups", OK, t.cgroupLayout(), "")
	r.add("security modules", OK, t.securityModules(), "")
	r.add("ptrace", OK, t.ptraceScope(), "")
	r.add("container", OK, t.container(), "")
}

// Magic numbers of statfs(2).
const (
	magicCgroup2 = 0x63677270
)

func (t tree) cgroupLayout() string {
	const top = "/sys/fs/cgroup"
	kinds := map[string]bool{}
	for _, m := range t.mounts() {
		if m.kind == "cgroup" || m.kind == "cgroup2" {
			kinds[m.kind] = true
		}
	}
	var st syscall.Statfs_t
	onTop := syscall.Statfs(string(t)+top, &st) == nil && st.Type == magicCgroup2
	switch {
	case kinds["cgroup"] && kinds["cgroup2"]:
		return "hybrid: version 1, and version 2 beside it with " + t.controllers()
	case kinds["cgroup"]:
		return "version 1"
	case kinds["cgroup2"], onTop:
		return "version 2 with " + t.controllers()
	}
	return "no hierarchy is mounted"
}

// controllers reads what the version 2 hierarchy controls.
func (t tree) controllers() string {
	for _, m := range t.mounts() {
		if m.kind != "cgroup2" {
			continue
		}
		if text, ok := t.read(m.point + "/cgroup.controllers"); ok && text != "" {
			return text
		}
	}
	return "no controllers"
}

func (t tree) securityModules() string {
	if text, ok := t.read("/sys/kernel/security/lsm"); ok && text != "" {
		return strings.ReplaceAll(text, ",", ", ")
	}
	var found []string
	for _, name := range [...]string{"apparmor", "smack"} {
		if t.exists("/proc/self/attr/" + name) {
			found = append(found, name)
		}
	}
	if label, ok := t.read("/proc/self/attr/current"); ok && label != "" {
		return "the list is not readable; label of this process: " + strings.Trim(label, "\x00")
	}
	if found != nil {
		return strings.Join(found, ", ") + " at least; the list is not readable"
	}
	return "the list is not readable"
}

func (t tree) ptraceScope() string {
	v, ok := t.sysctl("kernel.yama.ptrace_scope")
	switch {
	case !ok:
		return "yama is not active: a user's processes can trace each other"
	case v == 0:
		return "kernel.yama.ptrace_scope is 0: a user's processes can trace each other"
	case v == 1:
		return "kernel.yama.ptrace_scope is 1: only descendants can be traced"
	case v == 2:
		return "kernel.yama.ptrace_scope is 2: only administrators trace"
	}
	return "kernel.yama.ptrace_scope is " + itoa(v) + ": nobody traces"
}

// container looks for the marks that container engines leave. Their absence proves nothing.
func (t tree) container() string {
	where := ""
	switch {
	case t.exists("/run/.containerenv"):
		where = "inside a podman container"
	case t.exists("/.dockerenv"):
		where = "inside a docker container"
	case t.exists("/var/run/secrets/kubernetes.io") || t.exists("/run/secrets/kubernetes.io"):
		where = "inside a kubernetes pod"
	case t.chrooted():
		where = "inside a chroot"
	default:
		where = "no sign of one"
	}
	if t.filtered() {
		where += ", under a seccomp filter"
	}
	if t.status("NoNewPrivs") == "1" {
		where += ", without new privileges (newuidmap does not work)"
	}
	return where
}
