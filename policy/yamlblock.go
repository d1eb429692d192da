package policy

import (
	"strconv"
	"strings"
)

// literal reads text of several lines behind |, |- or |+.
func (r *reader) literal(head string, col int) (*node, error) {
	head = cutComment(head)
	if head != "|" && head != "|-" && head != "|+" {
		return nil, r.fail(r.line, "the mark "+strconv.Quote(head)+" is unknown", "text of several lines begins with |, |- or |+")
	}
	n := &node{line: r.line}
	indent := -1
	var out []byte
	ended := 0 // length of out behind the last line that is not blank
	for r.rest != "" {
		before, number := r.rest, r.line
		line, _ := r.raw()
		content := strings.TrimLeft(line, " ")
		at := len(line) - len(content)
		if content == "" {
			if indent < 0 && at > 0 {
				return nil, r.fail(r.line, "the text begins with a line of spaces", "")
			}
			if indent >= 0 && at > indent {
				out = append(out, line[indent:]...)
				ended = len(out)
			}
			if r.rest != "" || !r.open {
				out = append(out, '\n')
			}
			continue
		}
		if indent < 0 && content[0] == '\t' {
			return nil, r.fail(r.line, "the line is indented with a tab", "indent with spaces")
		}
		if indent < 0 && at > col {
			indent = at
		}
		if at < indent || indent < 0 {
			r.rest, r.line = before, number
			if content[0] == '\t' {
				return nil, r.fail(r.line+1, "the line is indented with a tab", "indent with spaces")
			}
			break
		}
		out = append(out, line[indent:]...)
		ended = len(out)
		if r.rest != "" || !r.open {
			out = append(out, '\n')
		}
	}
	if indent < 0 {
		return nil, r.fail(n.line, "the text is empty", "write '' for an empty text")
	}
	switch head {
	case "|":
		out = out[:min(len(out), ended+1)]
	case "|-":
		out = out[:ended]
	}
	n.text = string(out)
	return n, r.next()
}

// flow reads [a, b] or {a: b} from the front of a text, all on one line, and returns what follows it.
func (r *reader) flow(text string) (*node, string, error) {
	if r.depth++; r.depth > maxDepth {
		return nil, "", r.fail(r.line, "values are nested deeper than "+strconv.Itoa(maxDepth)+" levels", "")
	}
	defer func() { r.depth-- }()
	n, closing := &node{kind: nodeList, line: r.line}, byte(']')
	if text[0] == '{' {
		n.kind, closing = nodeMap, '}'
	}
	rest := strings.TrimLeft(text[1:], " ")
	if rest != "" && rest[0] == closing {
		return n, rest[1:], nil
	}
	for {
		if n.kind == nodeMap {
			key, after, err := r.flowWord(rest)
			if err != nil {
				return nil, "", err
			}
			if !strings.HasPrefix(after, ": ") {
				return nil, "", r.fail(r.line, "want {key: value}", "is there a space behind the colon?")
			}
			if err := r.addKey(n, key); err != nil {
				return nil, "", err
			}
			rest = strings.TrimLeft(after[1:], " ")
		}
		item, after, err := r.flowWord(rest)
		if err != nil {
			return nil, "", err
		}
		n.list = append(n.list, *item)
		rest = strings.TrimLeft(after, " ")
		switch {
		case rest != "" && rest[0] == closing:
			return n, rest[1:], nil
		case rest != "" && rest[0] == ',':
			rest = strings.TrimLeft(rest[1:], " ")
		default:
			return nil, "", r.fail(r.line, "want a comma or "+string(closing)+" on the same line", "")
		}
	}
}

// flowWord reads one element of a flow list or mapping from the front of a text.
func (r *reader) flowWord(text string) (*node, string, error) {
	if text == "" {
		return nil, "", r.fail(r.line, "the list or mapping does not end on its line", "")
	}
	switch text[0] {
	case '[', '{':
		return r.flow(text)
	case '"', '\'':
		end := quoteEnd(text)
		if end < 0 {
			return nil, "", r.fail(r.line, "the quote does not end on its line", "")
		}
		n, err := r.word(text[:end], true)
		return n, text[end:], err
	}
	end := 0
	for end < len(text) && strings.IndexByte(",[]{}", text[end]) < 0 && !strings.HasPrefix(text[end:], ": ") {
		end++
	}
	n, err := r.word(strings.TrimRight(text[:end], " "), true)
	return n, text[end:], err
}
