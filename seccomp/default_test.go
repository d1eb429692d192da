package seccomp

import (
	"bytes"
	"testing"
)

// TestDefaultFilter compiles the default profile again and compares it with the
// filters that the package embeds ("go generate ./seccomp" rewrites them).
func TestDefaultFilter(t *testing.T) {
	for _, arch := range []string{"amd64", "arm64"} {
		have, ok := DefaultFilter(arch)
		if !ok {
			t.Fatalf("%s: no default filter", arch)
		}
		f, err := Compile(DefaultProfile(), Target{Arch: arch})
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal([]byte(have), f.Bytes()) {
			t.Errorf("%s: the embedded filter is not what default.json compiles to; run go generate ./seccomp", arch)
		}
	}
	if _, ok := DefaultFilter("riscv64"); ok {
		t.Error("a default filter for an architecture without tables")
	}
	if _, warnings, err := Parse([]byte(DefaultJSON())); err != nil || len(warnings) > 0 {
		t.Errorf("default.json: %v %v", warnings, err)
	}
}

// run looks up a call by name and runs it through the default filter.
type run struct {
	t *testing.T
	f *Filter
	a *abi
}

func (r run) want(name string, want uint32, args ...uint64) {
	r.t.Helper()
	c := r.a.find(name)
	if c == nil {
		return
	}
	x := Data{Nr: r.a.bit + c.nr, Arch: r.a.audit}
	copy(x.Args[:], args)
	if have, _ := Simulate(r.f.Insns, x); have != want {
		r.t.Errorf("%s: %s%#x: have %s, want %s", r.a.scmp, name, args, appendRet(nil, have), appendRet(nil, want))
	}
}

// onDefault calls check for each ABI that the default profile opens.
func onDefault(t *testing.T, check func(r run), caps ...string) {
	t.Helper()
	for _, arch := range []string{"amd64", "arm64"} {
		f, err := Compile(DefaultProfile(), Target{Arch: arch, Caps: caps})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range DefaultProfile().abis(arch) {
			check(run{t, f, a})
		}
	}
}

const (
	allowed = uint32(Allow)
	eperm   = uint32(Errno) | 1
	enosys  = uint32(Errno) | 38
)

// TestNamespaces: no way to a new namespace, threads and processes still start.
func TestNamespaces(t *testing.T) {
	flags := map[string]uint64{"NEWNS": 0x20000, "NEWCGROUP": 0x2000000, "NEWUTS": 0x4000000, "NEWIPC": 0x8000000,
		"NEWUSER": 0x10000000, "NEWPID": 0x20000000, "NEWNET": 0x40000000, "NEWTIME": 0x80}
	onDefault(t, func(r run) {
		for _, f := range flags {
			if f != 0x80 {
				r.want("clone", eperm, f|17)
				r.want("clone", eperm, 1<<32|f)
			}
			r.want("unshare", eperm, f)
			r.want("setns", eperm, 3, f)
		}
		r.want("setns", eperm, 3, 0)
		r.want("clone3", enosys, 0x1000, 88)
		r.want("clone", allowed, 17)
		r.want("clone", allowed, 0x3d0f00) // pthread_create
		r.want("clone", allowed, 0x4111)   // vfork of posix_spawn
		r.want("unshare", allowed, 0)
		r.want("unshare", allowed, 0x600)
	})
	onDefault(t, func(r run) {
		for _, f := range flags {
			r.want("clone", allowed, f|17)
			r.want("unshare", allowed, f)
			r.want("setns", allowed, 3, f)
		}
		r.want("clone3", allowed)
	}, "CAP_SYS_ADMIN")
}

// TestMountCalls: the old and the new mount interface, and numbers that do not
// exist yet.
func TestMountCalls(t *testing.T) {
	onDefault(t, func(r run) {
		for _, name := range []string{"mount", "umount", "umount2", "pivot_root", "chroot", "open_tree", "move_mount",
			"fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr", "open_tree_attr"} {
			r.want(name, eperm)
		}
		last := r.a.last(Version{})
		for n := uint32(1); n <= 64; n++ {
			if have, _ := Simulate(r.f.Insns, Data{Nr: last + n, Arch: r.a.audit}); have != enosys {
				t.Errorf("%s: number %d: have %s, want ENOSYS", r.a.scmp, last+n, appendRet(nil, have))
			}
		}
	})
}

// TestTerminalRequests: TIOCSTI and its like are found whatever the high half
// of the register holds; ordinary requests pass.
func TestTerminalRequests(t *testing.T) {
	onDefault(t, func(r run) {
		for _, cmd := range []uint64{0x5412, 0x541c, 0x541d, 0x5423, 0x4b47, 0x4b49, 0x4b4b, 0x4bfb, 0x4b4d} {
			for _, hi := range []uint64{0, 1, 0x80000000, 0xffffffff} {
				r.want("ioctl", eperm, 0, hi<<32|cmd)
			}
		}
		// TCGETS, TIOCSCTTY, TIOCGPGRP, TIOCGWINSZ, FIONREAD, TIOCGPTPEER, FICLONE.
		for _, cmd := range []uint64{0x5401, 0x540e, 0x540f, 0x5413, 0x541b, 0x5441, 0x40049409} {
			r.want("ioctl", allowed, 0, cmd)
		}
	})
}

