// Command carrel runs any program in a least-privilege sandbox.
package main

import (
	"os"
	"runtime"
)

func main() {
	// The parent death signal follows the thread that cloned, and the launcher may replace itself by the waiter: an exec from
	// another thread would end that one, and the sandbox with it.
	runtime.LockOSThread()
	os.Exit(command(os.Args[1:]))
}
