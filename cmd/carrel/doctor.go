package main

import (
	"os"

	"github.com/seed-0dbaba02/carrel/internal/frontend/flags"
	"github.com/seed-0dbaba02/carrel/internal/host"
)

// doctor tells what this host can and cannot do.
func doctor(c *flags.Command) int {
	r, err := host.Examine(".")
	if err != nil {
		return fail(exitInternal, err)
	}
	if c.JSON {
		return printJSON(r)
	}
	os.Stdout.WriteString(r.Text())
	return 0
}
