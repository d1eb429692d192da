package forkexec

import (
	"sync/atomic"
	"syscall"
	"unsafe"

	"github.com/seed-0dbaba02/carrel/internal/launch"
)

// op is a launch.Op made ready for the child: numbers and addresses resolved, only slots left to read.
type op struct {
	nr    uint32
	call  launch.Call
	out   int8
	slots uint8 // bit i: argument i is a slot number
	_     uint8
	okay  uintptr
	args  [6]uintptr
}

// control is what parent and children share. It lies in the launch's own mapping, never on the Go heap.
type control struct {
	initAlive uint32               // 1 until the set-up process executes init or ends; cleared and woken by the kernel (CLONE_CHILD_CLEARTID)
	ready     uint32               // 1 when the set-up is complete
	pass      uint32               // highest stage that the parent let pass
	flags     [launch.Flags]uint32 // raised by Post
	gate      uint32               // 0, gateArrived, gateOpen
	failed    uint32               // who claimed the fields below
	failProg  uint32               // 1 set-up, 2 payload: the program that failed, or 0
	failOp    uint32
	failErrno uint32
	stage     uint32 // the byte that Sync sends
	inbox     uint32 // the byte that the parent reads
	pidfd     int32
	payloadFD int32      // pidfd of the payload, where Spawn was asked for one
	patience  [2]uint64  // struct timespec: how long waitFlag waits before it looks
	info      [16]uint64 // siginfo of waitid
	beneath   pathBeneath
	_         uint32
	msg       msghdr
	iov       [2]uintptr
	cmsg      [3]uint64 // one control message with one descriptor
	slots     [launch.Slots]uintptr
}

// pathBeneath is struct landlock_path_beneath_attr, which is packed.
type pathBeneath struct {
	access [2]uint32
	fd     int32
}

// msghdr is struct msghdr of recvmsg(2) on 64-bit architectures.
type msghdr struct {
	name       uintptr
	namelen    uint64
	iov        uintptr
	iovlen     uint64
	control    uintptr
	controllen uint64
	flags      uint64
}

const (
	gateArrived = 1
	gateOpen    = 2
)

// frame is the interpreter's only parameter.
type frame struct {
	ops     *op
	n       uintptr
	c       *control
	prog    uint32
	inject  uint32 // op that is to fail, plus 1; for tests of failure paths
	errno   uintptr
	spawn   *cloneArgs
	payload *frame
}

// cloneArgs is struct clone_args of clone3(2), as of Linux 5.7.
type cloneArgs struct {
	flags, pidfd, childTid, parentTid, exitSignal, stack, stackSize, tls, setTid, setTidSize, cgroup uint64
}

const (
	futexWait          = 0
	futexWake          = 1
	msgCmsgCloexec     = 0x40000000
	waitGone           = 0x1 | 0x4 | 0x01000000 // WNOHANG|WEXITED|WNOWAIT
	sysLandlockAddRule = 445
	exitCode           = 127 // status of a child that failed before its exec; the parent reads the cause from control
)

// interp runs a program in the child. It never returns to Go code.
//
//go:nosplit
//go:norace
//go:nocheckptr
func interp(f *frame) {
	c := f.c
	for i := uintptr(0); i < f.n; i++ {
		o := (*op)(unsafe.Add(unsafe.Pointer(f.ops), i*unsafe.Sizeof(op{})))
		var r, e uintptr
		if f.inject == uint32(i)+1 {
			e = f.errno
		} else if o.call >= launch.Spawn {
			r, e = pseudo(f, o, read(c, o, 0), read(c, o, 1))
		} else {
			r, e = call(c, o)
		}
		if e != 0 && e != o.okay {
			if atomic.CompareAndSwapUint32(&c.failed, 0, f.prog) {
				c.failOp, c.failErrno = uint32(i), uint32(e)
				atomic.StoreUint32(&c.failProg, f.prog)
			}
			wakeAll(c)
			syscall.RawSyscall6(syscall.SYS_EXIT_GROUP, exitCode, 0, 0, 0, 0, 0)
			return // a filter refuses even that: no further op is made, and cloneRun ends in a trap
		}
		if o.out >= 0 {
			c.slots[o.out&(launch.Slots-1)] = r
		}
	}
	syscall.RawSyscall6(syscall.SYS_EXIT_GROUP, exitCode, 0, 0, 0, 0, 0)
}

// read returns an argument, from its slot where it is one.
//
//go:nosplit
//go:norace
//go:nocheckptr
func read(c *control, o *op, i uintptr) uintptr {
	v := o.args[i&7%6]
	if o.slots&(1<<i) != 0 {
		v = c.slots[v&(launch.Slots-1)]
	}
	return v
}

// call makes one system call.
//
//go:nosplit
//go:norace
//go:nocheckptr
func call(c *control, o *op) (r, e uintptr) {
	for {
		r1, _, errno := syscall.RawSyscall6(uintptr(o.nr), read(c, o, 0), read(c, o, 1), read(c, o, 2), read(c, o, 3), o.args[4], o.args[5])
		if errno != syscall.EINTR {
			return r1, uintptr(errno)
		}
	}
}

