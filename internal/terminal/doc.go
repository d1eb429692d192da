// Package terminal keeps the caller's terminal out of the sandbox: the program gets a pty of its own, and a [Relay]
// carries bytes between the two.
//
// The program and init sit on the slave side of a pty made in the sandbox's devpts. The relay sits outside with the
// master. The caller's descriptors are never passed on, so nothing inside can push input into the caller's terminal
// (TIOCSTI, TIOCLINUX), change its settings or seek in it. The caller's line discipline is off while the relay runs:
// Ctrl-C and Ctrl-Z are plain bytes until they reach the line discipline inside, which turns them into signals for its
// own foreground group.
//
// What the program prints is relayed as it is, escape sequences included: that is what a terminal is for. Whoever
// shows captured output instead must escape it.
//
// The package starts no process, does not make the sandbox's pty and decides nothing about when one is wanted.
package terminal
