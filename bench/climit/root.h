/* The new root of the C limit: a part of climit.c, which includes it after the
 * names that it needs. Each step of the view is one line in masks(), dev(),
 * root() or tree(). */

/* hand sends a descriptor to the child, and receive takes it there: only a
 * process outside may map the ids of a mount of the host. */
static void hand(int fd)
{
	union { char room[CMSG_SPACE(sizeof(int))]; struct cmsghdr h; } c = {{0}};
	char byte = 0;
	struct iovec v = {&byte, 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof c};
	c.h = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fd)};
	memcpy(CMSG_DATA(&c.h), &fd, sizeof fd);
	MUST(sendmsg(gate[1], &m, 0));
}

static int receive(void)
{
	union { char room[CMSG_SPACE(sizeof(int))]; struct cmsghdr h; } c;
	char byte;
	int fd;
	struct iovec v = {&byte, 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof c};
	MUST(recvmsg(gate[0], &m, MSG_CMSG_CLOEXEC));
	if (m.msg_controllen < sizeof c.h)
		_exit(EXIT_SETUP);
	memcpy(&fd, CMSG_DATA(&c.h), sizeof fd);
	return fd;
}

/* directory makes a path, relative to the new root, with its parents. */
static void directory(const char *path, mode_t mode)
{
	char part[4200];
	snprintf(part, sizeof part, "%s", path + (*path == '/'));
	for (char *p = part; (p = strchr(p, '/')); p++) {
		*p = 0;
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			MUST(-1);
		*p = '/';
	}
	if (mkdir(part, mode) < 0 && errno != EEXIST)
		MUST(-1);
}

static void tmpfs(const char *path, const char *options)
{
	directory(path, 0755);
	MUST(mount("tmpfs", path + (*path == '/'), "tmpfs", MS_NOSUID | MS_NODEV, options));
}

static void attributes(int fd, const char *path, int flags, struct mount_attributes a)
{
	MUST(syscall(SYS_mount_setattr, fd, path, flags | (*path ? 0 : AT_EMPTY_PATH), &a, sizeof a));
}

static void closed(int fd, const char *path)
{
	attributes(fd, path, RECURSIVE, (struct mount_attributes){.set = ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV});
}

static void bind_closed(const char *path)
{
	directory(path, 0755);
	MUST(mount(path, path + 1, 0, MS_BIND | MS_REC, 0));
	closed(AT_FDCWD, path + 1);
}

/* merged gives the new root what the host has at /bin and the like: a link
 * into /usr, or a directory of its own, or nothing. */
static void merged(const char *path)
{
	char to[64];
	ssize_t n = readlink(path, to, sizeof to - 1);
	if (n >= 0) {
		to[n] = 0;
		MUST(symlink(to, path + 1));
	} else if (errno == EINVAL) {
		bind_closed(path);
	}
}

static void device(const char *path)
{
	MUST(mknod(path + 1, S_IFREG | 0666, 0));
	MUST(mount(path, path + 1, 0, MS_BIND, 0));
}

/* An entry of /proc that this kernel lacks needs no mask. */
static void masked_file(const char *path)
{
	if (mount("/dev/null", path, 0, MS_BIND, 0) < 0 && errno != ENOENT)
		MUST(-1);
}

