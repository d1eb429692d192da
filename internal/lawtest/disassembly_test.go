package lawtest

import (
	"os"
	"path/filepath"
	"testing"
)

// The sample holds one function that obeys and several that do not. It is built
// for both architectures, so the test reads what today's compiler and
// disassembler write, not what somebody once pasted.
const sample = `package main

import "syscall"

//go:noinline
//go:nosplit
func good(n int) (e syscall.Errno) {
	for i := 0; i < n && e == 0; i++ {
		_, _, e = syscall.RawSyscall6(uintptr(i), 0, 0, 0, 0, 0, 0)
		e += inner(e)
	}
	return e
}

//go:noinline
//go:nosplit
func inner(e syscall.Errno) syscall.Errno {
	_, _, e = syscall.RawSyscall(uintptr(e), 0, 0, 0)
	return e
}

//go:noinline
func splits(n int) int { var a [4096]byte; inner(0); a[n&4095] = 1; return int(a[(n+1)&4095]) }

//go:noinline
//go:nosplit
func indexes(s []int, i int) int { return s[i] }

//go:noinline
//go:nosplit
func barrier(p **int, q *int) { *p = q }

//go:noinline
//go:nosplit
func value(f func() int) int { return f() }

//go:noinline
//go:nosplit
func deep(s []int, i int) int { return indexes(s, i) }

// fromAssembly has a wrapper of nearly the same name, which must not hide it.
//
//go:nosplit
func fromAssembly() { indexes(nil, 1) }

func enter()

var sink *int

func main() {
	n := 1
	println(good(0), splits(n), indexes([]int{1, 2}, n), value(func() int { return n }), deep([]int{1, 2}, n))
	barrier(&sink, &n)
	enter()
}
`

const sampleAssembly = `#include "textflag.h"

TEXT ·enter(SB),NOSPLIT,$0-0
	CALL ·fromAssembly(SB)
	RET
`

func TestCallsAreHeld(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "go.mod", "module sample\n\ngo 1.26\n")
	write(t, dir, "main.go", sample)
	write(t, dir, "enter.s", sampleAssembly)
	allowed := []string{"syscall.RawSyscall", "syscall.RawSyscall6", "internal/runtime/syscall/linux.Syscall6"}
	for _, arch := range []string{"amd64", "arm64"} {
		t.Run(arch, func(t *testing.T) {
			binary := filepath.Join(dir, "sample."+arch)
			if _, err := Go(dir, arch, "build", "-o", binary, "."); err != nil {
				t.Fatal(err)
			}
			text, err := Go(dir, arch, "tool", "objdump", "-s", `^main\.`, binary)
			if err != nil {
				t.Fatal(err)
			}
			routines, err := ParseObjdump(text)
			if err != nil {
				t.Fatal(err)
			}
			caught(t, Calls(routines, "main", []string{"good"}, allowed))
			caught(t, Calls(routines, "main", []string{"good"}, allowed[:1]), "main.good: calls syscall.RawSyscall6")
			caught(t, Calls(routines, "main", []string{"splits"}, allowed), "main.splits: calls runtime.morestack_noctxt")
			caught(t, Calls(routines, "main", []string{"indexes"}, allowed), "main.indexes: calls runtime.panic")
			caught(t, Calls(routines, "main", []string{"barrier"}, allowed), "main.barrier: calls runtime.gcWriteBarrier")
			caught(t, Calls(routines, "main", []string{"value"}, allowed), "main.value: calls through a value")
			caught(t, Calls(routines, "main", []string{"deep"}, allowed), "main.indexes: calls runtime.panic")
			caught(t, Calls(routines, "main", []string{"fromAssembly"}, allowed), "main.indexes: calls runtime.panic")
			caught(t, Calls(routines, "main", []string{"enter"}, allowed), "main.indexes: calls runtime.panic")
			caught(t, Calls(routines, "main", []string{"absent"}, allowed), "main.absent: not in the binary")
		})
	}
	if _, err := ParseObjdump(nil); err == nil {
		t.Error("an empty disassembly must be an error")
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
