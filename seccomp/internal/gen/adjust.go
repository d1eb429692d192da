package main

// x32Only are the calls that have numbers of their own on x32
// (arch/x86/entry/syscalls/syscall_64.tbl, ABI "x32"), in order from 512.
var x32Only = [...]string{
	"rt_sigaction", "rt_sigreturn", "ioctl", "readv", "writev", "recvfrom", "sendmsg",
	"recvmsg", "execve", "ptrace", "rt_sigpending", "rt_sigtimedwait", "rt_sigqueueinfo",
	"sigaltstack", "timer_create", "mq_notify", "kexec_load", "waitid", "set_robust_list",
	"get_robust_list", "vmsplice", "move_pages", "preadv", "pwritev", "rt_tgsigqueueinfo",
	"recvmmsg", "sendmmsg", "process_vm_readv", "process_vm_writev", "setsockopt",
	"getsockopt", "io_setup", "io_submit", "execveat", "preadv2", "pwritev2",
}

// notX32 are the calls that x86_64 has and x32 has not (same table, ABI "64",
// without those that x32Only renumbers).
var notX32 = [...]string{
	"_sysctl", "create_module", "epoll_ctl_old", "epoll_wait_old", "get_kernel_syms",
	"get_thread_area", "nfsservctl", "query_module", "set_thread_area", "uprobe",
	"uretprobe", "uselib", "vserver",
}

// armPrivate are the calls of arch/arm/include/uapi/asm/unistd.h that lie
// above the common range, from 0x0f0001.
var armPrivate = [...]string{"breakpoint", "cacheflush", "usr26", "usr32", "set_tls", "get_tls"}

// adjust turns the numbers of golang.org/x/sys into those of one table.
func adjust(table string, nums map[string]uint32) {
	switch table {
	case "x32":
		for _, name := range notX32 {
			delete(nums, name)
		}
		for i, name := range x32Only {
			nums[name] = 512 + uint32(i)
		}
	case "arm32":
		delete(nums, "syscall_mask")
		for i, name := range armPrivate {
			nums[name] = 0x0f0001 + uint32(i)
		}
		nums["sync_file_range2"] = nums["arm_sync_file_range"]
	case "aarch64":
		// golang.org/x/sys keeps the name that the kernel gives only to 32-bit
		// architectures.
		if nr, ok := nums["fstatat"]; ok {
			nums["newfstatat"] = nr
			delete(nums, "fstatat")
		}
	}
}

// widenX32 marks every argument of the renumbered calls as 32 bits wide: their
// handlers take compat types. The other x32 calls share the x86_64 handlers.
func widenX32(rows []call) {
	for i := range rows {
		if rows[i].nr >= 512 {
			rows[i].narrow = 0x3f
		}
	}
}
