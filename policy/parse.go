package policy

import (
	"errors"
	"strconv"
	"strings"

	"github.com/seed-0dbaba02/carrel/internal/linux"
	"github.com/seed-0dbaba02/carrel/internal/source"
)

// decoder turns the nodes of one file into a policy.
type decoder struct {
	p    *Policy
	file string
	dir  string // of the file, "" for the working directory
}

// Parse reads a policy file. Its name is used in errors and as the place that relative paths start from; nothing is opened,
// not even what it extends (see Load). The error is a *source.Error with the line.
func Parse(data []byte, file string) (*Policy, error) {
	top, err := read(data, file)
	if err != nil {
		return nil, err
	}
	d := &decoder{p: &Policy{}, file: file}
	if i := strings.LastIndexByte(file, '/'); i >= 0 {
		d.dir = file[:i+1]
	}
	for i := range top.keys {
		k, v := &top.keys[i], &top.list[i]
		row := findKey(k.text)
		if row == nil {
			return nil, d.fail(k, "unknown key "+strconv.Quote(k.text), nearest(k.text, len(keys), keyWord))
		}
		d.p.From = append(d.p.From, FieldOrigin{Word: k.text, From: d.at(v)})
		if err := d.value(row, v); err != nil {
			return nil, err
		}
	}
	return d.p, nil
}

func findKey(word string) *key {
	for i := range keys {
		if keys[i].word == word {
			return &keys[i]
		}
	}
	return nil
}

func nearest(word string, n int, known func(int) string) string {
	if near := source.Nearest(word, n, known); near != "" {
		return "nearest is " + near
	}
	return ""
}

func (d *decoder) at(n *node) source.Origin { return source.Origin{Input: d.file, Line: n.line} }

func (d *decoder) fail(n *node, text, hint string) error {
	return &source.Error{From: d.at(n), Text: text, Hint: hint}
}

// wrap puts the place of a value before what is wrong with it.
func (d *decoder) wrap(n *node, word string, err error) error {
	if err == nil {
		return nil
	}
	var known *source.Error
	if errors.As(err, &known) {
		return err
	}
	return d.fail(n, word+": "+err.Error(), "")
}

// want refuses a value of another kind.
func (d *decoder) want(n *node, word string, kinds ...nodeKind) error {
	text := ""
	for i, k := range kinds {
		if n.kind == k {
			if n.kind == nodeText && strings.IndexByte(n.text, 0) >= 0 {
				return d.fail(n, word+": the text contains a NUL byte", "")
			}
			return nil
		}
		if i > 0 {
			text += " or "
		}
		text += k.String()
	}
	hint := ""
	if kinds[0] == nodeText && (n.kind == nodeInt || n.kind == nodeBool) {
		hint = "write it in quotes"
	}
	return d.fail(n, word+": want "+text+", not "+n.kind.String(), hint)
}

// value stores the value of one key.
func (d *decoder) value(row *key, v *node) error {
	switch row.form {
	case formBool:
		return d.bool(row, v)
	case formNamespaces:
		return d.namespaces(row, v)
	case formJoin:
		return d.join(row, v)
	case formEntries:
		return d.entries(row, v)
	case formLimits:
		return d.limits(row, v)
	case formEnv:
		return d.env(row, v)
	case formFDs, formCapabilities, formVarNames:
		return d.list(row, v)
	case formID:
		return d.id(row, v)
	case formTime:
		return d.time(row, v)
	}
	return d.text(row, v)
}

func (d *decoder) text(row *key, v *node) (err error) {
	if err := d.want(v, row.word, nodeText); err != nil {
		return err
	}
	switch row.word {
	case "extends":
		d.p.Extends, err = ParsePath(v.text)
		if err == nil && !IsPreset(v.text) {
			if !strings.ContainsAny(v.text, "/.") {
				_, err = ParsePreset(v.text)
			}
			d.p.Extends = d.path(v.text)
		}
	case "hostname":
		d.p.Hostname, err = ParseHostname(v.text)
	case "domainname":
		d.p.Domainname, err = ParseHostname(v.text)
	case "root-range":
		d.p.RootRange, err = pointer(ParseRange(v.text))
	case "rootfs":
		d.p.Rootfs, err = d.pathOf(v.text)
	case "workdir":
		d.p.Workdir, err = d.pathOf(v.text)
	case "seccomp":
		d.p.Seccomp, err = ParsePath(v.text)
		if strings.Contains(v.text, "/") || strings.HasSuffix(v.text, ".json") {
			d.p.Seccomp = d.path(v.text)
		}
	case "tty":
		d.p.TTY, err = ParseTTY(v.text)
	}
	return d.wrap(v, row.word, err)
}

func (d *decoder) pathOf(text string) (string, error) {
	if _, err := ParsePath(text); err != nil {
		return "", err
	}
	return d.path(text), nil
}

// path returns a path relative to the file's directory as one relative to where the file's own name starts.
func (d *decoder) path(text string) string {
	if text[0] == '/' {
		return text
	}
	if d.dir == "" && IsPreset(text) {
		return "./" + text
	}
	return d.dir + text
}

