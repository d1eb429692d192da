package policy

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/seed-0dbaba02/carrel/internal/source"
)

// The reader takes a part of YAML 1.2 and refuses the rest by name: block and flow mappings and sequences, plain and quoted
// words on one line, literal text (|) and comments. What it takes means the same to every YAML library; a fuzz test holds it
// to one. Anchors, aliases, tags and several documents have no place in a policy, and without them no file can expand.

// The limits of a file. They bound memory and the depth of recursion.
const (
	maxFile  = 16 << 20
	maxDepth = 16
)

type nodeKind uint8

const (
	nodeText nodeKind = iota
	nodeInt
	nodeBool
	nodeMap
	nodeList
)

func (k nodeKind) String() string {
	return [...]string{"a text", "a number", "true or false", "a mapping", "a list"}[k]
}

// node is one value of a file.
type node struct {
	kind nodeKind
	line int
	text string         // of a text, a number or a bool
	keys []node         // of a mapping: texts
	list []node         // elements of a list, values of a mapping
	seen map[string]int // lines of a mapping's keys
}

// reader walks over the lines of a file.
type reader struct {
	file  string
	rest  string // what follows the current line
	line  int    // number of the current line
	text  string // current line without its indentation; "" at the end of the file
	col   int    // its indentation
	depth int
	begun bool // content was seen, so that another document would be a second one
	open  bool // the last line of the file has no line end
}

func (r *reader) fail(line int, text, hint string) error {
	return &source.Error{From: source.Origin{Input: r.file, Line: line}, Text: text, Hint: hint}
}

// read returns the mapping that a file holds.
func read(data []byte, file string) (*node, error) {
	r := &reader{file: file, rest: string(data)}
	if err := r.check(); err != nil {
		return nil, err
	}
	if err := r.next(); err != nil {
		return nil, err
	}
	if r.col == 0 && (r.text == "---" || strings.HasPrefix(r.text, "--- #")) {
		if err := r.next(); err != nil {
			return nil, err
		}
	}
	r.begun = true
	if r.text == "" {
		return &node{kind: nodeMap, line: 1}, nil
	}
	if r.marker() {
		return nil, r.documents()
	}
	top, err := r.block(r.col)
	if err != nil {
		return nil, err
	}
	if r.text != "" {
		return nil, r.fail(r.line, "the indentation does not fit the lines above", "")
	}
	if top.kind != nodeMap {
		return nil, r.fail(top.line, "the file holds "+top.kind.String()+", not a mapping of keys", "write lines such as extends: strict")
	}
	return top, nil
}

// check refuses what no line of a policy may hold.
func (r *reader) check() error {
	if len(r.rest) > maxFile {
		return r.fail(0, "the file is larger than "+strconv.Itoa(maxFile>>20)+" MiB", "")
	}
	line := 1
	for i := 0; i < len(r.rest); {
		c, n := rune(r.rest[i]), 1
		if c >= utf8.RuneSelf {
			c, n = utf8.DecodeRuneInString(r.rest[i:])
		}
		switch {
		case c == '\n':
			line++
		case c == utf8.RuneError && n <= 1:
			return r.fail(line, "the file is not UTF-8", "")
		case c == '\r' && i+1 < len(r.rest) && r.rest[i+1] == '\n', c == '\t':
		case c < ' ' || c == 0x7f || c >= 0x80 && c < 0xa0 || c == 0x2028 || c == 0x2029 || c == 0xfeff || c >= 0xfffe && c <= 0xffff:
			return r.fail(line, "the character U+"+strings.ToUpper(strconv.FormatInt(int64(c)+0x10000, 16)[1:])+" may not stand in a policy as it is", "in double quotes it is written as an escape")
		}
		i += n
	}
	r.open = r.rest != "" && r.rest[len(r.rest)-1] != '\n'
	return nil
}

// raw takes the next line as it is; ok is false at the end of the file.
func (r *reader) raw() (line string, ok bool) {
	if r.rest == "" {
		return "", false
	}
	line, r.rest, _ = strings.Cut(r.rest, "\n")
	r.line++
	return strings.TrimSuffix(line, "\r"), true
}

// next moves to the next line that holds more than a comment.
func (r *reader) next() error {
	for {
		line, ok := r.raw()
		if !ok {
			r.text, r.col = "", -1
			return nil
		}
		r.text = strings.TrimLeft(line, " ")
		r.col = len(line) - len(r.text)
		if r.text != "" && r.text[0] == '\t' {
			return r.fail(r.line, "the line is indented with a tab", "indent with spaces")
		}
		r.text = strings.TrimRight(r.text, " \t")
		if r.text == "" || r.text[0] == '#' {
			continue
		}
		if r.begun && r.marker() {
			return r.documents()
		}
		return nil
	}
}

