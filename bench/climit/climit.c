/* The C limit: the system calls of carrel's strict preset in straight, static
 * C, with nothing parsed and nothing decided. It shows how fast a launcher
 * could be that does the same work one step after another; carrel makes the
 * network namespace beside the rest and may beat it where a core is free. It is
 * no launcher for real use: what it does is fixed, it says little about what
 * went wrong, and its payload does not wait for PID 1 to be out of reach.
 *
 *	gcc -O2 -static -DREAPER='"/path/reaper"' -DFILTER='"/path/filter.bpf"' -o climit climit.c
 *
 * REAPER is the program built from reaper.c; FILTER holds the bytes of a
 * seccomp filter (struct sock_filter, 8 bytes each). BENCH_FILTER in the
 * environment names another filter to load instead.
 *
 * Each step is one line in tree() (root.h), limits(), landlock() or payload():
 * add and remove lines there to follow what carrel plan -- /bin/true prints. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#if !defined(REAPER) || !defined(FILTER)
#error "build with -DREAPER=\"path\" and -DFILTER=\"path\""
#endif

/* Names that older C libraries lack; the numbers are the kernel's. */
#ifndef MFD_EXEC
#define MFD_EXEC 0x10
#endif
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif
enum {
	TREE_CLONE = 1,         /* OPEN_TREE_CLONE */
	RECURSIVE = 0x8000,     /* AT_RECURSIVE */
	FROM_EMPTY_PATH = 4,    /* MOVE_MOUNT_F_EMPTY_PATH */
	ATTR_RDONLY = 1, ATTR_NOSUID = 2, ATTR_NODEV = 4, ATTR_NOEXEC = 8, ATTR_IDMAP = 0x100000,
	FS_CLOEXEC = 1, FS_STRING = 1, FS_CREATE = 6, /* fsopen(2), fsconfig(2), fsmount(2) */
	CLOSE_CLOEXEC = 4,      /* CLOSE_RANGE_CLOEXEC */
	FIRST_ID = 100000, IDS = 65536,
	EXIT_SETUP = 125, EXIT_EXEC = 127,
};
#define CLEAN 0x80000000u /* in a status: PID 1 saw that no process is left */
struct mount_attributes { uint64_t set, clear, propagation, userns_fd; };
struct clone_arguments {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};
struct ruleset_attributes { uint64_t fs, net, scoped; };

__asm__(".section .rodata\n"
	".balign 8\n"
	"filter_start: .incbin \"" FILTER "\"\n"
	"filter_end:\n"
	"reaper_start: .incbin \"" REAPER "\"\n"
	"reaper_end:\n"
	".text\n");
extern const char filter_start[], filter_end[], reaper_start[], reaper_end[];

#define MUST(e) must((long)(e), #e, __LINE__)

static char **payload_argv;
static char *payload_env[6];
static char home_env[4200], home[4160], cwd[4096];
static struct sock_fprog filter;
static int reaper_fd, status_pipe[2], gate[2], as_root;
static char uid_map[32], gid_map[32];
static char payload_stack[16384] __attribute__((aligned(64)));

static long must(long r, const char *what, int line)
{
	if (r < 0) {
		fprintf(stderr, "climit: line %d: %s: %s\n", line, what, strerror(errno));
		_exit(EXIT_SETUP);
	}
	return r;
}

static void put(const char *path, const char *text)
{
	int f = MUST(open(path, O_WRONLY | O_CLOEXEC));
	MUST(write(f, text, strlen(text)));
	close(f);
}

#include "root.h"

static void network(void)
{
	struct ifreq q = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING | IFF_LOOPBACK};
	int s = MUST(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	MUST(ioctl(s, SIOCSIFFLAGS, &q));
	close(s);
}

/* limit lowers a limit; one that is lower already stays. */
static void limit(int which, rlim_t v)
{
	struct rlimit r;
	MUST(prlimit(0, which, 0, &r));
	r.rlim_cur = r.rlim_max = v < r.rlim_max ? v : r.rlim_max;
	MUST(prlimit(0, which, &r, 0));
}

static void limits(void)
{
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_NPROC, 1024);
	limit(RLIMIT_NOFILE, 20000);
}

static void no_capabilities(void)
{
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct none[2] = {0};
	MUST(prctl(PR_SET_SECUREBITS, SECURE_ALL_BITS | SECURE_ALL_LOCKS | SECBIT_NO_CAP_AMBIENT_RAISE
			| SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED));
	MUST(syscall(SYS_capset, &h, none));
}

