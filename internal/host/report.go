package host

import "strings"

// State says how a check came out.
type State string

// The states of a check.
const (
	OK      State = "ok"
	Limited State = "limited" // works in part, or not for this caller, or leaves something open
	Absent  State = "missing"
)

// Check is one line of what the host can do. Words are lower case and one line each.
type Check struct {
	Name   string `json:"name"`
	State  State  `json:"state"`
	Detail string `json:"detail"`
	Fix    string `json:"fix,omitempty"` // what to do; never empty unless State is OK
}

// Report is what [Examine] found.
type Report struct {
	Facts  *Facts  `json:"facts"`
	Checks []Check `json:"checks"`
}

// Find returns a check by name, or nil.
func (r *Report) Find(name string) *Check {
	for i := range r.Checks {
		if r.Checks[i].Name == name {
			return &r.Checks[i]
		}
	}
	return nil
}

func (r *Report) add(name string, state State, detail, fix string) {
	r.Checks = append(r.Checks, Check{name, state, detail, fix})
}

// Text returns the report for a terminal: state, name and detail in columns, the fix below what needs one.
func (r *Report) Text() string {
	width := 0
	for i := range r.Checks {
		width = max(width, len(r.Checks[i].Name))
	}
	var b strings.Builder
	for i := range r.Checks {
		c := &r.Checks[i]
		b.WriteString(pad(string(c.State), len(Limited)) + "  " + pad(c.Name, width) + "  " + c.Detail + "\n")
		if c.Fix != "" {
			b.WriteString(pad("", len(Limited)+2+width) + "  fix: " + c.Fix + "\n")
		}
	}
	return b.String()
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-len(s)))
}
