// Package ptytest drives interactive programs in tests as a person at a terminal would: it starts a command on a pty of
// its own, types, waits for words to appear and looks at the screen.
//
// It is for tests only. It never sleeps and asserts no times: its one deadline is there so that a hung program fails
// the test instead of hanging it.
package ptytest