static void masked_directory(const char *path)
{
	if (mount("tmpfs", path, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=4k,nr_inodes=2") < 0 && errno != ENOENT)
		MUST(-1);
}

static void readonly(const char *path)
{
	if (mount(path, path, 0, MS_BIND | MS_REC, 0) < 0) {
		if (errno != ENOENT)
			MUST(-1);
		return;
	}
	attributes(AT_FDCWD, path, RECURSIVE, (struct mount_attributes){.set = ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC});
}

/* The masks come after all else, so that no mount below /proc is masked too early. */
static void masks(void)
{
	masked_directory("proc/acpi");
	masked_directory("proc/asound");
	masked_directory("proc/scsi");
	masked_file("proc/interrupts");
	masked_file("proc/kcore");
	masked_file("proc/keys");
	masked_file("proc/latency_stats");
	masked_file("proc/sched_debug");
	masked_file("proc/timer_list");
	masked_file("proc/timer_stats");
	readonly("proc/bus");
	readonly("proc/fs");
	readonly("proc/irq");
	readonly("proc/sys");
	readonly("proc/sysrq-trigger");
}

static void dev(void)
{
	MUST(mkdir("dev", 0755));
	device("/dev/null");
	device("/dev/zero");
	device("/dev/full");
	device("/dev/random");
	device("/dev/urandom");
	device("/dev/tty");
	MUST(symlink("/proc/self/fd", "dev/fd"));
	MUST(symlink("/proc/self/fd/0", "dev/stdin"));
	MUST(symlink("/proc/self/fd/1", "dev/stdout"));
	MUST(symlink("/proc/self/fd/2", "dev/stderr"));
	MUST(symlink("pts/ptmx", "dev/ptmx"));
	MUST(mkdir("dev/pts", 0755));
	MUST(mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620"));
	tmpfs("/dev/shm", "mode=1777");
}

/* root makes the new root and steps into it. The working directory is the top
 * of the new root from here on. */
static void root(void)
{
	int f, top;
	attributes(AT_FDCWD, "/", RECURSIVE, (struct mount_attributes){.propagation = MS_PRIVATE});
	f = MUST(syscall(SYS_fsopen, "tmpfs", FS_CLOEXEC));
	MUST(syscall(SYS_fsconfig, f, FS_STRING, "mode", "0755", 0));
	MUST(syscall(SYS_fsconfig, f, FS_STRING, "size", "67108864", 0));
	MUST(syscall(SYS_fsconfig, f, FS_CREATE, 0, 0, 0));
	top = MUST(syscall(SYS_fsmount, f, FS_CLOEXEC, ATTR_NOSUID | ATTR_NODEV));
	close(f);
	MUST(syscall(SYS_move_mount, top, "", AT_FDCWD, "/", FROM_EMPTY_PATH));
	MUST(fchdir(top));
}

/* clone_cwd returns a closed copy of the mount of the working directory. For
 * root its files belong to the sandbox's ids as they do to the host's. */
static int clone_cwd(int userns)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
	int f = MUST(syscall(SYS_openat2, AT_FDCWD, cwd, &how, sizeof how));
	int tree = MUST(syscall(SYS_open_tree, f, "", TREE_CLONE | RECURSIVE | O_CLOEXEC | AT_EMPTY_PATH));
	struct mount_attributes a = {.set = ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV};
	close(f);
	if (userns >= 0) {
		a.set |= ATTR_IDMAP;
		a.userns_fd = userns;
	}
	attributes(tree, "", RECURSIVE, a);
	return tree;
}

static void tree(void)
{
	int work;
	root();
	bind_closed("/usr");
	merged("/bin");
	merged("/sbin");
	merged("/lib");
	merged("/lib32");
	merged("/lib64");
	bind_closed("/etc");
	MUST(mkdir("proc", 0755));
	MUST(mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, 0));
	dev();
	tmpfs("/tmp", "mode=1777");
	tmpfs("/var/tmp", "mode=1777");
	MUST(mkdir("run", 0755));
	MUST(symlink("/run", "var/run"));
	tmpfs(home, "mode=0700");
	directory(cwd, 0755);
	work = as_root ? receive() : clone_cwd(-1);
	MUST(syscall(SYS_move_mount, work, "", AT_FDCWD, cwd + 1, FROM_EMPTY_PATH));
	close(work);
	masks();
	attributes(AT_FDCWD, ".", 0, (struct mount_attributes){.set = ATTR_RDONLY});
	MUST(syscall(SYS_pivot_root, ".", "."));
	MUST(umount2(".", MNT_DETACH));
}
