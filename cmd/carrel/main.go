// Command carrel runs any program in a least-privilege sandbox.
//
//go:debug updatemaxprocs=0
package main

import "os"

func main() { os.Exit(command(os.Args[1:])) }
