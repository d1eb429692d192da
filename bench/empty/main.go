// Package main of empty is a Go program that does nothing: the floor under the
// start-up time of every Go program, carrel included. It refuses to do more.
package main

func main() {}