func (d *decoder) bool(row *key, v *node) error {
	if err := d.want(v, row.word, nodeBool); err != nil {
		return err
	}
	on := v.text == "true"
	switch row.word {
	case "subids":
		d.p.Subids = &on
	case "allow-host-root":
		d.p.AllowHostRoot = &on
	case "writable-rootfs":
		d.p.WritableRootfs = &on
	case "landlock":
		d.p.Landlock = &on
	case "no-new-privs":
		d.p.NNP = &on
	case "best-effort":
		d.p.BestEffort = &on
	}
	return nil
}

func (d *decoder) id(row *key, v *node) error {
	if err := d.want(v, row.word, nodeInt); err != nil {
		return err
	}
	n, err := ParseID(v.text)
	if row.word == "uid" {
		d.p.UID = &n
	} else {
		d.p.GID = &n
	}
	return d.wrap(v, row.word, err)
}

func (d *decoder) time(row *key, v *node) error {
	if err := d.want(v, row.word, nodeInt, nodeText); err != nil {
		return err
	}
	o, err := ParseOffset(v.text)
	if row.word == "boottime-offset" {
		d.p.BoottimeOffset = &o
	} else {
		d.p.MonotonicOffset = &o
	}
	return d.wrap(v, row.word, err)
}

func (d *decoder) namespaces(row *key, v *node) error {
	if err := d.want(v, row.word, nodeList, nodeText); err != nil {
		return err
	}
	var names []string
	if v.kind == nodeText {
		if v.text != "all" {
			return d.fail(v, row.word+": want a list of namespaces, or all", "write ["+v.text+"]")
		}
		names = allNamespaces()
	}
	for i := range v.list {
		if err := d.want(&v.list[i], row.word, nodeText); err != nil {
			return err
		}
		name, err := parseNamespace(v.list[i].text)
		if err != nil {
			return d.wrap(&v.list[i], row.word, err)
		}
		names = append(names, name)
	}
	if row.word == "share" {
		d.p.Share = names
	} else {
		d.p.NS = names
	}
	return nil
}

func (d *decoder) join(row *key, v *node) error {
	if err := d.want(v, row.word, nodeMap); err != nil {
		return err
	}
	for i := range v.keys {
		k, where := &v.keys[i], &v.list[i]
		name, err := parseNamespace(k.text)
		if err != nil {
			return d.wrap(k, row.word, err)
		}
		if err := d.want(where, row.word, nodeText, nodeInt); err != nil {
			return err
		}
		j := Join{NS: name, From: d.at(where)}
		if where.kind == nodeText {
			j.Path, err = d.pathOf(where.text)
		} else {
			var list []Join
			if where.text[0] == '-' {
				return d.fail(where, row.word+": process id "+where.text+" is out of range", "")
			}
			if list, err = joins([]string{name}, where.text); err == nil {
				j.PID = list[0].PID
			}
		}
		if err != nil {
			return d.wrap(where, row.word, err)
		}
		d.p.Join = append(d.p.Join, j)
	}
	return nil
}

func (d *decoder) limits(row *key, v *node) error {
	if err := d.want(v, row.word, nodeMap); err != nil {
		return err
	}
	for i := range v.keys {
		k, value := &v.keys[i], &v.list[i]
		if linux.Rlimit(k.text) < 0 || k.text != linux.Rlimits[linux.Rlimit(k.text)] {
			return d.fail(k, row.word+": unknown limit "+strconv.Quote(k.text), nearest(k.text, len(linux.Rlimits), func(i int) string { return linux.Rlimits[i] }))
		}
		if err := d.want(value, row.word+" "+k.text, nodeInt, nodeText); err != nil {
			return err
		}
		l, err := ParseLimit(k.text, value.text)
		if err != nil {
			return d.wrap(value, row.word, err)
		}
		l.From = d.at(value)
		d.p.Rlimits = append(d.p.Rlimits, l)
	}
	return nil
}

func (d *decoder) env(row *key, v *node) error {
	if err := d.want(v, row.word, nodeMap); err != nil {
		return err
	}
	for i := range v.keys {
		name, err := ParseVarName(v.keys[i].text)
		if err != nil {
			return d.wrap(&v.keys[i], row.word, err)
		}
		if err := d.want(&v.list[i], row.word+" "+name, nodeText, nodeInt); err != nil {
			return err
		}
		d.p.Env = append(d.p.Env, Var{Name: name, Value: v.list[i].text})
	}
	return nil
}

// list reads a list of numbers or words.
func (d *decoder) list(row *key, v *node) error {
	if err := d.want(v, row.word, nodeList); err != nil {
		return err
	}
	kind := nodeText
	if row.form == formFDs {
		kind = nodeInt
	}
	for i := range v.list {
		n := &v.list[i]
		if err := d.want(n, row.word, kind); err != nil {
			return err
		}
		var err error
		var word string
		switch row.form {
		case formFDs:
			var fd int
			fd, err = ParseFD(n.text)
			d.p.FDs = append(d.p.FDs, fd)
		case formCapabilities:
			word, err = ParseCapability(n.text)
			d.p.CapAdd = append(d.p.CapAdd, word)
		default:
			word, err = ParseVarName(n.text)
			d.p.PassEnv = append(d.p.PassEnv, word)
		}
		if err != nil {
			return d.wrap(n, row.word, err)
		}
	}
	return nil
}

func pointer[T any](v T, err error) (*T, error) { return &v, err }
