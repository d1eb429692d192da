package main

import (
	"encoding/json"
	"os"
	"strings"

	"github.com/seed-0dbaba02/carrel/internal/frontend/flags"
	"github.com/seed-0dbaba02/carrel/internal/plan"
	"github.com/seed-0dbaba02/carrel/internal/source"
	"github.com/seed-0dbaba02/carrel/internal/supervisor"
)

// receipt is what --receipt writes: what was asked of each layer, how it is enforced, and what the kernel shows of it.
type receipt struct {
	Program string       `json:"program"`
	PID     int          `json:"pid"` // in the caller's pid namespace
	Layers  []plan.Layer `json:"layers"`
}

// openReceipt opens what --receipt names, before anything starts: a program whose receipt was asked for does not run without.
func openReceipt(name string) (*os.File, error) {
	if name == "-" {
		return os.Stderr, nil
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, &source.Error{From: source.Flag("receipt"), Text: err.Error()}
	}
	return f, nil
}

// writeReceipt looks at the waiting program and writes the receipt.
func writeReceipt(c *flags.Command, p *plan.Plan, out *os.File, pid int) error {
	supervisor.Observe(p.Layers, pid)
	r := receipt{Program: strings.Join(c.Args, " "), PID: pid, Layers: p.Layers}
	if c.JSON {
		e := json.NewEncoder(out)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	_, err := out.WriteString(receiptText(&r))
	return err
}

// receiptText sets the receipt as a table of three lines a layer.
func receiptText(r *receipt) string {
	var b strings.Builder
	b.WriteString("carrel receipt for " + oneLine(r.Program) + "\n")
	for i := range r.Layers {
		l := &r.Layers[i]
		b.WriteString(oneLine(l.Name) + "\n")
		b.WriteString("  asked  " + oneLine(l.Asked) + "\n")
		b.WriteString("  by     " + oneLine(l.How) + "\n")
		if l.Degraded != "" {
			b.WriteString("  MISSING  " + oneLine(l.Degraded) + "\n")
			continue
		}
		b.WriteString("  shows  " + oneLine(l.Shows) + "\n")
	}
	return b.String()
}
