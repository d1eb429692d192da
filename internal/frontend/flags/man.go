package flags

import (
	"strings"

	"github.com/seed-0dbaba02/carrel/policy"
)

// Man returns a manual page in troff (man(7)): "carrel" (section 1) or "carrel.yaml" (section 5).
func Man(page string) string {
	if page == "carrel.yaml" {
		return manFile()
	}
	var b strings.Builder
	head(&b, "CARREL", "1", "carrel \\- run any program in a least-privilege sandbox")
	b.WriteString(".SH SYNOPSIS\n")
	for i := range commands {
		b.WriteString(".B carrel " + troff(commands[i].word) + "\n" + troff(commands[i].args) + "\n.br\n")
	}
	section(&b, "DESCRIPTION", manDescription)
	b.WriteString(".SH COMMANDS\n")
	for i := range commands {
		item(&b, commands[i].word, "", sentence(commands[i].help))
	}
	b.WriteString(".SH OPTIONS\nThe commands run, spec and plan take the same flags. A value follows its flag as the next word or, where there is one, behind =.\n" +
		"Paths are literal and relative to the working directory. The flags of files take effect in the order given; later wins.\n")
	for g := range groups {
		b.WriteString(".SS " + troff(groups[g].title) + "\n")
		for i := range groupFlags(g) {
			f := groupFlags(g)[i]
			word, args, _ := strings.Cut(usage(&f), " ")
			item(&b, word, args, sentence(f.help))
		}
	}
	b.WriteString(".SH PRESETS\n")
	for i := range presetHelp {
		item(&b, policy.Presets[i], "", presetHelp[i])
	}
	b.WriteString(".SH EXIT STATUS\nThe program's own; 128+n when signal n ended it. Failures of carrel itself:\n")
	for i := range exits {
		item(&b, exits[i].code, "", sentence(exits[i].help))
	}
	b.WriteString(".SH EXAMPLES\n")
	for i := range examples {
		b.WriteString(".PP\n" + troff(sentence(examples[i].help)) + "\n.PP\n.RS 4\n.nf\n" + troff(examples[i].line) + "\n.fi\n.RE\n")
	}
	b.WriteString(".SH SEE ALSO\n.BR carrel.yaml (5),\n.BR namespaces (7),\n.BR capabilities (7),\n.BR seccomp (2),\n.BR landlock (7),\n.BR prlimit (1)\n")
	return b.String()
}

// manFile returns carrel.yaml(5).
func manFile() string {
	var b strings.Builder
	head(&b, "CARREL.YAML", "5", "carrel.yaml \\- policy file of carrel")
	section(&b, "DESCRIPTION", manFileDescription)
	b.WriteString(".SH KEYS\n")
	for _, k := range policy.Keys() {
		item(&b, k.Word+":", k.Value, sentence(k.Help))
	}
	b.WriteString(".SH ENTRIES OF FS\nEach entry is a mapping with one of these keys, whose value is the path inside, and at most one more.\n" +
		"Instead of a path, ro, rw and dev take a mapping of path and from.\n")
	for _, k := range policy.EntryKeys() {
		item(&b, k.Word+":", "PATH", sentence(k.Help))
	}
	b.WriteString(".SH EXAMPLE\n.nf\n" + troff(fileExample) + ".fi\n.SH SEE ALSO\n.BR carrel (1)\n")
	return b.String()
}

func head(b *strings.Builder, name, section, line string) {
	b.WriteString(".TH " + name + " " + section + " \"\" carrel\n.SH NAME\n" + line + "\n")
}

func section(b *strings.Builder, title string, paragraphs []string) {
	b.WriteString(".SH " + title + "\n")
	for i, p := range paragraphs {
		if i > 0 {
			b.WriteString(".PP\n")
		}
		b.WriteString(troff(p) + "\n")
	}
}

func item(b *strings.Builder, word, args, text string) {
	b.WriteString(".TP\n\\fB" + troff(word) + "\\fR")
	if args != "" {
		b.WriteString(" \\fI" + troff(args) + "\\fR")
	}
	b.WriteString("\n" + troff(text) + "\n")
}

// troff escapes what troff would read as its own: backslashes, hyphens that must stay what they are, and lines that begin with
// a dot or a quote.
func troff(s string) string {
	s = strings.ReplaceAll(s, `\`, `\e`)
	s = strings.ReplaceAll(s, "-", `\-`)
	s = strings.ReplaceAll(s, "…", "...")
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") || strings.HasPrefix(l, "'") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}
