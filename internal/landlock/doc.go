// Package landlock describes Landlock rulesets, landlock(7), as plain data: which rights exist, which version of the
// kernel's interface (ABI) knows them, what a ruleset loses on an older kernel, and the bytes that the system calls take.
//
// It applies nothing: [Probe] is its only system call. Nor does it weaken a ruleset by itself: [Downgrade] returns what is
// missing beside what is left, and the caller decides whether that is a refusal.
//
// Landlock guards what it handles and nothing else. No ABI knows chmod, chown, stat, extended attributes, file locks or
// mount points that already exist; before ABI 9 a path-named socket, and before ABI 10 UDP, pass freely. It is a second
// layer under a mount namespace, not a replacement for one.
package landlock
