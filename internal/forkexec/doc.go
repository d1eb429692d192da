// Package forkexec clones a child and runs a launch program in it. It is the only package that clones.
//
// The child shares the parent's memory (CLONE_VM) but has a stack of its own, so that a start costs the same whatever the
// parent's heap weighs, and runs [interp]: a function that allocates nothing, splits no stack and makes raw system calls
// only. All that it reads and writes lies in one mapping outside the Go heap. The set-up process ends as init, a few
// hundred bytes of machine code that share nothing with the parent; the payload waits for that before it executes.
//
// The package refuses to run a pair of programs that [launch.Verify] does not accept. It knows nothing about sandboxes:
// the order and meaning of the ops are the compiler's.
package forkexec
