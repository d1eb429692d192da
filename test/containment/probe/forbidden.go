package main

import "golang.org/x/sys/unix"

// forbidden makes calls that need privilege or have had more than their share of errors, with arguments that ask for nothing
// possible: where the call gets through, the kernel refuses the arguments.
func forbidden([]string) {
	bad := ^uintptr(0)
	for _, one := range []struct {
		name string
		nr   uintptr
		args []uintptr
	}{
		{"bpf", unix.SYS_BPF, []uintptr{5, 0, 0}},
		{"perf_event_open", unix.SYS_PERF_EVENT_OPEN, []uintptr{0, bad, bad, bad, bad}},
		{"userfaultfd", unix.SYS_USERFAULTFD, []uintptr{0xffff0000}},
		{"kexec_load", unix.SYS_KEXEC_LOAD, []uintptr{0, 1 << 20, 0, 0xffff}},
		{"init_module", unix.SYS_INIT_MODULE, []uintptr{0, 0, 0}},
		{"finit_module", unix.SYS_FINIT_MODULE, []uintptr{bad, 0, 0xffff}},
		{"delete_module", unix.SYS_DELETE_MODULE, []uintptr{0, 0}},
		{"swapon", unix.SYS_SWAPON, []uintptr{0, bad}},
		{"swapoff", unix.SYS_SWAPOFF, []uintptr{0}},
		{"reboot", unix.SYS_REBOOT, []uintptr{0, 0, 0, 0}},
		{"acct", unix.SYS_ACCT, []uintptr{1}},
		{"quotactl", unix.SYS_QUOTACTL, []uintptr{bad, 1, 0, 0}},
		{"mount", unix.SYS_MOUNT, []uintptr{0, 1, 0, 0, 0}},
		{"umount2", unix.SYS_UMOUNT2, []uintptr{1, 0}},
		{"pivot_root", unix.SYS_PIVOT_ROOT, []uintptr{1, 1}},
		{"fanotify_init", unix.SYS_FANOTIFY_INIT, []uintptr{0xffff, bad}},
		{"lookup_dcookie", unix.SYS_LOOKUP_DCOOKIE, []uintptr{0, 0, 0}},
		{"syslog", unix.SYS_SYSLOG, []uintptr{10, 0, 0}},
		{"keyctl", unix.SYS_KEYCTL, []uintptr{0, ^uintptr(2), 0}},
		{"add_key", unix.SYS_ADD_KEY, []uintptr{0, 0, 0, 0, 0}},
		{"request_key", unix.SYS_REQUEST_KEY, []uintptr{0, 0, 0, 0}},
		{"open_by_handle_at", unix.SYS_OPEN_BY_HANDLE_AT, []uintptr{bad, 0, 0}},
		{"move_pages", unix.SYS_MOVE_PAGES, []uintptr{0, 0, 0, 0, 0, 0xffff}},
		{"setns", unix.SYS_SETNS, []uintptr{bad, 0}},
	} {
		say(one.name, call(one.nr, one.args...))
	}
}
