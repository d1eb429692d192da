package forkexec

import (
	"encoding/binary"
	"runtime"
	"syscall"
	"unsafe"
)

const (
	initBase  = 0x400000
	initHead  = 64 + 2*56 // ELF header and two program headers
	initLimit = 1280      // more than the code is long; a test holds that the end mark lies inside
	ptLoad    = 1
	ptStack   = 0x6474e551
	mfdExec   = 0x10
	mfdCloexe = 1
)

// endMark stands behind the last instruction of initText.
const endMark = 0x0EE144CA

// initCode returns the machine code of initText: a view of this binary's own text.
func initCode() []byte {
	at := initAddr()
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&at)), initLimit)
}

// initELF writes a static executable of one segment that holds initText into b, and returns how many bytes it used.
// It has no data, so the kernel maps one page of file and a stack.
func initELF(b *[initHead + initLimit]byte) int {
	le := binary.LittleEndian
	machine := uint16(62) // EM_X86_64
	if runtime.GOARCH == "arm64" {
		machine = 183 // EM_AARCH64
	}
	code := initCode()
	n := codeLen(code)
	copy(b[:], "\x7fELF\x02\x01\x01")
	le.PutUint16(b[16:], 2) // ET_EXEC
	le.PutUint16(b[18:], machine)
	le.PutUint32(b[20:], 1)
	le.PutUint64(b[24:], initBase+initHead) // entry
	le.PutUint64(b[32:], 64)                // program headers
	le.PutUint16(b[52:], 64)
	le.PutUint16(b[54:], 56)
	le.PutUint16(b[56:], 2)
	p := b[64:]
	le.PutUint32(p[0:], ptLoad)
	le.PutUint32(p[4:], 5) // R+X
	le.PutUint64(p[16:], initBase)
	le.PutUint64(p[24:], initBase)
	le.PutUint64(p[32:], uint64(initHead+n))
	le.PutUint64(p[40:], uint64(initHead+n))
	le.PutUint64(p[48:], 4096)
	p = b[64+56:]
	le.PutUint32(p[0:], ptStack)
	le.PutUint32(p[4:], 6) // R+W: the stack holds no code
	le.PutUint64(p[48:], 16)
	copy(b[initHead:], code[:n])
	return initHead + n
}

// codeLen finds the end mark.
func codeLen(code []byte) int {
	for i := 0; i+4 <= len(code); i++ {
		if binary.LittleEndian.Uint32(code[i:]) == endMark {
			return i
		}
	}
	return len(code)
}

var (
	initName  = [...]byte{'i', 'n', 'i', 't', 0}
	emptyPath = [1]byte{0}
)

// OpenInit returns a descriptor of the init executable, close-on-exec. It lies in memory, cannot be changed by anybody
// (the only descriptor is read-only and the mode is 0111), and since the processes that execute it cannot read it, the
// kernel makes them undumpable. ENOSYS or EACCES mean that the host forbids executable memory files (vm.memfd_noexec).
func OpenInit() (fd int, err error) {
	var image [initHead + initLimit]byte
	n := initELF(&image)
	w, _, e := syscall.RawSyscall(sysMemfdCreate, uintptr(unsafe.Pointer(&initName[0])), mfdCloexe|mfdExec, 0)
	if e == syscall.EINVAL { // before Linux 6.3 there was no MFD_EXEC: all memory files were executable
		w, _, e = syscall.RawSyscall(sysMemfdCreate, uintptr(unsafe.Pointer(&initName[0])), mfdCloexe, 0)
	}
	if e != 0 {
		return -1, e
	}
	defer syscall.Close(int(w))
	if _, err := syscall.Write(int(w), image[:n]); err != nil {
		return -1, err
	}
	// An executable that is open for writing cannot be executed, so it is opened again.
	fd, err = syscall.Open(procFD(int(w)), syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if err := syscall.Fchmod(fd, 0o111); err != nil {
		_ = syscall.Close(fd)
		return -1, err
	}
	return fd, nil
}

// procFD returns the path of a descriptor below /proc/self/fd.
func procFD(fd int) string {
	var b [32]byte
	p := append(b[:0], "/proc/self/fd/"...)
	return string(appendInt(p, fd))
}

func appendInt(p []byte, n int) []byte {
	if n >= 10 {
		p = appendInt(p, n/10)
	}
	return append(p, byte('0'+n%10))
}