// marker reports whether a line is one that begins or ends a document, or a directive.
func (r *reader) marker() bool {
	return r.col == 0 && (strings.HasPrefix(r.text, "---") && (len(r.text) == 3 || r.text[3] == ' ' || r.text[3] == '\t') ||
		strings.HasPrefix(r.text, "...") && (len(r.text) == 3 || r.text[3] == ' ' || r.text[3] == '\t') || r.text[0] == '%')
}

func (r *reader) documents() error {
	return r.fail(r.line, "the file holds a directive or more than one document", "a policy is one document")
}

// block reads the mapping or sequence that begins on the current line.
func (r *reader) block(col int) (*node, error) {
	if r.depth++; r.depth > maxDepth {
		return nil, r.fail(r.line, "values are nested deeper than "+strconv.Itoa(maxDepth)+" levels", "")
	}
	defer func() { r.depth-- }()
	if isItem(r.text) {
		return r.sequence(col)
	}
	return r.mapping(col)
}

func isItem(text string) bool { return text == "-" || strings.HasPrefix(text, "- ") }

func (r *reader) sequence(col int) (*node, error) {
	n := &node{kind: nodeList, line: r.line}
	for r.text != "" && r.col == col && isItem(r.text) {
		rest := strings.TrimLeft(r.text[1:], " ")
		if strings.HasPrefix(rest, "\t") {
			return nil, r.fail(r.line, "a tab stands between values", "write a space")
		}
		var item *node
		var err error
		switch {
		case rest == "" || rest[0] == '#':
			item, err = r.nested(col, "the item", false)
		case isItem(rest):
			err = r.fail(r.line, "a list stands in a list", "")
		default:
			if key, _, _ := cutKey(rest); key {
				r.col, r.text = col+len(r.text)-len(rest), rest
				item, err = r.block(r.col)
			} else {
				item, err = r.value(rest, col)
			}
		}
		if err != nil {
			return nil, err
		}
		n.list = append(n.list, *item)
	}
	return n, r.aligned(col, false)
}

func (r *reader) mapping(col int) (*node, error) {
	n := &node{kind: nodeMap, line: r.line}
	for r.text != "" && r.col == col && !isItem(r.text) {
		ok, key, rest := cutKey(r.text)
		if !ok {
			return nil, r.fail(r.line, "want key: value", "is there a space behind the colon?")
		}
		if key == "<<" {
			return nil, r.fail(r.line, "merge keys (<<) are not part of a policy", "use extends")
		}
		k, err := r.word(key, false)
		if err != nil {
			return nil, err
		}
		if err := r.addKey(n, k); err != nil {
			return nil, err
		}
		var v *node
		if rest == "" || rest[0] == '#' {
			v, err = r.nested(col, "the key "+k.text, true)
		} else {
			v, err = r.value(rest, col)
		}
		if err != nil {
			return nil, err
		}
		n.list = append(n.list, *v)
	}
	return n, r.aligned(col, true)
}

func (r *reader) addKey(n *node, k *node) error {
	if k.kind != nodeText {
		return r.fail(k.line, "the key "+k.text+" is "+k.kind.String(), "write it in quotes")
	}
	if len(k.text) > 1000 {
		return r.fail(k.line, "a key is longer than 1000 bytes", "")
	}
	if n.seen == nil {
		n.seen = make(map[string]int)
	}
	if first, twice := n.seen[k.text]; twice {
		return r.fail(k.line, "the key "+strconv.Quote(k.text)+" stands twice", "the first is on line "+strconv.Itoa(first))
	}
	n.seen[k.text] = k.line
	n.keys = append(n.keys, *k)
	return nil
}

// aligned refuses a line that is indented more than the block that has just ended, or that is none of its keys.
func (r *reader) aligned(col int, keys bool) error {
	switch {
	case r.text == "" || r.col < col || r.col == col && !keys:
		return nil
	case r.col == col:
		return r.fail(r.line, "a list item stands among keys", "")
	}
	return r.fail(r.line, "the indentation does not fit the lines above", "a value stands on one line; text of several lines begins with |")
}

// nested reads a block on the lines below a key or a dash.
func (r *reader) nested(col int, what string, key bool) (*node, error) {
	line := r.line
	if err := r.next(); err != nil {
		return nil, err
	}
	if r.text != "" && (r.col > col || key && r.col == col && isItem(r.text)) {
		if isItem(r.text) {
			return r.block(r.col)
		}
		if ok, _, _ := cutKey(r.text); ok {
			return r.block(r.col)
		}
		if r.col > col {
			return nil, r.fail(r.line, "a value stands on the line of its key", "")
		}
	}
	return nil, r.fail(line, what+" has no value", "leave it out instead")
}
