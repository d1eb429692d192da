// Command carrel runs any program in a least-privilege sandbox.
package main

import "os"

func main() { os.Exit(command(os.Args[1:])) }
