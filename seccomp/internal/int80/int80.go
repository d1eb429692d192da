//go:build amd64

// Package int80 makes system calls through the i386 entry of an amd64 kernel,
// for tests of filters. It is for tests alone: it knows nothing of the Go
// scheduler, keeps no pointers alive, and the process dies with SIGSEGV where
// the kernel has no i386 entry.
package int80

// Call makes the i386 system call nr and returns what the kernel left in EAX:
// a value, or the negative errno.
//
//go:noescape
func Call(nr uint32, args *[6]uint32) int32