// pseudo does the calls that are more than one system call.
//
//go:nosplit
//go:norace
//go:nocheckptr
func pseudo(f *frame, o *op, a0, a1 uintptr) (r, e uintptr) {
	c := f.c
	switch o.call {
	case launch.Spawn:
		r, _ = cloneRun(unsafe.Pointer(f.spawn), unsafe.Sizeof(cloneArgs{}), unsafe.Pointer(f.payload))
		if r > ^uintptr(4095) {
			return 0, -r
		}
		r = uintptr(uint32(c.payloadFD))
	case launch.Sync:
		c.stage = uint32(a0)
		_, _, errno := syscall.RawSyscall6(syscall.SYS_WRITE, a1, uintptr(unsafe.Pointer(&c.stage)), 1, 0, 0, 0)
		if errno != 0 {
			return 0, uintptr(errno)
		}
		if o.args[2] != 0 { // an announcement only
			return 0, 0
		}
		for {
			v := atomic.LoadUint32(&c.pass)
			if uintptr(v) >= a0 {
				return 0, 0
			}
			syscall.RawSyscall6(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(&c.pass)), futexWait, uintptr(v), 0, 0, 0)
		}
	case launch.Post:
		atomic.StoreUint32(&c.flags[a0&(launch.Flags-1)], 1)
		wake(&c.flags[a0&(launch.Flags-1)])
	case launch.Wait:
		return 0, waitFlag(f, &c.flags[a0&(launch.Flags-1)])
	case launch.Commit:
		atomic.StoreUint32(&c.ready, 1)
	case launch.Await:
		await(f)
	case launch.PathBeneath:
		c.beneath.access = [2]uint32{uint32(o.args[2]), uint32(o.args[2] >> 32)}
		c.beneath.fd = int32(a1)
		_, _, errno := syscall.RawSyscall6(sysLandlockAddRule, a0, 1, uintptr(unsafe.Pointer(&c.beneath)), 0, 0, 0)
		return 0, uintptr(errno)
	case launch.Recv:
		return receive(c, a0)
	case launch.Gate:
		atomic.StoreUint32(&c.gate, gateArrived)
		for atomic.LoadUint32(&c.gate) != gateOpen { //nolint:revive // no system call may be made here: the filter may refuse it
		}
	}
	return r, 0
}

// receive takes one descriptor from the socket.
//
//go:nosplit
//go:norace
//go:nocheckptr
func receive(c *control, socket uintptr) (r, e uintptr) {
	for {
		c.iov = [2]uintptr{uintptr(unsafe.Pointer(&c.inbox)), 1}
		c.msg = msghdr{iov: uintptr(unsafe.Pointer(&c.iov)), iovlen: 1, control: uintptr(unsafe.Pointer(&c.cmsg)), controllen: uint64(unsafe.Sizeof(c.cmsg))}
		n, _, errno := syscall.RawSyscall6(syscall.SYS_RECVMSG, socket, uintptr(unsafe.Pointer(&c.msg)), msgCmsgCloexec, 0, 0, 0)
		switch {
		case errno == syscall.EINTR:
		case errno != 0:
			return 0, uintptr(errno)
		case n == 0 || c.msg.controllen < 20: // the parent closed its end instead
			return 0, uintptr(syscall.EPIPE)
		default:
			return uintptr(uint32(c.cmsg[2])), 0
		}
	}
}

// wake wakes the one process that waits on a word.
//
//go:nosplit
//go:norace
//go:nocheckptr
func wake(word *uint32) {
	syscall.RawSyscall6(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWake, 1, 0, 0, 0)
}

// wakeAll wakes the other program wherever it waits, so that it sees the failure.
//
//go:nosplit
//go:norace
//go:nocheckptr
func wakeAll(c *control) {
	for i := range c.flags {
		wake(&c.flags[i])
	}
}

// waitFlag waits for a flag. The other program may be killed before it can raise it or fail: the kernel then kills the
// payload, whose process 1 it was, but the set-up program must look for itself, now and then.
//
//go:nosplit
//go:norace
//go:nocheckptr
func waitFlag(f *frame, word *uint32) (e uintptr) {
	c := f.c
	for {
		if atomic.LoadUint32(&c.failed) != 0 {
			syscall.RawSyscall6(syscall.SYS_EXIT_GROUP, exitCode, 0, 0, 0, 0, 0)
		}
		if atomic.LoadUint32(word) != 0 {
			return 0
		}
		_, _, errno := syscall.RawSyscall6(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWait, 0, uintptr(unsafe.Pointer(&c.patience)), 0, 0)
		if errno != syscall.ETIMEDOUT || f.payload == nil {
			continue
		}
		_, _, errno = syscall.RawSyscall6(syscall.SYS_WAITID, 0, 0, uintptr(unsafe.Pointer(&c.info)), waitGone, 0, 0)
		if errno == 0 && c.info[0] != 0 && atomic.LoadUint32(word) == 0 && atomic.LoadUint32(&c.failed) == 0 {
			return uintptr(syscall.ECHILD)
		}
	}
}

// await returns when the set-up process is complete and has become init. A set-up process that ended early wakes the
// payload too, a moment before the kernel kills it: then the payload must not go on.
//
//go:nosplit
//go:norace
//go:nocheckptr
func await(f *frame) {
	c := f.c
	for atomic.LoadUint32(&c.initAlive) != 0 {
		syscall.RawSyscall6(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(&c.initAlive)), futexWait, 1, 0, 0, 0)
	}
	if atomic.LoadUint32(&c.ready) == 0 || atomic.LoadUint32(&c.failed) != 0 {
		syscall.RawSyscall6(syscall.SYS_EXIT_GROUP, exitCode, 0, 0, 0, 0, 0)
	}
}

// cloneRun makes clone3(2). The child runs interp on the stack named by args and never returns; the parent gets the result
// or a negated errno, and the number of the thread that made the call.
func cloneRun(args unsafe.Pointer, size uintptr, f unsafe.Pointer) (r, tid uintptr)

// initAddr returns the address of initText, the machine code of init and waiter; see init_GOARCH.s.
func initAddr() uintptr