static void capabilities(void)
{
	for (int c = 0; prctl(PR_CAPBSET_READ, c) >= 0; c++)
		MUST(prctl(PR_CAPBSET_DROP, c));
	MUST(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
	no_capabilities();
}

static void allow(int ruleset, const char *path, uint64_t access)
{
	struct landlock_path_beneath_attr a = {.allowed_access = access};
	a.parent_fd = MUST(open(path, O_PATH | O_CLOEXEC));
	MUST(syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &a, 0));
	close(a.parent_fd);
}

static void landlock(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, 0, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 1)
		return; /* this kernel has no Landlock, or it is off */
	/* The kernel's network rules are not asked for: the network namespace has no way out. */
	struct ruleset_attributes a = {
		.fs = ((1u << 13) - 1) | (abi >= 2) << 13 | (abi >= 3) << 14 | (abi >= 5) << 15,
	};
	uint64_t list = LANDLOCK_ACCESS_FS_READ_DIR, rx = list | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_EXECUTE;
	uint64_t rw = (list | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | 1u << 14) & a.fs;
	uint64_t all = a.fs & ~(uint64_t)(LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK);
	int f = MUST(syscall(SYS_landlock_create_ruleset, &a, sizeof a, 0));
	allow(f, "/", list);
	allow(f, "/usr", rx);
	allow(f, "/etc", rx);
	allow(f, "/proc", rw);
	allow(f, "/dev", rw | (a.fs & 1u << 15));
	allow(f, "/dev/shm", all);
	allow(f, "/tmp", all);
	allow(f, "/var/tmp", all);
	allow(f, home, all);
	allow(f, cwd, rx);
	MUST(syscall(SYS_landlock_restrict_self, f, 0));
	close(f);
}

static void signals(uint64_t blocked)
{
	MUST(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &blocked, 0, sizeof blocked));
}

static int payload(void *unused)
{
	(void)unused;
	capabilities();
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	setsid();
	MUST(chdir(cwd));
	landlock();
	limits();
	MUST(syscall(SYS_close_range, 3, ~0u, CLOSE_CLOEXEC));
	signals(0);
	MUST(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter));
	execve(payload_argv[0], payload_argv, payload_env);
	fprintf(stderr, "climit: exec %s: %s\n", payload_argv[0], strerror(errno));
	_exit(EXIT_EXEC);
}

/* An ordinary user maps itself. For root the parent writes the map, because
 * only a process outside may map ids other than its own. */
static void ids(void)
{
	char go;
	if (!as_root) {
		put("/proc/self/setgroups", "deny");
		put("/proc/self/uid_map", uid_map);
		put("/proc/self/gid_map", gid_map);
		return;
	}
	if (read(gate[0], &go, 1) != 1)
		_exit(EXIT_SETUP);
	MUST(setgroups(0, 0));
	MUST(setresgid(0, 0, 0));
	MUST(setresuid(0, 0, 0));
	MUST(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)); /* a change of ids cleared both */
	MUST(prctl(PR_SET_PDEATHSIG, SIGKILL));
}

static int init(void)
{
	char *av[] = {"init", 0}, *ev[] = {0};
	MUST(prctl(PR_SET_PDEATHSIG, SIGKILL));
	close(status_pipe[0]);
	MUST(write(status_pipe[1], "\x7f\0\0", 4)); /* fails if the launcher died before the line above but one */
	ids();
	put("/proc/sys/user/max_user_namespaces", "0");
	tree();
	network();
	MUST(sethostname("carrel", 6));
	signals(~0ull);
	MUST(clone(payload, payload_stack + sizeof payload_stack, CLONE_VM | CLONE_VFORK | SIGCHLD, 0));
	MUST(dup2(status_pipe[1], 0));
	MUST(syscall(SYS_close_range, 1, ~0u, CLOSE_CLOEXEC));
	no_capabilities();
	syscall(SYS_execveat, reaper_fd, "", av, ev, AT_EMPTY_PATH);
	fprintf(stderr, "climit: exec of the reaper: %s\n", strerror(errno));
	_exit(EXIT_SETUP);
}

/* start calls init in a new process. clone() of the C library cannot pass
 * CLONE_NEWTIME, whose bit is taken there by the exit signal, hence clone3.
 * With the launcher's memory shared, nothing is copied; elsewhere than on
 * x86_64 the child gets a copy. */
