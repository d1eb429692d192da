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
//
// No program sets a set-user-ID or set-group-ID bit (mode bits 06000): in a
// directory granted for writing the file would belong to the caller, and give
// the caller's rights to others on the host. chmod, fchmod, fchmodat, fchmodat2,
// creat, mknod and mknodat with such a bit get EPERM, as do open and openat where
// they may make a file (O_CREAT, O_TMPFILE). A directory's set-group-ID bit is
// refused with them: a filter does not see what a path leads to. openat2, whose
// mode lies in memory, gets ENOSYS, and programs fall back to openat. With
// CAP_FSETID all of these calls are allowed, with any mode.
package seccomp

//go:generate go run ./internal/gen .
//go:generate go run ./internal/gendefault .
