// Package lawtest checks the laws of this repository: floors, package
// comments, budgets, where unsafe may be written, what the interpreter may
// call, and what the lean binary may link.
//
// Every check is a pure function from what was read (a parsed tree, the answer
// of go list, a disassembly) to a list of problems, so that its own tests can
// feed it a violation and see it caught. The tables that say what is allowed,
// with a reason for each entry, are in law_test.go in the root of the tree.
//
// It is for tests only: no package of the program may import it. It does not
// judge style that gofmt, vet or a linter already judges.
package lawtest
