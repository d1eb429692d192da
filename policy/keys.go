package policy

// key is one row of the table of keys: what Parse reads, what Format writes and what the schema says come from it.
type key struct {
	word string
	form form
	help string
}

// form is the form that a key's value takes.
type form uint8

const (
	formExtends form = iota
	formNamespaces
	formJoin
	formName // host name
	formTime
	formID
	formBool
	formRange
	formEntries
	formPath
	formCapabilities
	formSeccomp
	formLimits
	formFDs
	formEnv
	formVarNames
	formTTY
)

var keys = [...]key{
	{"extends", formExtends, "preset (strict, judge, dev or none) or policy file, relative to this one, to start from"},
	{"share", formNamespaces, "namespaces kept from the caller"},
	{"ns", formNamespaces, "namespaces made new, on top of preset none"},
	{"join", formJoin, "existing namespaces to enter, each by the path of its file or by a process id"},
	{"hostname", formName, "host name inside"},
	{"domainname", formName, "NIS domain name inside"},
	{"boottime-offset", formTime, "shift of the clock that counts from boot, in seconds or as 1h30m; the wall clock stays"},
	{"monotonic-offset", formTime, "shift of the monotonic clock"},
	{"uid", formID, "user id inside"},
	{"gid", formID, "group id inside"},
	{"subids", formBool, "map the caller's whole ranges of /etc/subuid and /etc/subgid"},
	{"root-range", formRange, "host ids, FIRST:COUNT, that stand for 0 and up when root is the caller"},
	{"allow-host-root", formBool, "let the host's uid 0 be inside"},
	{"fs", formEntries, "files and directories to show, hide or make, in this order; later wins"},
	{"rootfs", formPath, "directory to use as the root, read-only"},
	{"writable-rootfs", formBool, "let the program write to the rootfs"},
	{"workdir", formPath, "directory to start in, as the program sees it"},
	{"cap-add", formCapabilities, "capabilities of capabilities(7) to give, or all"},
	{"seccomp", formSeccomp, "system call filter: default, none or a file in the OCI format (with a slash or ending in .json)"},
	{"landlock", formBool, "the second layer over the file policy"},
	{"no-new-privs", formBool, "execve(2) gives no privileges"},
	{"limit", formLimits, "resource limits of prlimit(1)"},
	{"fd", formFDs, "open descriptors above 2 to pass"},
	{"env", formEnv, "variables to set"},
	{"pass-env", formVarNames, "variables of the caller's environment to pass"},
	{"tty", formTTY, "a terminal of its own: auto (when stdin is one), always or never"},
	{"best-effort", formBool, "go on without a layer that the host cannot give; the receipt says which"},
}

func keyWord(i int) string { return keys[i].word }

// entryKind is one row of the table of file system entries.
type entryKind struct {
	kind   Kind
	option string // the key that may stand beside it
	must   bool   // and must
	help   string
}

var entryKinds = [...]entryKind{
	{RO, "from", false, "show a file or directory, read-only; from: another host path"},
	{RW, "from", false, "show a file or directory, writable; from: another host path"},
	{Tmpfs, "size", false, "an empty writable directory in memory; size: its bound"},
	{Dev, "from", false, "show a device of the host"},
	{Symlink, "to", true, "make a symbolic link; to: its target"},
	{Dir, "", false, "make an empty directory"},
	{File, "content", true, "make a file; content: what it holds"},
	{Hide, "", false, "make a path unreadable, whether it exists or not"},
	{Proc, "", false, "mount a proc file system of the pid namespace"},
	{Sys, "", false, "show the host's /sys, read-only"},
}

func entryWord(i int) string { return string(entryKinds[i].kind) }

// KeyHelp is one row of the reference of a policy file.
type KeyHelp struct {
	Word  string // the key
	Value string // the form of its value, in words
	Help  string // what it does; lower case, no final period
}

// Keys returns the reference of all keys of a policy file, in the order of the documentation.
func Keys() []KeyHelp {
	out := make([]KeyHelp, 0, len(keys))
	for i := range keys {
		out = append(out, KeyHelp{keys[i].word, formWords(keys[i].form), keys[i].help})
	}
	return out
}

// EntryKeys returns the reference of the entries of the key fs; Value holds the key that may or must stand beside.
func EntryKeys() []KeyHelp {
	out := make([]KeyHelp, 0, len(entryKinds))
	for i := range entryKinds {
		out = append(out, KeyHelp{entryWord(i), entryKinds[i].option, entryKinds[i].help})
	}
	return out
}

// formWords says in words what a value looks like.
func formWords(f form) string {
	switch f {
	case formNamespaces:
		return "list of user, mount, pid, net, ipc, uts, cgroup, time; or all"
	case formJoin:
		return "mapping of namespace to path or process id"
	case formTime:
		return "seconds, or a time such as 1h30m or -5s"
	case formID:
		return "number"
	case formBool:
		return "true or false"
	case formRange:
		return "FIRST:COUNT"
	case formEntries:
		return "list of entries"
	case formPath:
		return "path"
	case formCapabilities:
		return "list of names"
	case formLimits:
		return "mapping of name to VALUE or SOFT:HARD; unlimited is a value, and so is 0"
	case formFDs:
		return "list of numbers"
	case formEnv:
		return "mapping of name to text"
	case formVarNames:
		return "list of names"
	case formTTY:
		return "auto, always or never"
	}
	return "text"
}
