package flags

import (
	"errors"
	"strconv"
	"strings"

	"github.com/seed-0dbaba02/carrel/internal/source"
	"github.com/seed-0dbaba02/carrel/policy"
)

// Command is a command line, understood.
type Command struct {
	Name       string         // run, spec, plan, doctor, completion, man, version or help
	Policy     *policy.Policy // what the flags ask for; not nil
	PolicyFile string         // of --policy
	Receipt    string         // of --receipt; "-" is stderr
	JSON       bool
	Topic      string   // command that help is wanted for, shell of completion, page of man
	Args       []string // the program and its arguments
}

// parser is the state of reading one command line.
type parser struct {
	cmd  *Command
	bit  uint8
	rest []string
	help bool
}

// Parse reads the words after the program's name. The error is a *source.Error. --help anywhere among the flags gives the
// command help with the topic set; no words at all give help too.
func Parse(args []string) (*Command, error) {
	p := &parser{cmd: &Command{Policy: &policy.Policy{}}}
	if len(args) == 0 {
		p.cmd.Name = "help"
		return p.cmd, nil
	}
	word := args[0]
	p.rest = args[1:]
	switch word {
	case "-h", "--help":
		word = "help"
	case "--version":
		word = "version"
	}
	found := false
	for i := range commands {
		if commands[i].word == word {
			p.bit, found = commands[i].bit, true
		}
	}
	if !found {
		return nil, unknownCommand(word)
	}
	p.cmd.Name = word
	if p.bit == 0 {
		return p.topic()
	}
	if err := p.flags(); err != nil {
		return nil, err
	}
	if p.help {
		return &Command{Name: "help", Topic: word, Policy: &policy.Policy{}}, nil
	}
	return p.finish()
}

func unknownCommand(word string) error {
	e := &source.Error{Text: "unknown command " + strconv.Quote(word), Hint: "carrel help lists the commands"}
	if strings.HasPrefix(word, "-") {
		e.Text = "want a command before " + word
		e.Hint = "for instance carrel run " + word + " …"
	} else if near := source.Nearest(word, len(commands), commandWord); near != "" {
		e.Hint = "nearest is " + near
	}
	return e
}

// finish checks what is left after the flags.
func (p *parser) finish() (*Command, error) {
	p.cmd.Args = p.rest
	if p.bit&onView == 0 {
		if len(p.rest) > 0 {
			return nil, &source.Error{Text: p.cmd.Name + ": unexpected argument " + strconv.Quote(p.rest[0])}
		}
		return p.cmd, nil
	}
	if len(p.rest) == 0 {
		return nil, &source.Error{Text: p.cmd.Name + ": no program is named", Hint: "for instance carrel " + p.cmd.Name + " -- ls -l"}
	}
	if p.rest[0] == "" {
		return nil, &source.Error{Text: p.cmd.Name + ": the program's name is empty"}
	}
	for _, a := range p.rest {
		if strings.IndexByte(a, 0) >= 0 {
			return nil, &source.Error{Text: p.cmd.Name + ": an argument contains a NUL byte"}
		}
	}
	return p.cmd, nil
}

// topic reads the one word of help, completion and man.
func (p *parser) topic() (*Command, error) {
	name := p.cmd.Name
	if len(p.rest) > 1 {
		return nil, &source.Error{Text: name + ": unexpected argument " + strconv.Quote(p.rest[1])}
	}
	if len(p.rest) == 1 {
		p.cmd.Topic = p.rest[0]
	}
	if p.cmd.Topic == "-h" || p.cmd.Topic == "--help" {
		return &Command{Name: "help", Topic: name, Policy: p.cmd.Policy}, nil
	}
	known := commandWord
	n := len(commands)
	switch name {
	case "completion":
		known, n = func(i int) string { return shells[i] }, len(shells)
		if p.cmd.Topic == "" {
			return nil, &source.Error{Text: "completion: no shell is named", Hint: "it is one of bash, zsh, fish"}
		}
	case "man":
		known, n = func(i int) string { return pages[i] }, len(pages)
	}
	if p.cmd.Topic == "" {
		return p.cmd, nil
	}
	for i := range n {
		if known(i) == p.cmd.Topic {
			return p.cmd, nil
		}
	}
	e := &source.Error{Text: name + ": unknown topic " + strconv.Quote(p.cmd.Topic)}
	if near := source.Nearest(p.cmd.Topic, n, known); near != "" {
		e.Hint = "nearest is " + near
	}
	return nil, e
}