static pid_t start(uint64_t namespaces)
{
	struct clone_arguments a = {.flags = namespaces, .exit_signal = SIGCHLD};
#if defined(__x86_64__)
	static char init_stack[16384] __attribute__((aligned(64)));
	/* root must run on, to write the maps while the child waits for them */
	a.flags |= CLONE_VM | (as_root ? 0 : CLONE_VFORK);
	a.stack = (uintptr_t)init_stack;
	a.stack_size = sizeof init_stack;
	long r;
	register int (*entry)(void) __asm__("r12") = init;
	__asm__ volatile("syscall\n\t"
		"test %%rax, %%rax\n\t"
		"jnz 1f\n\t"
		"xor %%ebp, %%ebp\n\t"
		"call *%%r12\n\t"
		"1:"
		: "=a"(r) : "a"(SYS_clone3), "D"(&a), "S"(sizeof a), "r"(entry) : "rcx", "r11", "memory");
	if (r < 0) {
		errno = -r;
		return -1;
	}
	return r;
#else
	pid_t pid = syscall(SYS_clone3, &a, sizeof a);
	if (pid == 0)
		init();
	return pid;
#endif
}

static void write_maps(pid_t pid)
{
	char path[64], map[64];
	snprintf(map, sizeof map, "0 %d %d\n", FIRST_ID, IDS);
	snprintf(path, sizeof path, "/proc/%d/uid_map", pid);
	put(path, map);
	snprintf(path, sizeof path, "/proc/%d/gid_map", pid);
	put(path, map);
	MUST(write(gate[1], "", 1));
	snprintf(path, sizeof path, "/proc/%d/ns/user", pid);
	int userns = MUST(open(path, O_RDONLY | O_CLOEXEC)), work = clone_cwd(userns);
	hand(work);
	close(work);
	close(userns);
}

/* wait_for returns the payload's status. If PID 1 says that no process is left,
 * the launcher does not wait for the kernel to take the namespaces down. */
static uint32_t wait_for(pid_t pid)
{
	uint32_t status;
	int own;
	do {
		ssize_t n = read(status_pipe[0], &status, sizeof status);
		if (n != sizeof status) {
			MUST(waitpid(pid, &own, __WALL));
			return own;
		}
	} while ((status & 0xff) == 0x7f);
	if (!(status & CLEAN))
		MUST(waitpid(pid, &own, __WALL));
	return status & ~CLEAN;
}

static void load_filter(void)
{
	static struct sock_filter named[BPF_MAXINSNS];
	const char *path = getenv("BENCH_FILTER");
	filter.filter = (struct sock_filter *)filter_start;
	filter.len = (filter_end - filter_start) / sizeof *named;
	if (!path)
		return;
	int f = MUST(open(path, O_RDONLY | O_CLOEXEC));
	filter.filter = named;
	filter.len = MUST(read(f, named, sizeof named)) / sizeof *named;
	close(f);
}

/* The reaper is reopened for reading: a file open for writing cannot be executed. */
static void load_reaper(void)
{
	char path[40];
	int f = memfd_create("init", MFD_CLOEXEC | MFD_EXEC);
	if (f < 0 && errno == EINVAL) /* before Linux 6.3 there is no MFD_EXEC */
		f = memfd_create("init", MFD_CLOEXEC);
	MUST(f);
	MUST(write(f, reaper_start, reaper_end - reaper_start));
	snprintf(path, sizeof path, "/proc/self/fd/%d", f);
	reaper_fd = MUST(open(path, O_RDONLY | O_CLOEXEC));
	close(f);
}

int main(int argc, char **argv)
{
	const char *h = getenv("HOME");
	uint32_t status;
	if (argc < 2 || !h || *h != '/' || !h[1]) {
		fprintf(stderr, "usage: HOME=/folder climit /path/of/command [arg ...]\n");
		return 2;
	}
	payload_argv = argv + 1;
	snprintf(home, sizeof home, "%s", h);
	snprintf(home_env, sizeof home_env, "HOME=%s", h);
	payload_env[0] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	payload_env[1] = home_env;
	payload_env[2] = "SHELL=/bin/sh";
	payload_env[3] = "LANG=C";
	payload_env[4] = "TMPDIR=/tmp";
	MUST(getcwd(cwd, sizeof cwd) ? 0 : -1);
	snprintf(uid_map, sizeof uid_map, "%u %u 1\n", getuid(), getuid());
	snprintf(gid_map, sizeof gid_map, "%u %u 1\n", getgid(), getgid());
	as_root = geteuid() == 0;
	load_filter();
	load_reaper();
	MUST(pipe2(status_pipe, O_CLOEXEC));
	if (as_root)
		MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, gate));

	pid_t pid = MUST(start(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS
			| CLONE_NEWCGROUP | CLONE_NEWTIME));
	if (as_root)
		write_maps(pid);
	close(status_pipe[1]);
	status = wait_for(pid);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
