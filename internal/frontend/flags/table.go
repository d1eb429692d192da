package flags

// Commands that a flag belongs to, as bits.
const (
	onRun uint8 = 1 << iota
	onSpec
	onPlan
	onDoctor
	onVersion

	onView = onRun | onSpec | onPlan // the commands that make a document
)

// flag is one row of the table of flags.
type flag struct {
	id    id
	word  string // without the dashes
	args  string // words that follow, as help shows them; "" for a switch
	n     uint8  // number of words that follow
	on    uint8  // commands
	wants string // what completion offers: file, dir, path, or one of the word lists; "" for nothing
	help  string // what it does; lower case, no final period
}

type id uint8

const (
	idPreset id = iota
	idPolicy
	idShare
	idNS
	idJoin
	idHostname
	idDomainname
	idBoottime
	idMonotonic
	idUID
	idGID
	idSubids
	idRootRange
	idAllowHostRoot
	idRO
	idRW
	idROAt
	idRWAt
	idTmpfs
	idDev
	idSymlink
	idDir
	idFile
	idFileAt
	idHide
	idProc
	idSys
	idRootfs
	idWritableRootfs
	idWorkdir
	idCapAdd
	idSeccomp
	idNoLandlock
	idAllowNewPrivs
	idLimit
	idFD
	idEnv
	idPassEnv
	idTTY
	idBestEffort
	idReceipt
	idJSON
	idHelp
)

// group is a heading of the help text and the flags below it.
type group struct {
	title string
	first id
}

var groups = [...]group{
	{"What to start from", idPreset},
	{"Namespaces", idShare},
	{"Identity", idUID},
	{"Files", idRO},
	{"Privilege", idCapAdd},
	{"Limits, descriptors, environment, terminal", idLimit},
	{"Reports", idBestEffort},
}