var shells = [...]string{"bash", "zsh", "fish"}

var pages = [...]string{"carrel", "carrel.yaml"}

// flags reads flags up to "--" or the first word that is none.
func (p *parser) flags() error {
	for len(p.rest) > 0 {
		word := p.rest[0]
		if word == "--" {
			p.rest = p.rest[1:]
			return nil
		}
		if len(word) < 2 || word[0] != '-' {
			return nil
		}
		p.rest = p.rest[1:]
		if word == "-h" {
			p.help = true
			continue
		}
		if word[1] != '-' {
			return &source.Error{Text: "unknown flag " + shown(word), Hint: "flags are written in full, with two dashes"}
		}
		if err := p.one(word[2:]); err != nil {
			return err
		}
	}
	return nil
}

// one reads one flag and the words that belong to it.
func (p *parser) one(word string) error {
	word, value, given := strings.Cut(word, "=")
	row := find(word, p.bit)
	if row == nil {
		return p.unknownFlag(word)
	}
	from := source.Flag(row.word)
	values, first := make([]string, 0, 2), ""
	switch {
	case row.id == idTmpfs:
		first = value
		if strings.HasPrefix(value, "/") {
			return &source.Error{From: from, Text: "what follows = is a size", Hint: "write --tmpfs PATH or --tmpfs=SIZE PATH"}
		}
	case given && row.n == 0:
		return p.assigned(row, value)
	case given && row.n == 1:
		values = append(values, value)
	case given:
		return &source.Error{From: from, Text: "want two words, " + row.args + ", each of its own"}
	}
	for len(values) < int(row.n) {
		if len(p.rest) == 0 {
			return &source.Error{From: from, Text: "want " + row.args + " after the flag"}
		}
		values = append(values, p.rest[0])
		p.rest = p.rest[1:]
	}
	if first != "" {
		values = append(values, first)
	}
	if err := p.set(row, values); err != nil {
		var known *source.Error
		if errors.As(err, &known) {
			return err
		}
		return &source.Error{From: from, Text: err.Error()}
	}
	return nil
}

// assigned reads --switch=true and --switch=false.
func (p *parser) assigned(row *flag, value string) error {
	on, err := policy.ParseBool(value)
	if err != nil {
		return &source.Error{From: source.Flag(row.word), Text: err.Error()}
	}
	return p.turn(row, on)
}

func find(word string, bit uint8) *flag {
	for i := range table {
		if table[i].word == word && table[i].on&bit != 0 {
			return &table[i]
		}
	}
	return nil
}

func (p *parser) unknownFlag(word string) error {
	e := &source.Error{Text: "unknown flag " + shown("--"+word)}
	known := func(i int) string {
		if table[i].on&p.bit == 0 {
			return ""
		}
		return table[i].word
	}
	if near := source.Nearest(word, len(table), known); near != "" {
		e.Hint = "nearest is --" + near
		return e
	}
	for i := range table {
		if table[i].word == word {
			e.Text = p.cmd.Name + " has no flag --" + word
		}
	}
	e.Hint = "carrel help " + p.cmd.Name + " lists them"
	return e
}

func shown(word string) string {
	for i := range len(word) {
		if word[i] <= ' ' || word[i] >= 0x7f {
			return strconv.Quote(word)
		}
	}
	return word
}
