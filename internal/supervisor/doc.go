// Package supervisor carries a plan out: it opens what the child needs, starts the launch program, writes id maps and hands
// over id-mapped trees when the child asks, looks at the sandbox before the program runs if a receipt is wanted, and waits
// for the end. It decides nothing: what is isolated and how is the compiler's, and the plan is all that the two share.
//
// Whatever fails before the program's first instruction ends the child, leaves nothing behind and comes back as a
// [SetupError] that names the op, the errno and who asked for it.
package supervisor
