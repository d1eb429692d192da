// Package launch describes the start of a sandbox as data: a launch program is a flat list of system calls that a child
// process makes, one after another, before it becomes the program that the user asked for.
//
// A program has no jumps and no loops, allocates nothing and holds no pointers: an argument is an immediate number, an
// offset into the program's data, a slot that an earlier op filled, or a number that the host fills in before the start
// (a descriptor, for instance). That makes it printable, comparable in goldens, checkable ([Verify]) and, one day, a file
// of its own. This package makes no system call: [internal/forkexec] runs programs.
package launch
