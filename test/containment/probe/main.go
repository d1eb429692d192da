// Command probe is the attacker of the containment tests: each of its words is
// one attack, and it says in one line each how its attempts went. It touches
// only what its arguments name, does no lasting harm where it succeeds, and
// its own word decides no test.
package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"syscall"
)

// attack is one word of the command line.
type attack struct {
	name string
	run  func(args []string)
}

func main() {
	// One thread makes all attempts, so that what a thread has lost stays lost.
	runtime.LockOSThread()
	args, hold := os.Args[1:], false
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		hold = hold || args[0] == "-hold"
		args = args[1:]
	}
	if len(args) == 0 {
		fmt.Fprintln(os.Stderr, "probe: no attack named")
		os.Exit(2)
	}
	for _, group := range [][]attack{fileAttacks(), kernelAttacks(), processAttacks()} {
		for _, one := range group {
			if one.name != args[0] {
				continue
			}
			one.run(args[1:])
			fmt.Println("done")
			if hold {
				fmt.Println("ready")
				_, _ = io.Copy(io.Discard, os.Stdin)
			}
			return
		}
	}
	fmt.Fprintln(os.Stderr, "probe: no attack "+args[0])
	os.Exit(2)
}

// say prints how an attempt went: "ok" or the name of the errno.
func say(name string, err error) {
	fmt.Println(name, word(err))
}

func word(err error) string {
	if err == nil {
		return "ok"
	}
	errno, ok := errnoOf(err)
	if !ok {
		return "error " + err.Error()
	}
	if errno == 0 {
		return "ok"
	}
	return errnoName(errno)
}

func errnoOf(err error) (syscall.Errno, bool) {
	switch e := err.(type) {
	case syscall.Errno:
		return e, true
	case *os.PathError:
		return errnoOf(e.Err)
	case *os.LinkError:
		return errnoOf(e.Err)
	case *os.SyscallError:
		return errnoOf(e.Err)
	}
	return 0, false
}
