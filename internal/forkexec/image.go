package forkexec

import (
	"syscall"
	"unsafe"

	"github.com/seed-0dbaba02/carrel/internal/launch"
	"github.com/seed-0dbaba02/carrel/internal/linux"
)

const (
	stackSize = 8 << 10
	pageSize  = 4 << 10
	opSize    = unsafe.Sizeof(op{})
)

// region lays things out in one mapping.
type region struct {
	mem []byte
	off uintptr
}

func (r *region) take(n uintptr) unsafe.Pointer {
	r.off = (r.off + 15) &^ 15
	p := unsafe.Pointer(&r.mem[r.off])
	r.off += n
	return p
}

// image is a pair of programs in memory, ready to be run once.
type image struct {
	mem     []byte
	c       *control
	setup   *frame
	payload *frame
	clone   *cloneArgs
}

func size(p *launch.Program) uintptr {
	if p == nil {
		return 0
	}
	return uintptr(len(p.Ops))*opSize + uintptr(len(p.Data)) + 64
}

// build copies the programs into a mapping and resolves everything but slots.
func build(o *Options) (*image, error) {
	total := unsafe.Sizeof(control{}) + 2*unsafe.Sizeof(frame{}) + 2*unsafe.Sizeof(cloneArgs{}) + 2*stackSize + 256 +
		size(o.Programs.Setup) + size(o.Programs.Payload)
	total = (total + pageSize - 1) &^ (pageSize - 1)
	kind := syscall.MAP_PRIVATE
	if o.Fork {
		kind = syscall.MAP_SHARED
	}
	mem, err := syscall.Mmap(-1, 0, int(total), syscall.PROT_READ|syscall.PROT_WRITE, kind|syscall.MAP_ANON)
	if err != nil {
		return nil, err
	}
	r := &region{mem: mem}
	im := &image{mem: mem}
	im.c = (*control)(r.take(unsafe.Sizeof(control{})))
	im.setup = load(r, im.c, o.Programs.Setup, o.Host)
	im.setup.prog = 1
	if o.Programs.Payload != nil {
		im.payload = load(r, im.c, o.Programs.Payload, o.Host)
		im.payload.prog = 2
		a := (*cloneArgs)(r.take(unsafe.Sizeof(cloneArgs{})))
		// With a copy of the caller's memory too, both programs share that: it is what lets the kernel tell the payload of the
		// set-up process's exec.
		a.flags = linux.CloneVM | linux.CloneClearSighand | linux.ClonePidfd
		a.pidfd = uint64(uintptr(unsafe.Pointer(&im.c.payloadFD)))
		a.exitSignal = uint64(syscall.SIGCHLD)
		a.giveStack(r)
		im.setup.spawn, im.setup.payload = a, im.payload
	}
	if in := o.Inject; in != nil {
		f := im.setup
		if in.Payload {
			f = im.payload
		}
		f.inject, f.errno = uint32(in.Op)+1, uintptr(in.Errno)
	}
	im.clone = (*cloneArgs)(r.take(unsafe.Sizeof(cloneArgs{})))
	im.clone.flags = o.Clone | linux.ClonePidfd | linux.CloneClearSighand | linux.CloneChildCleartid
	if !o.Fork {
		im.clone.flags |= linux.CloneVM
	}
	im.clone.pidfd = uint64(uintptr(unsafe.Pointer(&im.c.pidfd)))
	im.clone.exitSignal = uint64(syscall.SIGCHLD)
	im.clone.childTid = uint64(uintptr(unsafe.Pointer(&im.c.initAlive)))
	im.clone.giveStack(r)
	im.c.initAlive, im.c.patience = 1, [2]uint64{0, 100e6}
	return im, nil
}

// giveStack sets the child's stack.
func (a *cloneArgs) giveStack(r *region) {
	a.stack, a.stackSize = uint64(uintptr(r.take(stackSize))), stackSize
}

// load copies one program.
func load(r *region, c *control, p *launch.Program, host []int) *frame {
	f := (*frame)(r.take(unsafe.Sizeof(frame{})))
	ops := r.take(uintptr(len(p.Ops)) * opSize)
	data := r.take(uintptr(len(p.Data)) + 1)
	base := uintptr(data)
	copy(unsafe.Slice((*byte)(data), len(p.Data)), p.Data)
	for _, off := range p.Relocs {
		*(*uintptr)(unsafe.Add(data, off)) += base
	}
	for i := range p.Ops {
		resolve((*op)(unsafe.Add(ops, uintptr(i)*opSize)), &p.Ops[i], base, host)
	}
	f.ops, f.n, f.c = (*op)(ops), uintptr(len(p.Ops)), c
	return f
}

func resolve(dst *op, src *launch.Op, base uintptr, host []int) {
	dst.call, dst.out, dst.okay = src.Call, src.Out, uintptr(src.Okay)
	if !src.Call.Pseudo() {
		dst.nr = uint32(src.Call.Number(arch))
	}
	kinds := src.Kinds()
	for k := range 6 {
		v := uintptr(src.Args[k])
		switch launch.Kind(kinds >> (2 * k) & 3) {
		case launch.Data:
			v += base
		case launch.Slot:
			dst.slots |= 1 << k
		case launch.Host:
			v = uintptr(host[v])
		}
		dst.args[k] = v
	}
}
