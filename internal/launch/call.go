package launch

// Call names one system call that a program may make, or one of the pseudo calls that the interpreter does itself.
type Call uint8

// The calls that a launch program can make. Path-taking calls exist in their *at form only, so that one list serves
// amd64 and arm64.
const (
	None Call = iota
	Prctl
	Openat
	Openat2
	Close
	CloseRange
	Write
	Dup3
	Fcntl
	Ioctl
	Socket
	Mount
	Umount2
	PivotRoot
	Chdir
	Fchdir
	Chroot
	Mkdirat
	Mknodat
	Symlinkat
	OpenTree
	MoveMount
	MountSetattr
	Fsopen
	Fsconfig
	Fsmount
	Sethostname
	Setdomainname
	Setns
	Unshare
	Setsid
	Setpgid
	Setgroups
	Setresuid
	Setresgid
	Capset
	Prlimit
	LandlockCreateRuleset
	LandlockRestrictSelf
	Seccomp
	RtSigprocmask
	Umask
	Execve
	Execveat

	// Spawn starts the plan's payload program in a new child; the result is a pidfd of it.
	Spawn
	// Sync tells the parent that stage A0 is reached and waits until the parent lets it pass.
	Sync
	// Post raises flag A0; Wait waits until the other program has raised it. A program that waits for one that failed ends.
	Post
	Wait
	// Commit marks the set-up as complete: a payload that waits in Await may go on once the set-up process has executed init.
	Commit
	// Await waits until the set-up process has executed init, and ends the payload if the set-up was not complete by then.
	Await
	// PathBeneath makes landlock_add_rule(2) for the ruleset A0, the directory or file A1 and the access rights A2.
	PathBeneath
	// Recv receives one descriptor on the socket A0; the result is its number.
	Recv
	// Gate waits for the parent without a system call, so that it works under any seccomp filter.
	Gate

	numCalls
)

// callInfo is one row of the table: the name, the numbers, what each argument is, by a letter (see verify_data.go for pointers
// and format.go for how all print), and whether the call needs a privilege or a freedom that a seccomp filter may take away, so that it must come before the filter.
type callInfo struct {
	name  string
	amd64 int16
	arm64 int16
	sig   string
	early bool
}

var calls = [numCalls]callInfo{
	None:                  {"none", -1, -1, "", false},
	Prctl:                 {"prctl", 157, 167, "Pxxxx", true},
	Openat:                {"openat", 257, 56, "DpOo", false},
	Openat2:               {"openat2", 437, 437, "DpHd", true},
	Close:                 {"close", 3, 57, "d", false},
	CloseRange:            {"close_range", 436, 436, "ddx", false},
	Write:                 {"write", 1, 64, "dbd", false},
	Dup3:                  {"dup3", 292, 24, "ddx", false},
	Fcntl:                 {"fcntl", 72, 25, "ddx", false},
	Ioctl:                 {"ioctl", 16, 29, "dxi", true},
	Socket:                {"socket", 41, 198, "ddd", true},
	Mount:                 {"mount", 165, 40, "pppMp", true},
	Umount2:               {"umount2", 166, 39, "px", true},
	PivotRoot:             {"pivot_root", 155, 41, "pp", true},
	Chdir:                 {"chdir", 80, 49, "p", false},
	Fchdir:                {"fchdir", 81, 50, "d", false},
	Chroot:                {"chroot", 161, 51, "p", true},
	Mkdirat:               {"mkdirat", 258, 34, "Dpo", false},
	Mknodat:               {"mknodat", 259, 33, "Dpox", false},
	Symlinkat:             {"symlinkat", 266, 36, "pDp", false},
	OpenTree:              {"open_tree", 428, 428, "DpT", true},
	MoveMount:             {"move_mount", 429, 429, "DpDpx", true},
	MountSetattr:          {"mount_setattr", 442, 442, "DpxAd", true},
	Fsopen:                {"fsopen", 430, 430, "px", true},
	Fsconfig:              {"fsconfig", 431, 431, "ddppd", true},
	Fsmount:               {"fsmount", 432, 432, "dxx", true},
	Sethostname:           {"sethostname", 170, 161, "bd", true},
	Setdomainname:         {"setdomainname", 171, 162, "bd", true},
	Setns:                 {"setns", 308, 268, "dN", true},
	Unshare:               {"unshare", 272, 97, "N", true},
	Setsid:                {"setsid", 112, 157, "", false},
	Setpgid:               {"setpgid", 109, 154, "dd", false},
	Setgroups:             {"setgroups", 116, 159, "dG", true},
	Setresuid:             {"setresuid", 117, 147, "ddd", true},
	Setresgid:             {"setresgid", 119, 149, "ddd", true},
	Capset:                {"capset", 126, 91, "hC", true},
	Prlimit:               {"prlimit", 302, 261, "dRLL", true},
	LandlockCreateRuleset: {"landlock_create_ruleset", 444, 444, "Udd", true},
	LandlockRestrictSelf:  {"landlock_restrict_self", 446, 446, "dx", true},
	Seccomp:               {"seccomp", 317, 277, "dxS", false},
	RtSigprocmask:         {"rt_sigprocmask", 14, 135, "dmmd", true},
	Umask:                 {"umask", 95, 166, "o", false},
	Execve:                {"execve", 59, 221, "pVV", false},
	Execveat:              {"execveat", 322, 281, "DpVVx", false},
	Spawn:                 {"spawn", -1, -1, "", true},
	Sync:                  {"sync", -1, -1, "d", true},
	Post:                  {"post", -1, -1, "d", true},
	Wait:                  {"wait", -1, -1, "d", true},
	Commit:                {"commit", -1, -1, "", true},
	Await:                 {"await", -1, -1, "", true},
	PathBeneath:           {"landlock_add_rule", -1, -1, "ddF", true},
	Recv:                  {"recv", -1, -1, "d", true},
	Gate:                  {"gate", -1, -1, "", false},
}

// String returns the system call's name as in the man pages.
func (c Call) String() string {
	if c < numCalls {
		return calls[c].name
	}
	return "call?"
}

// Pseudo reports whether the interpreter does the call itself.
func (c Call) Pseudo() bool { return c >= Spawn && c < numCalls }

// Number returns the system call's number on an architecture named as in GOARCH ("amd64" or "arm64"), or -1 for pseudo calls
// and unknown architectures.
func (c Call) Number(arch string) int {
	if c >= numCalls {
		return -1
	}
	switch arch {
	case "amd64":
		return int(calls[c].amd64)
	case "arm64":
		return int(calls[c].arm64)
	}
	return -1
}
