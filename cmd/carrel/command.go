package main

import (
	"os"

	"github.com/seed-0dbaba02/carrel/internal/frontend/flags"
	"github.com/seed-0dbaba02/carrel/internal/host"
)

// command runs one command line and returns the exit code.
func command(args []string) int {
	if host.Elevated() {
		return refuseSetuid()
	}
	c, err := flags.Parse(args)
	if err != nil {
		return fail(exitUsage, err)
	}
	switch c.Name {
	case "run":
		return run(c)
	case "spec":
		return printSpec(c)
	case "plan":
		return printPlan(c)
	case "doctor":
		return doctor(c)
	case "version":
		return printVersion(c)
	case "completion", "man":
		return printText(c)
	}
	os.Stdout.WriteString(flags.Help(c.Topic))
	return 0
}
