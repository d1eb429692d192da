package landlock

// AccessFS is a set of rights on files, the LANDLOCK_ACCESS_FS_ bits of linux/landlock.h.
type AccessFS uint64

// The rights on files. The comment on each names the ABI that brought it where that is not the first.
const (
	Execute     AccessFS = 1 << iota // execute a file
	WriteFile                        // open a file for writing
	ReadFile                         // open a file for reading
	ReadDir                          // open a directory or list it
	RemoveDir                        // remove or rename an empty directory
	RemoveFile                       // unlink or rename a file
	MakeChar                         // create, rename or link a character device
	MakeDir                          // create or rename a directory
	MakeReg                          // create, rename or link a regular file
	MakeSock                         // create, rename or link a socket
	MakeFIFO                         // create, rename or link a FIFO
	MakeBlock                        // create, rename or link a block device
	MakeSym                          // create, rename or link a symbolic link
	Refer                            // link or rename between directories; ABI 2. Denied by every ruleset that does not grant it
	Truncate                         // truncate(2), ftruncate(2), O_TRUNC; ABI 3
	IoctlDev                         // ioctl(2) on devices opened from then on; ABI 5
	ResolveUnix                      // connect or send to a socket by its path; ABI 9
)

// AccessNet is a set of rights on ports, the LANDLOCK_ACCESS_NET_ bits.
type AccessNet uint64

// The rights on ports.
const (
	BindTCP        AccessNet = 1 << iota // bind(2) to a TCP port; ABI 4
	ConnectTCP                           // connect(2) to a TCP port; ABI 4
	BindUDP                              // bind to a UDP port, also implicitly; ABI 10
	ConnectSendUDP                       // connect or send to a UDP port; ABI 10
)

// Scope is a set of kinds of IPC that stay within the sandbox, the LANDLOCK_SCOPE_ bits. A scope has no exceptions.
type Scope uint64

// The scopes.
const (
	ScopeAbstractUnixSocket Scope = 1 << iota // connect to abstract sockets made outside; ABI 6
	ScopeSignal                               // signals to processes outside; ABI 6
)

// RestrictFlags are the flags of landlock_restrict_self(2).
type RestrictFlags uint32

// The flags of landlock_restrict_self(2). The first three say which denials the kernel's audit log tells of; ABI 7.
const (
	LogSameExecOff   RestrictFlags = 1 << iota // not those before the next execve
	LogNewExecOn                               // those after an execve as well
	LogSubdomainsOff                           // not those of rulesets added further in
	TSync                                      // restrict all threads of the process; ABI 8
)

// Rights that are granted together.
const (
	// ReadOnly lets a tree be read and executed from. Sockets in it cannot be connected to where the ABI knows them.
	ReadOnly = Execute | ReadFile | ReadDir
	// ReadWrite lets everything be done in a tree but making devices.
	ReadWrite = ReadOnly | WriteFile | RemoveDir | RemoveFile | MakeDir | MakeReg | MakeSock | MakeFIFO | MakeSym |
		Refer | Truncate | IoctlDev | ResolveUnix
	// FileRights are those that mean something on what is not a directory. landlock_add_rule(2) refuses a rule on a
	// file that has others with EINVAL.
	FileRights = Execute | WriteFile | ReadFile | Truncate | IoctlDev | ResolveUnix
	// ReadOnlyFile is ReadOnly for a rule whose path is not a directory.
	ReadOnlyFile = ReadOnly & FileRights
	// ReadWriteFile is ReadWrite for a rule whose path is not a directory.
	ReadWriteFile = ReadWrite & FileRights
)

// ForFile returns the rights that a rule on something other than a directory may have.
func (a AccessFS) ForFile() AccessFS { return a & FileRights }

var fsNames = []string{
	"execute", "write_file", "read_file", "read_dir", "remove_dir", "remove_file", "make_char", "make_dir", "make_reg",
	"make_sock", "make_fifo", "make_block", "make_sym", "refer", "truncate", "ioctl_dev", "resolve_unix",
}

var netNames = []string{"bind_tcp", "connect_tcp", "bind_udp", "connect_send_udp"}

var scopeNames = []string{"abstract_unix_socket", "signal"}

var flagNames = []string{"log_same_exec_off", "log_new_exec_on", "log_subdomains_off", "tsync"}

// String returns the names joined by commas, in the order of the bits, as in "execute,read_file"; "none" for the empty set.
func (a AccessFS) String() string { return setString(uint64(a), fsNames) }

// String returns the names joined by commas, or "none".
func (a AccessNet) String() string { return setString(uint64(a), netNames) }

// String returns the names joined by commas, or "none".
func (s Scope) String() string { return setString(uint64(s), scopeNames) }

// String returns the names joined by commas, or "none".
func (f RestrictFlags) String() string { return setString(uint64(f), flagNames) }

func setString(set uint64, names []string) string {
	if set == 0 {
		return "none"
	}
	var b []byte
	for i := 0; set != 0; i, set = i+1, set>>1 {
		if set&1 == 0 {
			continue
		}
		if len(b) > 0 {
			b = append(b, ',')
		}
		if i < len(names) {
			b = append(b, names[i]...)
		} else {
			b = append(b, "bit_"...)
			b = append(b, byte('0'+i/10), byte('0'+i%10))
		}
	}
	return string(b)
}

// ParseFS reads what [AccessFS.String] prints. It reports the first name that it does not know.
func ParseFS(text string) (set AccessFS, unknown string) {
	if text == "none" {
		return 0, ""
	}
	for text != "" {
		name := text
		for i := range len(text) {
			if text[i] == ',' {
				name = text[:i]
				break
			}
		}
		text = text[min(len(name)+1, len(text)):]
		bit := -1
		for i, known := range fsNames {
			if known == name {
				bit = i
			}
		}
		if bit < 0 {
			return 0, name
		}
		set |= 1 << bit
	}
	return set, ""
}
