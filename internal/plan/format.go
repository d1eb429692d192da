package plan

import (
	"strconv"
	"strings"

	"github.com/seed-0dbaba02/carrel/internal/launch"
	"github.com/seed-0dbaba02/carrel/internal/linux"
)

// Format returns the plan as text, as `carrel plan` prints it: the clone, the parent's steps, then each program, an op a line.
func Format(p *Plan) string {
	var b strings.Builder
	b.WriteString("clone    " + Flags(p.Clone) + "\n")
	for i := range p.Descs {
		d := &p.Descs[i]
		b.WriteString("host     " + descWords(d) + "\n")
	}
	if m := p.IDMap; m != nil {
		how := "written by the parent"
		if m.Helper {
			how = "written by " + m.UIDHelper + " and " + m.GIDHelper
		}
		b.WriteString("host     uid_map " + mapWords(m.UID) + ", gid_map " + mapWords(m.GID) + ", " + how + "\n")
	}
	b.WriteString("\nset-up:\n" + p.Programs.Setup.Format())
	if p.Programs.Payload != nil {
		b.WriteString("\npayload:\n" + p.Programs.Payload.Format())
	}
	for _, w := range p.Warnings {
		b.WriteString("note: " + w.String() + "\n")
	}
	for _, l := range p.Layers {
		if l.Degraded != "" {
			b.WriteString("degraded: " + l.Name + ": " + l.Degraded + "\n")
		}
	}
	return b.String()
}

// Flags names the namespaces in clone flags, "none" where there are none.
func Flags(flags uint64) string {
	var names []string
	for i := range linux.Namespaces {
		if flags&linux.Namespaces[i].Flag != 0 {
			names = append(names, linux.Namespaces[i].Name)
		}
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ",")
}

func descWords(d *Desc) string {
	switch d.Kind {
	case DescNamespace:
		return "open the " + d.NS + " namespace " + strconv.Quote(d.Path)
	case DescTree:
		return "hand over " + strconv.Quote(d.Path) + ", ids mapped, attributes 0x" + strconv.FormatUint(d.Attr, 16)
	}
	return "make a terminal"
}

func mapWords(lines []IDLine) string {
	var parts []string
	for _, l := range lines {
		parts = append(parts, strconv.Itoa(l.Inside)+":"+strconv.Itoa(l.Outside)+":"+strconv.Itoa(l.Count))
	}
	return strings.Join(parts, ",")
}

// Description is a plan in the shape in which `carrel plan --json` prints it.
type Description struct {
	Clone    string   `json:"clone"`
	Host     []string `json:"host,omitempty"`
	UIDMap   []IDLine `json:"uidMap,omitempty"`
	GIDMap   []IDLine `json:"gidMap,omitempty"`
	Setup    []OpText `json:"setup"`
	Payload  []OpText `json:"payload,omitempty"`
	Layers   []Layer  `json:"layers"`
	Warnings []string `json:"warnings,omitempty"`
}

// OpText is one op in words.
type OpText struct {
	Op      int    `json:"op"`
	Call    string `json:"call"`
	Subject string `json:"subject,omitempty"`
	From    string `json:"from,omitempty"`
	Text    string `json:"text"`
}

// Describe returns the plan for printing as JSON.
func Describe(p *Plan) *Description {
	d := &Description{Clone: Flags(p.Clone), Layers: p.Layers, Setup: opTexts(p.Programs.Setup)}
	for i := range p.Descs {
		d.Host = append(d.Host, descWords(&p.Descs[i]))
	}
	if p.IDMap != nil {
		d.UIDMap, d.GIDMap = p.IDMap.UID, p.IDMap.GID
	}
	if p.Programs.Payload != nil {
		d.Payload = opTexts(p.Programs.Payload)
	}
	for _, w := range p.Warnings {
		d.Warnings = append(d.Warnings, w.String())
	}
	return d
}

func opTexts(p *launch.Program) []OpText {
	lines := strings.Split(strings.TrimSuffix(p.Format(), "\n"), "\n")
	out := make([]OpText, len(p.Ops))
	for i := range p.Ops {
		text, _, _ := strings.Cut(lines[i], " # ")
		out[i] = OpText{Op: i, Call: p.Ops[i].Call.String(), Subject: p.Ops[i].Subject, From: p.From(i).String(), Text: strings.TrimSpace(text[4:])}
	}
	return out
}
