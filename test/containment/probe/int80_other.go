//go:build !amd64

package main

import "golang.org/x/sys/unix"

// int80 has no meaning here: only amd64 has the entry for i386 programs.
func int80([]string) { say("getpid", unix.ENOSYS) }
