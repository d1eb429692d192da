package main

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/seed-0dbaba02/carrel/internal/frontend/view"
	"github.com/seed-0dbaba02/carrel/internal/host"
	"github.com/seed-0dbaba02/carrel/internal/launch"
	"github.com/seed-0dbaba02/carrel/internal/source"
	"github.com/seed-0dbaba02/carrel/internal/supervisor"
)

// This file owns what a user reads: everything that is not a command's product goes to standard error, one line each, with
// the prefix "carrel: ", in lower case, without a final period, hints last.

// Exit codes of carrel's own failures. The program's own code passes through, 128+n for signal n.
const (
	exitUsage         = 64  // the command line is wrong
	exitPolicy        = 65  // what was asked for contradicts itself or names what is not there
	exitHost          = 69  // the host cannot give a layer that was asked for
	exitInternal      = 70  // a fault in carrel
	exitSetup         = 71  // the set-up failed; the program never ran
	exitNotExecutable = 126 // the program is there and cannot be executed
	exitNotFound      = 127 // the program is not there inside the sandbox
)

// say writes one line for the user.
func say(line string) {
	os.Stderr.WriteString("carrel: " + oneLine(line) + "\n")
}

// oneLine keeps what would drive a terminal out of messages, because paths and programs' words may hold anything: control
// characters of ASCII, those of ISO 6429 above it (U+0080 to U+009F), and bytes that are no UTF-8.
func oneLine(s string) string {
	clean := true
	for i := range len(s) {
		clean = clean && s[i] >= ' ' && s[i] < 0x7f
	}
	if clean {
		return s
	}
	const hex = "0123456789abcdef"
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ', r >= 0x7f && r < 0xa0, r == utf8.RuneError && n == 1:
			for i := range n {
				b.WriteString(`\x` + hex[s[i]>>4:s[i]>>4+1] + hex[s[i]&15:s[i]&15+1])
			}
		default:
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}

func warn(list []source.Warning) {
	for _, w := range list {
		say("note: " + w.String())
	}
}

// fail tells an error and returns its exit code; otherwise is the code of errors that have none of their own.
func fail(otherwise int, err error) int {
	code := otherwise
	var (
		setup    *supervisor.SetupError
		asked    *source.Error
		notFound *view.NotFoundError
		notExec  *view.NotExecutableError
	)
	var fault *launch.VerifyError
	switch {
	case errors.As(err, &fault):
		code = exitInternal
	case errors.As(err, &setup):
		code = setupCode(setup)
	case errors.As(err, &notFound):
		code = exitNotFound
	case errors.As(err, &notExec):
		code = exitNotExecutable
	case errors.As(err, &asked) && asked.Host:
		code = exitHost
	}
	say(err.Error())
	return code
}

func setupCode(e *supervisor.SetupError) int {
	switch e.Kind {
	case supervisor.KindHost:
		if e.Cause == "" && e.Errno != 0 {
			if d := host.Diagnose(e.Op, e.Errno); d != nil {
				e.Cause, e.Hint = d.Text, d.Fix
			}
		}
		return exitHost
	case supervisor.KindNotFound:
		return exitNotFound
	case supervisor.KindNotExecutable:
		return exitNotExecutable
	}
	return exitSetup
}

func refuseSetuid() int {
	say("refuse to run set-user-ID, set-group-ID or with file capabilities: carrel needs no privilege of its own; remove the bits (chmod ug-s, setcap -r)")
	return exitHost
}

// printJSON prints a command's product.
func printJSON(v any) int {
	e := json.NewEncoder(os.Stdout)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return fail(exitInternal, err)
	}
	return 0
}

// exitStatus turns a wait status into an exit code as a shell does.
func exitStatus(ws syscall.WaitStatus) int {
	if ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return ws.ExitStatus()
}
