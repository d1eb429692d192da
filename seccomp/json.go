package seccomp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
)

// Warning is something in a profile that does not stop it from being used.
type Warning struct {
	Line int // in the JSON, from 1; 0 when the profile was not read from JSON
	Text string
}

// String gives "line N: text".
func (w Warning) String() string {
	if w.Line == 0 {
		return w.Text
	}
	return "line " + strconv.Itoa(w.Line) + ": " + w.Text
}

// maxProfile is the largest profile that Parse reads, in bytes. The largest
// known ones have 40 KiB.
const maxProfile = 4 << 20

// reader walks JSON token by token, knows the line it is on and accepts no
// value of a type that was not asked for.
type reader struct {
	data     []byte
	dec      *json.Decoder
	warnings []Warning
}

func newReader(data []byte) *reader {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	return &reader{data: data, dec: dec}
}

// lineAt is the line of the byte before offset.
func (r *reader) lineAt(offset int64) int {
	if offset > int64(len(r.data)) {
		offset = int64(len(r.data))
	}
	return 1 + bytes.Count(r.data[:offset], []byte{'\n'})
}

// line is the line on which the last token ends.
func (r *reader) line() int { return r.lineAt(r.dec.InputOffset()) }

func (r *reader) errorf(format string, args ...any) error {
	return fmt.Errorf("parse seccomp profile: line %d: %w", r.line(), fmt.Errorf(format, args...))
}

func (r *reader) warn(line int, text string) {
	r.warnings = append(r.warnings, Warning{line, text})
}

func (r *reader) token() (json.Token, error) {
	t, err := r.dec.Token()
	if err == nil {
		return t, nil
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return nil, fmt.Errorf("parse seccomp profile: line %d: %w", r.lineAt(syntax.Offset), err)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, r.errorf("the file ends in the middle of a value")
	}
	return nil, r.errorf("%w", err)
}

// describe names the type of a token for an error message.
func describe(t json.Token) string {
	switch v := t.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case string:
		return "a string"
	case json.Number:
		return "a number"
	case json.Delim:
		if v == '[' {
			return "an array"
		}
		return "an object"
	}
	return "something else"
}

// object reads an object and calls member for each of its keys; null is an
// object without keys. member must read exactly one value.
func (r *reader) object(what string, member func(key string) error) error {
	t, err := r.token()
	if err != nil || t == nil {
		return err
	}
	if t != json.Delim('{') {
		return r.errorf("%s: want an object, have %s", what, describe(t))
	}
	seen := map[string]bool{}
	for r.dec.More() {
		t, err := r.token()
		if err != nil {
			return err
		}
		key, ok := t.(string)
		if !ok {
			return r.errorf("%s: want a key, have %s", what, describe(t))
		}
		if seen[key] {
			return r.errorf("%s: the key %q occurs twice", what, key)
		}
		seen[key] = true
		if err := member(key); err != nil {
			return err
		}
	}
	_, err = r.token()
	return err
}

// array reads an array and calls element before each of its values; null is an
// empty array.
func (r *reader) array(what string, element func() error) error {
	t, err := r.token()
	if err != nil || t == nil {
		return err
	}
	if t != json.Delim('[') {
		return r.errorf("%s: want an array, have %s", what, describe(t))
	}
	for r.dec.More() {
		if err := element(); err != nil {
			return err
		}
	}
	_, err = r.token()
	return err
}

func (r *reader) text(what string) (string, error) {
	t, err := r.token()
	if err != nil {
		return "", err
	}
	s, ok := t.(string)
	if !ok {
		return "", r.errorf("%s: want a string, have %s", what, describe(t))
	}
	return s, nil
}

func (r *reader) texts(what string) ([]string, error) {
	var out []string
	err := r.array(what, func() error {
		s, err := r.text(what)
		out = append(out, s)
		return err
	})
	return out, err
}

// number reads an unsigned integer of at most max; null is "not given". A
// negative number is taken as its 64-bit two's complement when max has 64 bits,
// because engines write -1 so.
func (r *reader) number(what string, max uint64) (v uint64, given bool, err error) {
	t, err := r.token()
	if err != nil || t == nil {
		return 0, false, err
	}
	n, ok := t.(json.Number)
	if !ok {
		return 0, false, r.errorf("%s: want a number, have %s", what, describe(t))
	}
	v, err = strconv.ParseUint(n.String(), 10, 64)
	if err != nil && max == math.MaxUint64 {
		var s int64
		s, err = strconv.ParseInt(n.String(), 10, 64)
		v = uint64(s)
	}
	if err != nil {
		return 0, false, r.errorf("%s: want a whole number from 0 to %d, have %s", what, max, n)
	}
	if v > max {
		return 0, false, r.errorf("%s: %d is above %d", what, v, max)
	}
	return v, true, nil
}

// skip reads one value of any kind and forgets it.
func (r *reader) skip() error {
	depth := 0
	for {
		t, err := r.token()
		if err != nil {
			return err
		}
		if d, ok := t.(json.Delim); ok {
			if d == '{' || d == '[' {
				depth++
			} else {
				depth--
			}
		}
		if depth == 0 {
			return nil
		}
	}
}

// unknown skips the value of a key that has no meaning here, with a warning.
func (r *reader) unknown(what, key string) error {
	r.warn(r.line(), what+": the key "+strconv.Quote(key)+" is not known and has no effect")
	return r.skip()
}

// end makes sure that nothing follows the profile.
func (r *reader) end() error {
	if _, err := r.dec.Token(); err != io.EOF {
		return r.errorf("something follows the profile")
	}
	return nil
}