// TestEntries: other ways into the kernel.
func TestEntries(t *testing.T) {
	f, err := Compile(DefaultProfile(), Target{Arch: "amd64"})
	if err != nil {
		t.Fatal(err)
	}
	for nr := uint32(0); nr < 600; nr++ {
		if have, _ := Simulate(f.Insns, Data{Nr: x32Bit | nr, Arch: AuditArchX8664}); have != enosys {
			t.Errorf("x32 number %d: have %s, want ENOSYS", nr, appendRet(nil, have))
		}
		if have, _ := Simulate(f.Insns, Data{Nr: nr, Arch: AuditArchAarch64}); have != uint32(KillProcess) {
			t.Errorf("foreign architecture, number %d: have %s", nr, appendRet(nil, have))
		}
	}
	i386 := run{t, f, &abiI386}
	i386.want("socketcall", enosys, 1)
	i386.want("mount", eperm)
	i386.want("getpid", allowed)
	i386.want("socket", eperm, 38)
}

// TestRings: io_uring is hidden.
func TestRings(t *testing.T) {
	onDefault(t, func(r run) {
		for _, name := range []string{"io_uring_setup", "io_uring_enter", "io_uring_register"} {
			r.want(name, enosys)
		}
	})
}

// TestFamilies sweeps the address families of sockets.
func TestFamilies(t *testing.T) {
	onDefault(t, func(r run) {
		for family := uint64(0); family <= 64; family++ {
			for _, kind := range []uint64{1, 2, 3, 5, 1 | 0x80000} {
				for proto := uint64(0); proto <= 22; proto++ {
					want := eperm
					switch {
					case family == 1 || family == 2 || family == 10 || family == 16 && proto == 0:
						want = allowed
					case family == 16 && proto == 9:
						want = uint32(Errno) | 93
					}
					r.want("socket", want, family, kind, proto)
					r.want("socket", want, 1<<32|family, kind, 1<<63|proto)
				}
			}
			want := eperm
			if family == 1 {
				want = allowed
			}
			r.want("socketpair", want, family, 1, 0)
		}
	})
	onDefault(t, func(r run) { r.want("socket", allowed, 17, 3, 0x300) }, "CAP_NET_RAW")
	onDefault(t, func(r run) { r.want("socket", allowed, 16, 3, 12) }, "CAP_NET_ADMIN")
	onDefault(t, func(r run) { r.want("socket", allowed, 16, 3, 9) }, "CAP_AUDIT_WRITE")
}

// TestPrivileged: calls that no ordinary program makes.
func TestPrivileged(t *testing.T) {
	onDefault(t, func(r run) {
		for _, name := range []string{"bpf", "perf_event_open", "userfaultfd", "kexec_load", "kexec_file_load",
			"init_module", "finit_module", "delete_module", "swapon", "swapoff", "reboot", "acct", "quotactl",
			"quotactl_fd", "open_by_handle_at", "name_to_handle_at", "process_vm_readv", "process_vm_writev",
			"pidfd_getfd", "kcmp", "keyctl", "add_key", "request_key", "fanotify_init", "lookup_dcookie",
			"nfsservctl", "settimeofday", "clock_settime", "adjtimex", "clock_adjtime", "sethostname",
			"setdomainname", "syslog", "vhangup", "iopl", "ioperm", "modify_ldt", "vm86", "uselib"} {
			r.want(name, eperm)
		}
		for _, v := range []uint64{0, 8, 0x20000, 0x20008, 0xffffffff, ^uint64(0)} {
			r.want("personality", allowed, v)
		}
		for _, v := range []uint64{1, 9, 0x40000, 0x400000, 0xfffffffe} {
			r.want("personality", eperm, v)
		}
	})
}

// TestOrdinary: calls without which programs do not run.
func TestOrdinary(t *testing.T) {
	onDefault(t, func(r run) {
		for _, name := range []string{"read", "write", "openat", "mmap", "mmap2", "mprotect", "execve",
			"execveat", "futex", "futex_time64", "futex_waitv", "rt_sigreturn", "sigreturn", "exit_group",
			"restart_syscall", "rseq", "set_robust_list", "memfd_create", "landlock_create_ruleset", "seccomp",
			"prctl", "ptrace", "fchown", "fchownat", "mknodat", "setresuid", "setgroups", "capset", "getrandom",
			"statx", "newfstatat", "fstatat64", "fchmodat2", "close_range", "epoll_pwait2", "pidfd_open",
			"pidfd_send_signal", "inotify_add_watch", "timerfd_create", "copy_file_range", "fallocate", "flock",
			"fcntl", "fcntl64", "sched_setaffinity", "waitid", "wait4", "kill", "tgkill", "mseal", "set_tls",
			"cacheflush", "set_thread_area", "arch_prctl", "shmget", "semtimedop", "ipc"} {
			r.want(name, allowed)
		}
	})
}
