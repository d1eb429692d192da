// Package view turns a policy and the host's facts into the one document that is compiled: what the program sees, who it is
// there, and what it may do.
//
// Everything about the host comes in through [Env] and a function that says what a path is, so that the whole package can be
// tested against a host that does not exist. It opens nothing and starts nothing. It refuses what is missing, by name and with
// the flag or line that asked for it; it never drops a grant or a restriction without a warning.
package view
