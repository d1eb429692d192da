package main

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// call32 makes a system call by the i386 entry, with three arguments.
//
//go:noescape
func call32(nr, a, b, c uint32) int32

// int80 uses the entry for 32-bit programs, whose numbers mean other calls. A socket that it gets stays open.
func int80([]string) {
	const getpid, mount, socketcall, socket, unshare = 20, 21, 102, 1, 310
	at, words, err := low()
	say("mmap", err)
	if err != nil {
		return
	}
	words[0], words[1], words[2] = unix.AF_VSOCK, unix.SOCK_STREAM, 0
	say32("getpid", call32(getpid, 0, 0, 0))
	say32("socketcall", call32(socketcall, socket, uint32(at), 0))
	say32("mount", call32(mount, 0, 0, 0))
	say32("unshare", call32(unshare, unix.CLONE_NEWUSER, 0, 0))
}

func say32(name string, r int32) {
	if r < 0 {
		say(name, syscall.Errno(-r))
		return
	}
	say(name, nil)
}
