// Package source records where a value came from, so that an error can name the flag or the line that asked for it.
// It is plain data: it opens no file and prints nothing by itself.
package source

import "strconv"

// Origin names the input that asked for something: a flag, a line of a policy file, a field of a config.json, or a preset.
// The zero Origin means that nobody asked by name.
type Origin struct {
	Input string // a flag with its dashes, a file as the user named it, or "preset strict"
	Line  int    // line in the file, from 1; 0 where lines have no meaning
	Field string // field within the input, for instance "linux.seccomp"; may be empty
}

// IsZero reports whether nothing is known about the origin.
func (o Origin) IsZero() bool { return o.Input == "" && o.Line == 0 && o.Field == "" }

// String returns "policy.yaml:12", "--ro", "config.json linux.seccomp", or "" for the zero Origin.
func (o Origin) String() string {
	s := o.Input
	if o.Line > 0 {
		s += ":" + strconv.Itoa(o.Line)
	}
	if o.Field != "" {
		if s != "" {
			s += " "
		}
		s += o.Field
	}
	return s
}

// Flag returns the origin of a command-line flag; name has no dashes.
func Flag(name string) Origin { return Origin{Input: "--" + name} }

// Preset returns the origin of what a preset asks for.
func Preset(name string) Origin { return Origin{Input: "preset " + name} }

// Warning is something that the user should know but that stops nothing.
type Warning struct {
	From Origin
	Text string // lower case, no final period
}

// String returns the text with its origin in brackets.
func (w Warning) String() string {
	if w.From.IsZero() {
		return w.Text
	}
	return w.Text + " (" + w.From.String() + ")"
}

// Error is a refusal that knows which input caused it and what to do about it.
type Error struct {
	From Origin
	Text string // lower case: verb and object first
	Hint string // what the user can do; may be empty
	Host bool   // the host cannot do it; the request itself is sound
}

// Error returns text, origin and hint on one line.
func (e *Error) Error() string {
	s := e.Text
	if !e.From.IsZero() {
		s += " (" + e.From.String() + ")"
	}
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}
