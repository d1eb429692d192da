package host

import (
	"strings"
	"syscall"
)

// checkCalls looks for the calls that a launch cannot do without. Old container profiles hide those that they do not know.
func (t tree) checkCalls(r *Report) {
	calls := [...]struct {
		name string
		e    syscall.Errno
	}{
		{"clone3", exists(sysClone3, 0, 0, 0, 0)},
		{"openat2", exists(sysOpenat2, none, 0, 0, 0)},
		{"close_range", exists(sysCloseRange, 1, 0, 0, 0)},
		{"pidfd_open", exists(sysPidfdOpen, none, 0, 0, 0)},
		{"open_tree", exists(sysOpenTree, none, 0, 0, 0)},
		{"mount_setattr", exists(sysMountSetattr, none, 0, 0, 0)},
		{"faccessat2", exists(sysFaccessat2, none, 0, 0, 0)},
	}
	var missing []string
	for _, c := range calls {
		if c.e != 0 {
			missing = append(missing, c.name)
		}
	}
	if missing == nil {
		r.add("system calls", OK, "clone3, openat2, close_range, pidfd_open, open_tree, mount_setattr and faccessat2 answer", "")
		return
	}
	names := strings.Join(missing, ", ")
	why := "the kernel is too old"
	if t.filtered() {
		why = "a seccomp filter of the surrounding container hides them"
	}
	r.add("system calls", Absent, names+": "+why, t.filterFix(names))
}

func (t tree) checkSeccomp(r *Report) {
	const userNotif, killProcess = 0x7fc00000, 0x80000000
	switch e := seccompFilter(); {
	case e != 0:
		text, fix := e.Error(), "boot a kernel with CONFIG_SECCOMP_FILTER"
		if c := t.seccomp(e); c != nil {
			text, fix = c.Text, c.Fix
		}
		r.add("seccomp filter", Absent, text, fix)
		return
	case !seccompAction(killProcess):
		r.add("seccomp filter", Limited, "filters work; the action kill_process is not known", "boot linux 4.14 or newer")
	case t.filtered():
		r.add("seccomp filter", OK, "filters work; "+t.status("Seccomp_filters")+" of somebody else's are upon this process", "")
	default:
		r.add("seccomp filter", OK, "filters work", "")
	}
	if !seccompAction(userNotif) {
		r.add("seccomp notify", Absent, "a filter cannot ask a supervisor", "boot linux 5.0 or newer")
		return
	}
	r.add("seccomp notify", OK, "a filter can ask a supervisor", "")
}

// landlockGaps says what an ABI leaves open, as rows "missing before this ABI". What no ABI guards is told with all.
var landlockGaps = [...]struct {
	abi    int
	kernel string
	gap    string
}{
	{2, "5.19", "moving files between directories is always denied"},
	{3, "6.2", "truncate"},
	{4, "6.7", "tcp ports"},
	{5, "6.10", "ioctl on devices"},
	{6, "6.12", "signals and abstract unix sockets"},
	{9, "7.1", "unix sockets that have a path"},
	{10, "7.2", "udp ports"},
}

func (t tree) checkLandlock(r *Report) {
	abi := r.Facts.LandlockABI
	if abi == 0 {
		text, fix := "not active", "boot linux 5.13 or newer with Landlock built in and in the lsm= list"
		_, e := landlockABI()
		if c := t.landlock(e); c != nil {
			text, fix = c.Text, c.Fix
		}
		r.add("landlock", Absent, text, fix)
		return
	}
	var gaps []string
	kernel := ""
	for _, g := range landlockGaps {
		if abi < g.abi {
			gaps, kernel = append(gaps, g.gap), g.kernel
		}
	}
	const never = "chmod, chown, stat and extended attributes"
	if gaps == nil {
		r.add("landlock", OK, "abi "+itoa(abi)+"; not guarded by any abi: "+never, "")
		return
	}
	state := OK
	fix := ""
	if abi < 3 { // below this, a granted path means more than it says
		state, fix = Limited, "boot linux "+kernel+" or newer; the mounts and the seccomp filter guard most of it meanwhile"
	}
	r.add("landlock", state, "abi "+itoa(abi)+"; left to the other layers until linux "+kernel+": "+strings.Join(gaps, ", ")+"; by any abi: "+never, fix)
}

func (t tree) checkMemfd(r *Report) {
	switch e := executableMemfd(); e {
	case 0:
		r.add("executable memory files", OK, "can be made", "")
	case syscall.EACCES, syscall.EPERM:
		detail := "cannot be executed"
		if v, ok := t.sysctl("vm.memfd_noexec"); ok && v != 0 {
			detail = "vm.memfd_noexec is " + itoa(v)
		}
		r.add("executable memory files", Absent, detail, "as root: sysctl vm.memfd_noexec=1 (or 0), for the pid namespace that carrel starts from")
	default:
		r.add("executable memory files", Absent, "memfd_create: "+e.Error(), t.filterFix("memfd_create"))
	}
}

func (t tree) checkTerminal(r *Report) {
	v, ok := t.sysctl("dev.tty.legacy_tiocsti")
	if ok && v == 0 {
		r.add("terminal", OK, "dev.tty.legacy_tiocsti is 0: nobody types into a terminal that is not theirs", "")
		return
	}
	detail := "dev.tty.legacy_tiocsti is 1: a program with the caller's terminal could type into it"
	if !ok {
		detail = "this kernel has no dev.tty.legacy_tiocsti: a program with the caller's terminal could type into it"
	}
	r.add("terminal", Limited, detail+"; carrel gives the program another terminal",
		"as root: sysctl dev.tty.legacy_tiocsti=0 (linux 6.2 or newer)")
}
