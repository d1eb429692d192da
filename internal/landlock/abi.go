package landlock

import "syscall"

// Newest is the newest ABI whose rights this package knows. A kernel with a newer one is treated as this: it still
// understands everything here.
const Newest = 10

// ABI is what one version of the kernel's interface knows. Versions only ever add.
type ABI struct {
	Kernel string // the release that brought it, for instance "5.13"; distributions also bring it to older ones
	FS     AccessFS
	Net    AccessNet
	Scoped Scope
	Flags  RestrictFlags
	Size   int // bytes of struct landlock_ruleset_attr that the fields above take
}

// fs1 and the others accumulate, so that a row of the table says what it adds.
const (
	fs1    = Refer - 1 // all that came before Refer
	fs2    = fs1 | Refer
	fs3    = fs2 | Truncate
	fs5    = fs3 | IoctlDev
	fs9    = fs5 | ResolveUnix
	net4   = BindTCP | ConnectTCP
	net10  = net4 | BindUDP | ConnectSendUDP
	scope6 = ScopeAbstractUnixSocket | ScopeSignal
	log7   = LogSameExecOff | LogNewExecOn | LogSubdomainsOff
)

// abis is indexed by ABI; row 0 is a kernel without Landlock. Sources: landlock(7) and include/uapi/linux/landlock.h.
// ABI 10 makes the structure longer by fields that only quieten the audit log; a ruleset that does not use them is
// passed at the size before.
var abis = [Newest + 1]ABI{
	{},
	{"5.13", fs1, 0, 0, 0, 8},
	{"5.19", fs2, 0, 0, 0, 8},
	{"6.2", fs3, 0, 0, 0, 8},
	{"6.7", fs3, net4, 0, 0, 16},
	{"6.10", fs5, net4, 0, 0, 16},
	{"6.12", fs5, net4, scope6, 0, 24},
	{"6.15", fs5, net4, scope6, log7, 24},
	{"7.0", fs5, net4, scope6, log7 | TSync, 24},
	{"7.1", fs9, net4, scope6, log7 | TSync, 24},
	{"7.2", fs9, net10, scope6, log7 | TSync, 24},
}

// At returns what an ABI knows. It treats an ABI below 0 as none and one above [Newest] as that.
func At(abi int) ABI {
	return abis[max(0, min(abi, Newest))]
}

// Probe asks the kernel for its ABI, landlock_create_ruleset(2) with LANDLOCK_CREATE_RULESET_VERSION. It returns 0 where
// Landlock is not built in, switched off at boot, or denied by a seccomp filter.
func Probe() int {
	abi, _, e := syscall.RawSyscall(SysCreateRuleset, 0, 0, CreateVersion)
	if e != 0 {
		return 0
	}
	return int(abi)
}
