package host

import (
	"encoding/binary"
	"errors"
	"syscall"
)

const atSecure = 23 // AT_SECURE of getauxval(3)

// Elevated reports whether the kernel started this process with more rights than its caller's: set-user-ID, set-group-ID or
// file capabilities. It says so when it cannot tell.
func Elevated() bool {
	if syscall.Getuid() != syscall.Geteuid() || syscall.Getgid() != syscall.Getegid() {
		return true
	}
	var b [1024]byte
	n, err := auxv(b[:])
	if errors.Is(err, syscall.ENOENT) {
		return false // without /proc there is no answer, and nothing that follows will work either
	}
	if err != nil {
		return true
	}
	for i := 0; i+16 <= n; i += 16 {
		if binary.LittleEndian.Uint64(b[i:]) == atSecure {
			return binary.LittleEndian.Uint64(b[i+8:]) != 0
		}
	}
	return false
}
