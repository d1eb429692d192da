package flags

import (
	"strings"
	"unicode/utf8"
)

const width = 100 // columns of a help text

// Help returns the help of a command, or of carrel itself for "".
func Help(topic string) string {
	var b strings.Builder
	for i := range commands {
		c := &commands[i]
		if c.word != topic {
			continue
		}
		b.WriteString("usage: carrel " + c.word + " " + c.args + "\n\n" + sentence(c.help) + "\n")
		if c.bit != 0 {
			helpFlags(&b, c.bit)
		}
		if c.bit&onView != 0 {
			b.WriteString("\nPaths are literal and relative to the working directory. File entries take effect in the order given; later wins.\n")
		}
		return b.String()
	}
	b.WriteString("usage: carrel COMMAND …\n\ncarrel runs any program in a least-privilege sandbox: with nothing given it sees the system's programs and the\n" +
		"working directory, both read-only, and no network, no home directory and nobody else.\n\nCommands\n")
	for i := range commands {
		row(&b, 14, "  "+commands[i].word, commands[i].help)
	}
	b.WriteString("\nFor instance: carrel run -- python3 script.py\nFlags of a command: carrel help COMMAND\n")
	return b.String()
}

func helpFlags(b *strings.Builder, bit uint8) {
	for g := range groups {
		title := false
		for i := range groupFlags(g) {
			f := groupFlags(g)[i]
			if f.on&bit == 0 {
				continue
			}
			if !title {
				b.WriteString("\n" + groups[g].title + "\n")
				title = true
			}
			row(b, 30, "  "+usage(&f), f.help)
		}
	}
}

// groupFlags returns the rows of a group.
func groupFlags(g int) []flag {
	end := len(table)
	if g+1 < len(groups) {
		end = int(groups[g+1].first)
	}
	return table[groups[g].first:end]
}

// usage returns a flag with its words, for instance "--symlink TARGET PATH".
func usage(f *flag) string {
	switch {
	case f.id == idTmpfs:
		return "--tmpfs[=SIZE] PATH"
	case f.args == "":
		return "--" + f.word
	}
	return "--" + f.word + " " + f.args
}

// row writes a word and its explanation, broken into lines that are indented to a column.
func row(b *strings.Builder, indent int, word, text string) {
	b.WriteString(word)
	if n := utf8.RuneCountInString(word); n < indent {
		b.WriteString(strings.Repeat(" ", indent-n))
	} else {
		b.WriteString("\n" + strings.Repeat(" ", indent))
	}
	col := indent
	for i, w := range strings.Fields(text) {
		if i > 0 && col+1+len(w) > width {
			b.WriteString("\n" + strings.Repeat(" ", indent))
			col = indent
		} else if i > 0 {
			b.WriteByte(' ')
			col++
		}
		b.WriteString(w)
		col += len(w)
	}
	b.WriteByte('\n')
}

func sentence(text string) string {
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
