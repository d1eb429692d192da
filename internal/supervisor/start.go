package supervisor

import (
	"errors"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/seed-0dbaba02/carrel/internal/forkexec"
	"github.com/seed-0dbaba02/carrel/internal/launch"
	"github.com/seed-0dbaba02/carrel/internal/linux"
	"github.com/seed-0dbaba02/carrel/internal/plan"
)

// Options are a start's choices that are not part of the plan.
type Options struct {
	Inject   *forkexec.Inject    // an op that is to fail, for tests
	FailHost int                 // a host step that is to fail, counted from 1, for tests; 0: none
	Raw      bool                // block the thread without telling Go's scheduler: for one-shot commands
	Look     func(pid int) error // called while the program waits before its exec; the plan must have a gate
}

// Sandbox is a program that runs.
type Sandbox struct {
	PID    int // of the first process, in the caller's pid namespace
	Pidfd  int
	Status int  // read end of init's status pipe, or -1 where there is no init
	Master int  // the supervisor's side of the program's terminal, or -1
	Thread int  // that cloned; the sandbox dies with it if the plan says so
	held   bool // signals are blocked until somebody waits
	hello  bool
}

// starter is one start in progress.
type starter struct {
	p      *plan.Plan
	o      *Options
	host   []int
	socket [2]int // for descriptors to the child; -1 when there is nothing to send
	opened []int
	l      *forkexec.Launch
	s      *Sandbox
	steps  int
}

// Start carries the plan out up to the program's exec. The calling goroutine must be locked to its thread, and the thread
// must live as long as the sandbox if the plan asks for the parent death signal. On error, nothing is left.
func Start(p *plan.Plan, o *Options) (*Sandbox, error) {
	st := &starter{p: p, o: o, socket: [2]int{-1, -1}, s: &Sandbox{Status: -1, Master: -1, Pidfd: -1}}
	st.host = make([]int, p.Programs.Hosts)
	err := st.open()
	if err == nil {
		err = st.clone()
	}
	if err == nil {
		err = st.stages()
	}
	for _, fd := range st.opened {
		_ = syscall.Close(fd)
	}
	st.closeSocket(0)
	st.closeSocket(1)
	if err != nil {
		if st.o.Raw && st.l != nil {
			forkexec.Deliver()
		}
		st.end()
		return nil, err
	}
	st.s.held = st.o.Raw
	st.l.Free()
	return st.s, nil
}

func (st *starter) closeSocket(i int) {
	if st.socket[i] >= 0 {
		_ = syscall.Close(st.socket[i])
		st.socket[i] = -1
	}
}

// step counts a host step and, in tests, makes it fail.
func (st *starter) step(op string) error {
	st.steps++
	if st.steps == st.o.FailHost {
		return &SetupError{Op: op, Errno: syscall.EIO, Where: "host step " + itoa(st.steps)}
	}
	return nil
}

// open gets the descriptors that the child needs.
func (st *starter) open() error {
	for _, fd := range st.p.KeepFDs {
		if _, err := unix.FcntlInt(uintptr(fd), syscall.F_GETFD, 0); err != nil {
			return &SetupError{Op: "pass descriptor " + itoa(fd), Errno: syscall.EBADF, Hint: "the caller has no such descriptor open"}
		}
	}
	trees := false
	for i := range st.p.Descs {
		d := &st.p.Descs[i]
		switch d.Kind {
		case plan.DescNamespace:
			if err := st.openNamespace(i, d); err != nil {
				return err
			}
		case plan.DescTerminal:
			if err := st.openTerminal(i, d); err != nil {
				return err
			}
		case plan.DescTree:
			trees = true
		}
	}
	if trees {
		if err := st.step("make a socket pair"); err != nil {
			return err
		}
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return &SetupError{Op: "make a socket pair", Errno: errno(err)}
		}
		st.socket = pair
		st.host[launch.HostSocket] = pair[1]
	}
	return nil
}

func errno(err error) syscall.Errno {
	var e syscall.Errno
	if errors.As(err, &e) {
		return e
	}
	return syscall.EIO
}

