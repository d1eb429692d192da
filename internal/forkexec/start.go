package forkexec

import (
	"errors"
	"runtime"
	"sync/atomic"
	"syscall"
	"unsafe"

	"github.com/seed-0dbaba02/carrel/internal/launch"
)

const arch = runtime.GOARCH

// Options describe one start.
type Options struct {
	Programs launch.Pair
	Clone    uint64 // CLONE_NEW* and other flags of the first clone
	Host     []int  // host values; the first launch.HostFirst are filled in by Start
	NoInit   bool   // the set-up program ends in the user's program: no init executable and no status pipe are made
	Fork     bool   // copy the memory instead of sharing it: the fallback where memory files cannot be executed
	Hold     bool   // keep signals blocked in the calling thread after a successful Start, until Deliver
	Inject   *Inject
}

// Inject makes one op fail without being made, to test what a failure leaves behind.
type Inject struct {
	Payload bool // the op is in the payload program
	Op      int
	Errno   syscall.Errno
}

// Failure says which op failed in the child.
type Failure struct {
	Payload bool
	Op      int
	Errno   syscall.Errno
}

// CloneError is a clone3(2) that the kernel refused.
type CloneError struct {
	Errno syscall.Errno
	Flags uint64
}

// Error returns the call and its errno.
func (e *CloneError) Error() string { return "clone3: " + e.Errno.Error() }

// Unwrap returns the errno.
func (e *CloneError) Unwrap() error { return e.Errno }

// Launch is a child on its way to its exec.
type Launch struct {
	im     *image
	PID    int // of the set-up process, later init, in the caller's pid namespace
	Pidfd  int // of the same process; close-on-exec
	Thread int // of the caller that cloned; the parent death signal follows it
	Status int // read end of the status pipe, or -1; close-on-exec
	report int

	undumpable bool // the caller's memory was, and shall be again
}

// Start verifies the programs and clones the child. The caller's goroutine must be locked to its thread, which must live as
// long as the child: PR_SET_PDEATHSIG follows the thread. On error nothing is left.
func Start(o *Options) (*Launch, error) {
	if err := launch.Verify(o.Programs); err != nil {
		return nil, err
	}
	l := &Launch{Status: -1, report: -1, Pidfd: -1}
	var fds [4]int
	for i := range fds {
		fds[i] = -1
	}
	defer func() { // the child has its own copies; the parent keeps only the read ends
		closeAll(fds[1], fds[3])
		closeAll(o.Host[launch.HostInit])
	}()
	o.Host[launch.HostInit] = -1
	if err := syscall.Pipe2(fds[0:2], syscall.O_CLOEXEC); err != nil {
		return nil, err
	}
	l.report = fds[0]
	o.Host[launch.HostReport] = fds[1]
	if !o.NoInit {
		if err := syscall.Pipe2(fds[2:4], syscall.O_CLOEXEC); err != nil {
			l.Close()
			return nil, err
		}
		l.Status = fds[2]
		o.Host[launch.HostStatus], o.Host[launch.HostStatusRead] = fds[3], fds[2]
		fd, err := OpenInit()
		if err != nil {
			l.Close()
			return nil, err
		}
		o.Host[launch.HostInit] = fd
	}
	im, err := build(o)
	if err != nil {
		l.Close()
		return nil, err
	}
	l.im = im
	l.undumpable = dumpable() == 0
	// A signal that is pending makes clone3 start all over again, and Go's own preemption signals come in bursts when the
	// kernel takes its time: without this a busy machine could repeat the work of making namespaces for ever.
	old := setMask(^uint64(0))
	r, tid := cloneRun(unsafe.Pointer(im.clone), unsafe.Sizeof(cloneArgs{}), unsafe.Pointer(im.setup))
	if r > ^uintptr(4095) || !o.Hold {
		setMask(old)
	}
	if r > ^uintptr(4095) {
		l.Close()
		return nil, &CloneError{syscall.Errno(-r), o.Clone}
	}
	l.PID, l.Pidfd, l.Thread = int(r), int(im.c.pidfd), int(tid)
	return l, nil
}