// table lists every flag in the order of its id.
var table = [...]flag{
	{idPreset, "preset", "NAME", 1, onView, "preset", "start from strict (the default), judge, dev or none"},
	{idPolicy, "policy", "FILE", 1, onView, "file", "read a policy file; flags win over it"},

	{idShare, "share", "NS[,NS]", 1, onView, "namespace", "keep the caller's namespaces: user, mount, pid, net, ipc, uts, cgroup, time or all"},
	{idNS, "ns", "NS[,NS]", 1, onView, "namespace", "make these namespaces new, on top of --preset none"},
	{idJoin, "join", "NS=PATH|PID", 1, onView, "join", "enter an existing namespace by the path of its file or by a process in it"},
	{idHostname, "hostname", "NAME", 1, onView, "", "host name inside (carrel where a preset makes a uts namespace)"},
	{idDomainname, "domainname", "NAME", 1, onView, "", "NIS domain name inside"},
	{idBoottime, "boottime-offset", "TIME", 1, onView, "", "shift the clock that counts from boot; the wall clock stays (for instance 1h30m, -5s, 86400)"},
	{idMonotonic, "monotonic-offset", "TIME", 1, onView, "", "shift the monotonic clock"},

	{idUID, "uid", "N", 1, onView, "", "user id inside"},
	{idGID, "gid", "N", 1, onView, "", "group id inside"},
	{idSubids, "subids", "", 0, onView, "", "map the caller's whole ranges of /etc/subuid and /etc/subgid"},
	{idRootRange, "root-range", "FIRST:COUNT", 1, onView, "", "host ids that stand for 0 and up when root is the caller (100000:65536)"},
	{idAllowHostRoot, "allow-host-root", "", 0, onView, "", "let the host's uid 0 be inside"},

	{idRO, "ro", "PATH", 1, onView, "path", "show a file or directory, read-only"},
	{idRW, "rw", "PATH", 1, onView, "path", "show a file or directory, writable"},
	{idROAt, "ro-at", "HOST INSIDE", 2, onView, "path", "show HOST at INSIDE, read-only"},
	{idRWAt, "rw-at", "HOST INSIDE", 2, onView, "path", "show HOST at INSIDE, writable"},
	{idTmpfs, "tmpfs", "PATH", 1, onView, "path", "an empty writable directory in memory; --tmpfs=SIZE PATH bounds it"},
	{idDev, "dev", "PATH", 1, onView, "path", "show a device of the host"},
	{idSymlink, "symlink", "TARGET PATH", 2, onView, "path", "make a symbolic link PATH that leads to TARGET"},
	{idDir, "dir", "PATH", 1, onView, "path", "make an empty directory"},
	{idFile, "file", "PATH=CONTENT", 1, onView, "", "make a file with this content; the first = splits"},
	{idFileAt, "file-at", "PATH CONTENT", 2, onView, "path", "the same for a path that has a ="},
	{idHide, "hide", "PATH", 1, onView, "path", "make a path unreadable, whether it exists or not"},
	{idProc, "proc", "PATH", 1, onView, "path", "mount a proc file system of the pid namespace"},
	{idSys, "sys", "PATH", 1, onView, "path", "show the host's /sys, read-only"},
	{idRootfs, "rootfs", "DIR", 1, onView, "dir", "use a directory as the root, read-only"},
	{idWritableRootfs, "writable-rootfs", "", 0, onView, "", "let the program write to the rootfs"},
	{idWorkdir, "workdir", "DIR", 1, onView, "dir", "start in this directory, as the program sees it"},

	{idCapAdd, "cap-add", "NAME[,NAME]", 1, onView, "capability", "give a capability of capabilities(7), or all"},
	{idSeccomp, "seccomp", "NAME|FILE", 1, onView, "seccomp", "system call filter: default, none or a file in the OCI format (with a slash or ending in .json)"},
	{idNoLandlock, "no-landlock", "", 0, onView, "", "leave out the second layer over the file policy"},
	{idAllowNewPrivs, "allow-new-privs", "", 0, onView, "", "let execve(2) give privileges, as set-user-id programs do"},

	{idLimit, "limit", "NAME=VALUE[,…]", 1, onView, "limit", "resource limit of prlimit(1): VALUE, SOFT:HARD or unlimited (nofile=1024, fsize=100MiB, cpu=5m)"},
	{idFD, "fd", "N[,N]", 1, onView, "", "pass open descriptors above 2"},
	{idEnv, "env", "NAME=VALUE", 1, onView, "", "set a variable"},
	{idPassEnv, "pass-env", "NAME[,NAME]", 1, onView, "variable", "pass variables of the caller's environment"},
	{idTTY, "tty", "WHEN", 1, onView, "tty", "a terminal of its own: auto (when stdin is one), always or never"},

	{idBestEffort, "best-effort", "", 0, onView, "", "go on without a layer that the host cannot give; the receipt says which"},
	{idReceipt, "receipt", "FILE", 1, onRun, "file", "write what was asked, how it is enforced and what the kernel shows (- for stderr)"},
	{idJSON, "json", "", 0, onView | onDoctor | onVersion, "", "print JSON"},
	{idHelp, "help", "", 0, onView | onDoctor | onVersion, "", "show this help"},
}

// command is one row of the table of commands.
type command struct {
	word string
	bit  uint8
	args string
	help string
}

var commands = [...]command{
	{"run", onRun, "[flags] [--] PROGRAM [ARG…]", "run a program in a sandbox"},
	{"spec", onSpec, "[flags] [--] PROGRAM [ARG…]", "print the OCI document that run would compile"},
	{"plan", onPlan, "[flags] [--] PROGRAM [ARG…]", "print the system calls that run would make; runs nothing"},
	{"doctor", onDoctor, "[--json]", "say what this host can and cannot do, with the fix for each"},
	{"completion", 0, "bash|zsh|fish", "print a completion script"},
	{"man", 0, "[carrel|carrel.yaml]", "print a manual page in troff"},
	{"version", onVersion, "[--json]", "print the version"},
	{"help", 0, "[COMMAND]", "show help"},
}

func commandWord(i int) string { return commands[i].word }
