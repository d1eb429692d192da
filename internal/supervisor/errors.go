package supervisor

import (
	"strings"
	"syscall"

	"github.com/seed-0dbaba02/carrel/internal/forkexec"
	"github.com/seed-0dbaba02/carrel/internal/launch"
	"github.com/seed-0dbaba02/carrel/internal/linux"
	"github.com/seed-0dbaba02/carrel/internal/plan"
	"github.com/seed-0dbaba02/carrel/internal/source"
)

// Kind sorts set-up errors by who can do something about them; each kind has an exit code of its own.
type Kind uint8

// The kinds of set-up error.
const (
	KindSetup         Kind = iota // an op failed
	KindHost                      // the host does not allow or know it
	KindNotFound                  // the program does not exist inside
	KindNotExecutable             // the program cannot be executed
)

// SetupError is a launch that failed before the program ran.
type SetupError struct {
	Kind  Kind
	Op    string // "mount /data", "clone3"
	Where string // "set-up op 12", "payload op 3", "host step"
	Errno syscall.Errno
	From  source.Origin
	Cause string // why the kernel said so, where that is known
	Hint  string
}

// Error says op, errno in words and by name, who asked, and what to do.
func (e *SetupError) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Errno != 0 {
		b.WriteString(": ")
		b.WriteString(e.Errno.Error())
		b.WriteString(" [")
		b.WriteString(linux.ErrnoName(e.Errno))
		if e.Where != "" {
			b.WriteString(", ")
			b.WriteString(e.Where)
		}
		b.WriteString("]")
	}
	if !e.From.IsZero() {
		b.WriteString(" (")
		b.WriteString(e.From.String())
		b.WriteString(")")
	}
	if e.Cause != "" {
		b.WriteString(": ")
		b.WriteString(e.Cause)
	}
	if e.Hint != "" {
		b.WriteString("; ")
		b.WriteString(e.Hint)
	}
	return b.String()
}

// Unwrap returns the errno.
func (e *SetupError) Unwrap() error {
	if e.Errno == 0 {
		return nil
	}
	return e.Errno
}

// failure turns an op's number into words.
func failure(p *plan.Plan, f *forkexec.Failure) *SetupError {
	prog, name := p.Programs.Setup, "set-up op "
	if f.Payload {
		prog, name = p.Programs.Payload, "payload op "
	}
	e := &SetupError{Errno: f.Errno, Where: name + itoa(f.Op)}
	if f.Op < 0 || f.Op >= len(prog.Ops) {
		e.Op = "launch"
		return e
	}
	o := &prog.Ops[f.Op]
	e.Op = o.Call.String()
	if o.Subject != "" {
		e.Op += " " + o.Subject
	}
	e.From = prog.From(f.Op)
	switch o.Call {
	case launch.Execve:
		e.Kind, e.Hint = execFailure(f.Errno)
	case launch.Execveat:
		e.Kind = KindHost
		if f.Errno == syscall.EACCES || f.Errno == syscall.EPERM {
			e.Cause, e.Hint = "this host forbids executable memory files", "set vm.memfd_noexec to 0 or 1"
		}
	default:
		e.Cause, e.Hint = explain(o.Call, f.Errno)
	}
	return e
}

func execFailure(e syscall.Errno) (Kind, string) {
	switch e {
	case syscall.ENOENT, syscall.ENOTDIR:
		return KindNotFound, "the program, or the interpreter or loader that it names, is not there inside"
	case syscall.EACCES, syscall.ENOEXEC, syscall.ELOOP, syscall.ETXTBSY, syscall.EISDIR:
		return KindNotExecutable, "it is not executable for the program's user, or not a program of this machine"
	case syscall.E2BIG:
		return KindSetup, "arguments and environment are larger than the kernel takes (see ulimit -s)"
	}
	return KindSetup, ""
}

// explain adds what the errno means for this call, where the kernel's word alone misleads.
func explain(c launch.Call, e syscall.Errno) (cause, hint string) {
	switch {
	case c == launch.Mount && e == syscall.EPERM:
		return "the kernel refuses this mount in a user namespace", "inside a container, its masked /proc is the usual reason; see carrel doctor"
	case c == launch.Openat2 && e == syscall.ELOOP:
		return "a symbolic link appeared where there was none", "name the real path"
	case c == launch.Openat2 && e == syscall.EXDEV:
		return "the path leaves the tree", "name the real path"
	case c == launch.Setns && e == syscall.EPERM:
		return "entering it needs CAP_SYS_ADMIN in the namespace that owns it", "join its user namespace too, or run as root"
	case (c == launch.Prlimit) && e == syscall.EPERM:
		return "the limit is above the caller's hard limit", "choose a lower one"
	}
	return "", ""
}

func itoa(n int) string {
	if n < 0 {
		return "-" + itoa(-n)
	}
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}
