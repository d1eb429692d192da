// Package compile turns a document and the host's facts into a plan: the launch programs of the child and the steps of the
// parent. It is a pure function: it makes no system call, reads no file and no clock, and gives the same plan for the same
// input on every machine, so that what a host would do can be reviewed and tested elsewhere.
//
// The order of the ops is the product's most delicate part: ids, mounts, pivot_root, then, while process 1 takes down the old
// root, raises the loopback device and becomes init, the payload sets rlimits, drops capabilities, sets no_new_privs, applies
// Landlock, waits for process 1, loads the seccomp filter and executes.
//
// What the host cannot do is an error here, by the layer's name, unless the document allows best effort; then it is a
// warning and a row of the receipt.
package compile