// clone starts the child.
func (st *starter) clone() error {
	if err := st.join(); err != nil {
		return err
	}
	if err := st.step("clone3"); err != nil {
		return err
	}
	l, err := forkexec.Start(&forkexec.Options{
		Programs: st.p.Programs, Clone: st.p.Clone, Host: st.host, NoInit: st.p.NoInit,
		Fork: st.p.Fork, Inject: st.o.Inject, Hold: st.o.Raw,
	})
	var refused *forkexec.CloneError
	switch {
	case errors.As(err, &refused):
		return &SetupError{Kind: KindHost, Op: "clone3 with " + flagWords(refused.Flags), Errno: refused.Errno}
	case err != nil:
		return &SetupError{Kind: KindHost, Op: "prepare the launch", Errno: errno(err), Cause: err.Error()}
	}
	st.l = l
	st.s.PID, st.s.Pidfd, st.s.Status, st.s.Thread = l.PID, l.Pidfd, l.Status, l.Thread
	st.s.hello = !st.p.NoInit
	st.closeSocket(1)
	return nil
}

// flagWords names the namespaces in clone flags.
func flagWords(flags uint64) string {
	s := ""
	for i := range linux.Namespaces {
		if flags&linux.Namespaces[i].Flag != 0 {
			if s != "" {
				s += ", "
			}
			s += linux.Namespaces[i].Name
		}
	}
	if s == "" {
		return "no new namespace"
	}
	return "new namespaces " + s
}

// stages serves the child until the program has executed.
func (st *starter) stages() error {
	for {
		stage, err := st.l.Next(st.o.Raw)
		if err != nil {
			return &SetupError{Op: "read the child's report", Errno: errno(err)}
		}
		switch stage {
		case plan.StageIDs:
			if err := st.mapIDs(); err != nil {
				return err
			}
			st.l.Pass(stage)
			if err := st.sendTrees(); err != nil {
				return st.orFailure(err)
			}
		case plan.StagePTY:
			if err := st.fetchTerminal(); err != nil {
				return err
			}
			st.l.Pass(stage)
		case plan.StageGate:
			if err := st.look(); err != nil {
				return err
			}
		default:
			return st.decided()
		}
	}
}

// orFailure prefers what the child says about its own end to the parent's broken pipe.
func (st *starter) orFailure(err error) error {
	if f := st.l.Failed(); f != nil {
		return failure(st.p, f)
	}
	return err
}

// decided tells how the launch went, once both programs have executed or ended.
func (st *starter) decided() error {
	if f := st.l.Failed(); f != nil {
		return failure(st.p, f)
	}
	if !st.p.NoInit && !st.l.Ready() {
		return &SetupError{Op: "start the sandbox", Cause: "its first process was killed during the set-up"}
	}
	return nil
}

// look lets the caller inspect the program's process while it waits at the gate.
func (st *starter) look() error {
	for !st.l.AtGate() {
		fds := []unix.PollFd{{Fd: int32(st.l.Pidfd), Events: unix.POLLIN}}
		if n, _ := unix.Poll(fds, 1); n > 0 || st.l.Failed() != nil {
			return st.decided()
		}
		runtime.Gosched()
	}
	if st.o.Look != nil {
		if err := st.o.Look(st.payloadPID()); err != nil {
			return &SetupError{Op: "look at the sandbox", Cause: err.Error(), Hint: "the program was not started"}
		}
	}
	st.l.OpenGate()
	return nil
}

// end kills and reaps what was started.
func (st *starter) end() {
	if st.s.Master >= 0 {
		_ = syscall.Close(st.s.Master)
	}
	if st.l == nil {
		return
	}
	_ = unix.PidfdSendSignal(st.l.Pidfd, syscall.SIGKILL, nil, 0)
	for {
		_, err := syscall.Wait4(st.l.PID, nil, syscall.WALL, nil)
		if err != syscall.EINTR {
			break
		}
	}
	st.l.Close()
}
