// Package seccomp reads seccomp profiles, compiles them to classic BPF and
// explains the result.
//
// It reads the JSON profiles of container engines and the linux.seccomp part of
// an OCI configuration (both shapes are one superset), and compiles them for
// x86_64 (with i386 and x32) and for aarch64 (with arm). The filter is a
// balanced interval tree, it compares each argument at the width that the
// kernel uses, and it is proven against a second evaluator and the live kernel.
//
// The package never loads a filter, never looks at the host and never guesses:
// a profile that says two things at once, or names an action that it does not
// know, is an error with a line number. A system call name that it does not
// know is a warning, because profiles are written for newer kernels and for
// other architectures than the one at hand.
//
// Calls 335 (uretprobe) and 336 (uprobe) of x86_64 cannot be denied by any
// filter: the kernel handles them before seccomp runs.
//
// # The default profile
//
// profiles/default.json allows what ordinary programs need and answers the rest
// with EPERM. Where programs have something to fall back on, they get ENOSYS
// instead: clone3 and socketcall, whose arguments lie in memory, and io_uring.
// Sockets of other families get EPERM and not EAFNOSUPPORT: a rule without
// arguments would overrule the families that are allowed; NETLINK_AUDIT alone gets
// EPROTONOSUPPORT, which login programs take for a kernel without audit. ptrace
// is allowed (debuggers work, and it ends at the PID namespace). x32 is closed.
// Rules that include capabilities give back the calls that those are for.
package seccomp

//go:generate go run ./internal/gen .
//go:generate go run ./internal/gendefault .
