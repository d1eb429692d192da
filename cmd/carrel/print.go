package main

import (
	"os"

	"github.com/seed-0dbaba02/carrel/internal/frontend/flags"
	"github.com/seed-0dbaba02/carrel/internal/plan"
	"github.com/seed-0dbaba02/carrel/internal/source"
)

// version is set by the linker for releases.
var version = "development"

func printVersion(c *flags.Command) int {
	if c.JSON {
		return printJSON(struct {
			Version string `json:"version"`
		}{version})
	}
	os.Stdout.WriteString("carrel " + version + "\n")
	return 0
}

// printText prints a completion script or a manual page.
func printText(c *flags.Command) int {
	text, hint := flags.Completion(c.Topic), "the shells are bash, zsh and fish"
	if c.Name == "man" {
		text, hint = flags.Man(c.Topic), "the pages are carrel and carrel.yaml"
	}
	if text == "" {
		return fail(exitUsage, &source.Error{Text: "print " + c.Name + " " + c.Topic + ": there is none", Hint: hint})
	}
	os.Stdout.WriteString(text)
	return 0
}

// printSpec prints the OCI document that the flags make.
func printSpec(c *flags.Command) int {
	d, _, err := document(c)
	if err != nil {
		return fail(exitPolicy, err)
	}
	return printJSON(d)
}

// printPlan prints the launch programs and runs nothing.
func printPlan(c *flags.Command) int {
	p, err := compiled(c)
	if err != nil {
		return fail(exitPolicy, err)
	}
	if c.JSON {
		return printJSON(plan.Describe(p))
	}
	os.Stdout.WriteString(plan.Format(p))
	return 0
}
