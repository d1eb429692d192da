package policy

import (
	"errors"
	"strconv"
	"strings"
)

// cutKey splits "key: rest" off a line; ok is false when the line is no key. The key keeps its quotes.
func cutKey(text string) (ok bool, key, rest string) {
	end := 0
	if text[0] == '"' || text[0] == '\'' {
		if end = quoteEnd(text); end < 0 {
			return false, "", ""
		}
	} else {
		if strings.IndexByte("[{|>#", text[0]) >= 0 {
			return false, "", ""
		}
		for end < len(text) && !isColon(text[end:]) {
			if text[end] == '#' && end > 0 && (text[end-1] == ' ' || text[end-1] == '\t') {
				return false, "", ""
			}
			end++
		}
	}
	if !isColon(text[end:]) {
		return false, "", ""
	}
	return true, strings.TrimRight(text[:end], " "), strings.TrimLeft(text[end+1:], " ")
}

// isColon reports whether a text begins with the colon that ends a key.
func isColon(text string) bool {
	return text == ":" || strings.HasPrefix(text, ": ") || strings.HasPrefix(text, ":\t")
}

// quoteEnd returns the index behind the closing quote of a text that begins with a quote, or -1.
func quoteEnd(text string) int {
	for i := 1; i < len(text); i++ {
		switch {
		case text[0] == '"' && text[i] == '\\':
			i++
		case text[i] == text[0]:
			if text[0] == '\'' && i+1 < len(text) && text[i+1] == '\'' {
				i++
				continue
			}
			return i + 1
		}
	}
	return -1
}

// value reads a value that begins on the current line and moves behind it; col is the indentation of its block.
func (r *reader) value(rest string, col int) (*node, error) {
	line := r.line
	switch rest[0] {
	case '\t':
		return nil, r.fail(line, "a tab stands between values", "write a space")
	case '|':
		return r.literal(rest, col)
	case '>':
		return nil, r.fail(line, "folded text (>) is not part of a policy", "use | for text of several lines")
	}
	var n *node
	var err error
	left := ""
	switch rest[0] {
	case '[', '{':
		n, left, err = r.flow(rest)
	case '"', '\'':
		end := quoteEnd(rest)
		if end < 0 {
			return nil, r.fail(line, "the quote does not end on its line", "")
		}
		left = rest[end:]
		n, err = r.word(rest[:end], false)
	default:
		n, err = r.word(cutComment(rest), false)
	}
	if err != nil {
		return nil, err
	}
	if left = strings.TrimLeft(left, " "); left != "" && (left[0] != '#' || rest[len(rest)-len(left)-1] != ' ') {
		return nil, r.fail(line, "something stands behind the value: "+strconv.Quote(left), "")
	}
	return n, r.next()
}

func cutComment(text string) string {
	for i := 1; i < len(text); i++ {
		if text[i] == '#' && (text[i-1] == ' ' || text[i-1] == '\t') {
			return strings.TrimRight(text[:i], " \t")
		}
	}
	return text
}

// word reads one plain or quoted word.
func (r *reader) word(text string, flow bool) (*node, error) {
	n := &node{line: r.line}
	if text == "" {
		return nil, r.fail(r.line, "a value is empty", "write '' for an empty text")
	}
	switch text[0] {
	case '\'':
		n.text = strings.ReplaceAll(text[1:len(text)-1], "''", "'")
		return n, nil
	case '"':
		var err error
		n.text, err = r.unquote(text[1 : len(text)-1])
		return n, err
	case '&', '*', '!':
		return nil, r.fail(r.line, "anchors (&), aliases (*) and tags (!) are not part of a policy", "write the value out, in quotes if it begins so")
	}
	if strings.IndexByte(",[]{}#|>%@`\"'", text[0]) >= 0 || text == "-" || text[0] == '?' || text[0] == ':' ||
		strings.HasPrefix(text, "- ") || strings.IndexByte(text, '\t') >= 0 || strings.Contains(text, ": ") || text[len(text)-1] == ':' ||
		flow && strings.ContainsAny(text, ",[]{}:#?") {
		return nil, r.fail(r.line, "the value "+strconv.Quote(text)+" needs quotes", "")
	}
	n.text = text
	switch plainKind(text) {
	case plainBool:
		n.kind = nodeBool
	case plainInt:
		n.kind = nodeInt
	case plainNull:
		return nil, r.fail(r.line, "a value is missing: "+text+" means none", "leave the key out, or write it in quotes")
	case plainUnclear:
		return nil, r.fail(r.line, "the value "+text+" can be read in two ways", "write true, false or a plain decimal number, or put it in quotes")
	}
	return n, nil
}

type plain uint8

const (
	plainText plain = iota
	plainBool
	plainInt
	plainNull
	plainUnclear // YAML libraries differ, or make something of it that no key wants
)

func plainKind(text string) plain {
	switch text {
	case "true", "false":
		return plainBool
	case "~", "null", "Null", "NULL":
		return plainNull
	case "<<", "=":
		return plainUnclear
	}
	switch strings.ToLower(text) {
	case "true", "false", "yes", "no", "on", "off", "y", "n":
		return plainUnclear
	}
	if c := text[0]; c != '-' && c != '+' && c != '.' && (c < '0' || c > '9') {
		return plainText
	}
	if whole := strings.TrimPrefix(text, "-"); digits(whole) && (whole[0] != '0' || text == "0") && len(whole) <= 18 {
		return plainInt
	}
	bare := strings.ToLower(strings.ReplaceAll(text, "_", ""))
	_, notFloat := strconv.ParseFloat(bare, 64)
	_, notInt := strconv.ParseUint(strings.TrimLeft(bare, "+-"), 0, 64)
	isDate := len(text) >= 8 && digits(text[:4]) && text[4] == '-'
	if notFloat == nil || notInt == nil || isDate || outOfRange(notFloat) || outOfRange(notInt) || digits(strings.TrimLeft(bare, "+-.")) ||
		bare == ".inf" || bare == "+.inf" || bare == "-.inf" || bare == ".nan" {
		return plainUnclear
	}
	return plainText
}

func outOfRange(err error) bool { return errors.Is(err, strconv.ErrRange) }

// unquote reads the inside of double quotes.
func (r *reader) unquote(s string) (string, error) {
	if strings.IndexByte(s, '\\') < 0 {
		return s, nil
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			out = append(out, s[i])
			continue
		}
		i++
		size := 0
		switch s[i] {
		case '\\', '"':
			out = append(out, s[i])
		case 'n':
			out = append(out, '\n')
		case 't':
			out = append(out, '\t')
		case 'r':
			out = append(out, '\r')
		case 'x':
			size = 2
		case 'u':
			size = 4
		case 'U':
			size = 8
		default:
			return "", r.fail(r.line, "the escape \\"+s[i:i+1]+" is unknown", `the escapes are \\ \" \n \t \r \xHH \uHHHH and \UHHHHHHHH`)
		}
		if size == 0 {
			continue
		}
		if i+size >= len(s) {
			return "", r.fail(r.line, "the escape \\"+s[i:]+" is cut short", "")
		}
		c, err := strconv.ParseUint(s[i+1:i+1+size], 16, 32)
		if err != nil || c > 0x10ffff || c >= 0xd800 && c < 0xe000 {
			return "", r.fail(r.line, "the escape \\"+s[i:i+1+size]+" is no character", "")
		}
		out = append(out, string(rune(c))...)
		i += size
	}
	return string(out), nil
}
