// Package flags reads carrel's command line. One table holds every flag; help, manual pages, shell completion and the guess at
// a misspelt flag are made from it.
//
// Parsing keeps the order of file system entries, takes paths literally and does nothing else: it reads no file, asks the
// host nothing and refuses what it does not know instead of passing it on.
package flags
