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
	initAlive uint32 // 1 until the set-up process executes init or ends; cleared and woken by the kernel (CLONE_CHILD_CLEARTID)
	ready     uint32 // 1 when the set-up is complete
	pass      uint32 // highest stage that the parent let pass
	gate      uint32 // 0, gateArrived, gateOpen
	failProg  uint32 // 1 set-up, 2 payload: the program that failed, or 0
	failOp    uint32
	failErrno uint32
	stage     uint32 // the byte that Sync sends
	inbox     uint32 // the byte that the parent reads
	pidfd     int32
	payloadFD int32 // pidfd of the payload, where Spawn was asked for one
	slots     [launch.Slots]uintptr
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
	forked  bool // the memory is a copy: init cannot be awaited by its exec
}

// cloneArgs is struct clone_args of clone3(2), as of Linux 5.7.
type cloneArgs struct {
	flags, pidfd, childTid, parentTid, exitSignal, stack, stackSize, tls, setTid, setTidSize, cgroup uint64
}

const (
	futexWait = 0
	futexWake = 1
	exitCode  = 127 // status of a child that failed before its exec; the parent reads the cause from control
)

// interp runs a program in the child and never returns to Go code.
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
			r, e = pseudo(f, o)
		} else {
			r, e = call(c, o)
		}
		if e != 0 && e != o.okay {
			c.failOp, c.failErrno = uint32(i), uint32(e)
			atomic.StoreUint32(&c.failProg, f.prog)
			if f.forked { // nobody else wakes a payload that waits for the set-up
				syscall.RawSyscall6(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(&c.ready)), futexWake, 1, 0, 0, 0)
			}
			syscall.RawSyscall6(syscall.SYS_EXIT_GROUP, exitCode, 0, 0, 0, 0, 0)
		}
		if o.out >= 0 {
			c.slots[o.out&(launch.Slots-1)] = r
		}
	}
	syscall.RawSyscall6(syscall.SYS_EXIT_GROUP, exitCode, 0, 0, 0, 0, 0)
}

// call makes one system call, reading slots first.
//
//go:nosplit
//go:norace
//go:nocheckptr
func call(c *control, o *op) (r, e uintptr) {
	a0, a1, a2, a3 := o.args[0], o.args[1], o.args[2], o.args[3]
	if o.slots != 0 {
		if o.slots&1 != 0 {
			a0 = c.slots[a0&(launch.Slots-1)]
		}
		if o.slots&2 != 0 {
			a1 = c.slots[a1&(launch.Slots-1)]
		}
		if o.slots&4 != 0 {
			a2 = c.slots[a2&(launch.Slots-1)]
		}
		if o.slots&8 != 0 {
			a3 = c.slots[a3&(launch.Slots-1)]
		}
	}
	for {
		r1, _, errno := syscall.RawSyscall6(uintptr(o.nr), a0, a1, a2, a3, o.args[4], o.args[5])
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
func pseudo(f *frame, o *op) (r, e uintptr) {
	c := f.c
	switch o.call {
	case launch.Spawn:
		r = cloneRun(unsafe.Pointer(f.spawn), unsafe.Sizeof(cloneArgs{}), unsafe.Pointer(f.payload))
		if r > ^uintptr(4095) {
			return 0, -r
		}
	case launch.Sync:
		c.stage = uint32(o.args[0])
		_, _, errno := syscall.RawSyscall6(syscall.SYS_WRITE, o.args[1], uintptr(unsafe.Pointer(&c.stage)), 1, 0, 0, 0)
		if errno != 0 {
			return 0, uintptr(errno)
		}
		if o.args[2] != 0 { // an announcement only
			return 0, 0
		}
		for {
			v := atomic.LoadUint32(&c.pass)
			if uintptr(v) >= o.args[0] {
				return 0, 0
			}
			syscall.RawSyscall6(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(&c.pass)), futexWait, uintptr(v), 0, 0, 0)
		}
	case launch.Commit:
		atomic.StoreUint32(&c.ready, 1)
		if f.forked {
			syscall.RawSyscall6(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(&c.ready)), futexWake, 1, 0, 0, 0)
		}
	case launch.Await:
		await(f)
	case launch.Gate:
		atomic.StoreUint32(&c.gate, gateArrived)
		for atomic.LoadUint32(&c.gate) != gateOpen { //nolint:revive // no system call may be made here: the filter may refuse it
		}
	}
	return r, 0
}

// await returns when the set-up process is complete and has become init. A set-up process that ended early wakes the
// payload too, a moment before the kernel kills it: then the payload must not go on.
//
//go:nosplit
//go:norace
//go:nocheckptr
func await(f *frame) {
	c := f.c
	word := &c.initAlive
	for {
		v := atomic.LoadUint32(word)
		if f.forked {
			word = &c.ready
			v = 1 - atomic.LoadUint32(word)
			if atomic.LoadUint32(&c.failProg) != 0 {
				v = 0
			}
		}
		if v == 0 {
			break
		}
		old := uintptr(1)
		if f.forked {
			old = 0
		}
		syscall.RawSyscall6(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWait, old, 0, 0, 0)
	}
	if atomic.LoadUint32(&c.ready) == 0 || atomic.LoadUint32(&c.failProg) != 0 {
		syscall.RawSyscall6(syscall.SYS_EXIT_GROUP, exitCode, 0, 0, 0, 0, 0)
	}
}

// cloneRun makes clone3(2). The child runs interp on the stack named by args and never returns; the parent gets the result
// or a negated errno.
func cloneRun(args unsafe.Pointer, size uintptr, f unsafe.Pointer) (r uintptr)

// initAddr returns the address of initText, the machine code of init and waiter; see init_GOARCH.s.
func initAddr() uintptr