const (
	prGetDumpable = 3
	prSetDumpable = 4
)

func dumpable() uintptr {
	r, _, _ := syscall.RawSyscall(syscall.SYS_PRCTL, prGetDumpable, 0, 0)
	return r
}

// setMask sets the calling thread's signal mask and returns the one before.
func setMask(mask uint64) (old uint64) {
	const setmask = 2
	_, _, _ = syscall.RawSyscall6(syscall.SYS_RT_SIGPROCMASK, setmask, uintptr(unsafe.Pointer(&mask)), uintptr(unsafe.Pointer(&old)), 8, 0, 0)
	return old
}

// Deliver lets signals through again that a Start with Hold has kept back.
func Deliver() { setMask(0) }

func closeAll(fds ...int) {
	for _, fd := range fds {
		if fd >= 0 {
			_ = syscall.Close(fd)
		}
	}
}

// Next waits until the child reaches a stage (its number is returned), or until the launch is decided: stage 0 then means that
// the payload has executed or that it failed; see Failed. One-shot commands set raw, which blocks the thread without telling
// the Go scheduler.
func (l *Launch) Next(raw bool) (stage int, err error) {
	buf := &l.im.c.inbox
	for {
		var n uintptr
		var e syscall.Errno
		if raw {
			n, _, e = syscall.RawSyscall(syscall.SYS_READ, uintptr(l.report), uintptr(unsafe.Pointer(buf)), 1)
		} else {
			n, _, e = syscall.Syscall(syscall.SYS_READ, uintptr(l.report), uintptr(unsafe.Pointer(buf)), 1)
		}
		switch {
		case e == syscall.EINTR:
		case e != 0:
			return 0, e
		case n == 0:
			return 0, nil
		default:
			return int(*buf & 0xff), nil
		}
	}
}

// Pass lets a child that waits in stage n go on.
func (l *Launch) Pass(n int) {
	atomic.StoreUint32(&l.im.c.pass, uint32(n))
	_, _, _ = syscall.RawSyscall6(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(&l.im.c.pass)), futexWake, 1, 0, 0, 0)
}

// ErrGone means that the child ended before it reached the gate.
var ErrGone = errors.New("the set-up process ended early")

// AtGate reports whether the payload has arrived at its gate.
func (l *Launch) AtGate() bool { return atomic.LoadUint32(&l.im.c.gate) == gateArrived }

// OpenGate lets the payload go on to its exec.
func (l *Launch) OpenGate() { atomic.StoreUint32(&l.im.c.gate, gateOpen) }

// Failed returns the op that failed, or nil. Ask only after Next returned stage 0 or a wait returned.
func (l *Launch) Failed() *Failure {
	c := l.im.c
	p := atomic.LoadUint32(&c.failProg)
	if p == 0 {
		return nil
	}
	return &Failure{Payload: p == 2, Op: int(c.failOp), Errno: syscall.Errno(c.failErrno)}
}

// Ready reports whether the set-up was complete.
func (l *Launch) Ready() bool { return atomic.LoadUint32(&l.im.c.ready) == 1 }

// SlotValue returns what an op left in a slot, for instance the number of a descriptor in the child.
func (l *Launch) SlotValue(n int) int { return int(l.im.c.slots[n]) }

// Free gives back the memory and the report pipe. The child must have executed or ended. The pidfd and the status pipe stay
// open: they are the caller's.
func (l *Launch) Free() {
	if l.undumpable {
		_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, prSetDumpable, 0, 0)
	}
	closeAll(l.report)
	l.report = -1
	if l.im != nil {
		_ = syscall.Munmap(l.im.mem)
		l.im = nil
	}
}

// Close does what Free does and closes the pidfd and the status pipe.
func (l *Launch) Close() {
	l.Free()
	closeAll(l.Pidfd, l.Status)
	l.Pidfd, l.Status = -1, -1
}
