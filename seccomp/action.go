package seccomp

import "strconv"

// Action is what the kernel does with a call: a SECCOMP_RET_* value of
// seccomp(2) without its data, the low 16 bits.
type Action uint32

// The actions that the kernel knows (seccomp(2); Log since 4.14, KillProcess
// since 4.14, Notify since 5.0).
const (
	KillThread  Action = 0x00000000
	Trap        Action = 0x00030000
	Errno       Action = 0x00050000
	Notify      Action = 0x7fc00000
	Trace       Action = 0x7ff00000
	Log         Action = 0x7ffc0000
	Allow       Action = 0x7fff0000
	KillProcess Action = 0x80000000
)

const (
	actionMask = 0xffff0000
	dataMask   = 0x0000ffff
	maxErrno   = 4095 // MAX_ERRNO of the kernel; larger values are clamped.
	errnoEPERM = 1
	errnoNoSys = 38
)

// actions lists each action with its OCI name, the most restrictive first, in
// the kernel's order of precedence.
var actions = [...]struct {
	action Action
	name   string
}{
	{KillProcess, "SCMP_ACT_KILL_PROCESS"},
	{KillThread, "SCMP_ACT_KILL_THREAD"},
	{Trap, "SCMP_ACT_TRAP"},
	{Errno, "SCMP_ACT_ERRNO"},
	{Notify, "SCMP_ACT_NOTIFY"},
	{Trace, "SCMP_ACT_TRACE"},
	{Log, "SCMP_ACT_LOG"},
	{Allow, "SCMP_ACT_ALLOW"},
}

// ActionOf splits a filter's return value into the action and its data: the
// errno of Errno, the message of Trace.
func ActionOf(ret uint32) (Action, uint16) {
	return Action(ret & actionMask), uint16(ret & dataMask)
}

// String gives the OCI name of the action.
func (a Action) String() string {
	for _, e := range actions {
		if e.action == a {
			return e.name
		}
	}
	return "0x" + strconv.FormatUint(uint64(a), 16)
}

// rank orders actions by the kernel's precedence: 0 is the most restrictive.
func (a Action) rank() int {
	for i, e := range actions {
		if e.action == a {
			return i
		}
	}
	return len(actions)
}

// takesData reports whether errnoRet has a meaning for the action.
func (a Action) takesData() bool { return a == Errno || a == Trace }

// parseAction reads an OCI action name. SCMP_ACT_KILL is the old name of
// SCMP_ACT_KILL_THREAD (OCI runtime specification, linux.seccomp).
func parseAction(name string) (Action, bool) {
	if name == "SCMP_ACT_KILL" {
		return KillThread, true
	}
	for _, e := range actions {
		if e.name == name {
			return e.action, true
		}
	}
	return 0, false
}
