package seccomp

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Parse reads a profile: the JSON of container engines or the linux.seccomp
// object of an OCI runtime configuration. Errors name the line. Warnings are
// for what has no effect here: system call names and keys that are not known,
// rules of which another makes part idle.
func Parse(data []byte) (*Profile, []Warning, error) {
	if len(data) > maxProfile {
		return nil, nil, fmt.Errorf("parse seccomp profile: %d bytes are too many, the limit is %d", len(data), maxProfile)
	}
	r := newReader(data)
	p, err := r.profile()
	if err == nil {
		err = r.end()
	}
	if err != nil {
		return nil, nil, err
	}
	r.warnings = append(r.warnings, p.unknownNames()...)
	return p, r.warnings, nil
}

// errnoField is an errno that JSON gives as a number, as a name, or both.
type errnoField struct {
	number uint64
	name   string
	given  bool
}

func (r *reader) errnoNumber(what string, f *errnoField) error {
	v, given, err := r.number(what, math.MaxUint16)
	if given {
		f.number, f.given = v, true
	}
	return err
}

// data gives the action its errno: the name wins over the number, as in the
// engine that has names; the default is EPERM.
func (f errnoField) data(a Action) (uint16, error) {
	v := uint64(errnoEPERM)
	if f.given {
		v = f.number
	}
	if f.name != "" {
		n, ok := errnoByName(f.name)
		if !ok {
			return 0, fmt.Errorf("the errno %q is not known", f.name)
		}
		v = uint64(n)
	}
	if a == Errno && v > maxErrno {
		return 0, fmt.Errorf("the errno %d is above %d, the kernel's limit", v, maxErrno)
	}
	if !a.takesData() {
		v = 0
	}
	return uint16(v), nil
}

func (r *reader) profile() (*Profile, error) {
	p := &Profile{}
	var errno errnoField
	haveAction := false
	err := r.object("profile", func(key string) (err error) {
		switch key {
		case "defaultAction":
			p.DefaultAction, err = r.action(key)
			haveAction = true
		case "defaultErrnoRet":
			err = r.errnoNumber(key, &errno)
		case "defaultErrno":
			errno.name, err = r.text(key)
		case "architectures":
			p.Architectures, err = r.arches(key)
		case "archMap":
			err = r.array(key, func() error { return r.archMap(p) })
		case "flags":
			p.Flags, err = r.texts(key)
		case "listenerPath":
			p.ListenerPath, err = r.text(key)
		case "listenerMetadata":
			p.ListenerMetadata, err = r.text(key)
		case "syscalls":
			err = r.array(key, func() error { return r.rule(p) })
		case "comment", "$schema":
			err = r.skip()
		default:
			err = r.unknown("profile", key)
		}
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case !haveAction:
		return nil, errors.New("parse seccomp profile: defaultAction is missing")
	case len(p.Architectures) > 0 && len(p.ArchMap) > 0:
		return nil, errors.New("parse seccomp profile: both architectures and archMap are given; use one")
	}
	if p.DefaultErrno, err = errno.data(p.DefaultAction); err != nil {
		return nil, fmt.Errorf("parse seccomp profile: defaultErrnoRet: %w", err)
	}
	return p, nil
}

func (r *reader) action(what string) (Action, error) {
	name, err := r.text(what)
	if err != nil {
		return 0, err
	}
	a, ok := parseAction(name)
	if !ok {
		return 0, r.errorf("%s: the action %q is not known%s", what, name, suggest(name, actionNames()))
	}
	return a, nil
}

func actionNames() []string {
	names := make([]string, 0, len(actions))
	for _, a := range actions {
		names = append(names, a.name)
	}
	return names
}

func (r *reader) arch(what string) (string, error) {
	name, err := r.text(what)
	if err == nil && !knownScmpArch(name) {
		err = r.errorf("%s: the architecture %q is not known", what, name)
	}
	return name, err
}

func (r *reader) arches(what string) ([]string, error) {
	var out []string
	err := r.array(what, func() error {
		name, err := r.arch(what)
		out = append(out, name)
		return err
	})
	return out, err
}

func (r *reader) archMap(p *Profile) error {
	var m ArchMap
	err := r.object("archMap", func(key string) (err error) {
		switch key {
		case "architecture":
			m.Architecture, err = r.arch(key)
		case "subArchitectures":
			m.SubArchitectures, err = r.arches(key)
		default:
			err = r.unknown("archMap", key)
		}
		return err
	})
	if err == nil && m.Architecture == "" {
		err = r.errorf("archMap: architecture is missing")
	}
	p.ArchMap = append(p.ArchMap, m)
	return err
}

func (r *reader) rule(p *Profile) error {
	var (
		rule       = Rule{}
		errno      errnoField
		single     string
		haveAction bool
	)
	start := r.dec.InputOffset()
	err := r.object("syscalls", func(key string) (err error) {
		if rule.Line == 0 {
			rule.Line = r.line()
		}
		switch key {
		case "names":
			rule.Names, err = r.texts(key)
		case "name":
			single, err = r.text(key)
		case "action":
			rule.Action, err = r.action(key)
			haveAction = true
		case "errnoRet":
			err = r.errnoNumber(key, &errno)
		case "errno":
			errno.name, err = r.text(key)
		case "args":
			rule.Args, err = r.args()
		case "includes":
			rule.Includes, err = r.condition(key)
		case "excludes":
			rule.Excludes, err = r.condition(key)
		case "comment":
			rule.Comment, err = r.text(key)
		default:
			err = r.unknown("syscalls", key)
		}
		return err
	})
	if err != nil {
		return err
	}
	if rule.Line == 0 {
		rule.Line = r.lineAt(start)
	}
	switch {
	case single != "" && len(rule.Names) > 0:
		return r.errorf("syscalls: both name and names are given; use names")
	case single != "":
		rule.Names = []string{single}
	case len(rule.Names) == 0:
		return r.errorf("syscalls: names is missing or empty")
	}
	if !haveAction {
		return r.errorf("syscalls: action is missing")
	}
	if rule.Errno, err = errno.data(rule.Action); err != nil {
		return r.errorf("syscalls: errnoRet: %w", err)
	}
	if (errno.given || errno.name != "") && !rule.Action.takesData() {
		r.warn(rule.Line, "errnoRet has no effect with "+rule.Action.String())
	}
	if repeats(rule.Args) {
		r.warn(rule.Line, "one argument is compared more than once: any one of the comparisons is enough")
	}
	p.Rules = append(p.Rules, rule)
	return nil
}

func (r *reader) args() ([]Arg, error) {
	var out []Arg
	err := r.array("args", func() error {
		a, err := r.argument()
		out = append(out, a)
		return err
	})
	return out, err
}

func (r *reader) argument() (Arg, error) {
	var a Arg
	err := r.object("args", func(key string) (err error) {
		var v uint64
		switch key {
		case "index":
			v, _, err = r.number("index", 5)
			a.Index = uint8(v)
		case "value":
			a.Value, _, err = r.number(key, math.MaxUint64)
		case "valueTwo":
			a.ValueTwo, _, err = r.number(key, math.MaxUint64)
		case "op":
			err = r.op(&a)
		default:
			err = r.unknown("args", key)
		}
		return err
	})
	if err == nil && a.Op == 0 {
		err = r.errorf("args: op is missing")
	}
	if err == nil && a.Op == OpMaskedEq && a.ValueTwo&^a.Value != 0 {
		r.warn(r.line(), "the comparison never holds: valueTwo has bits that the mask "+
			strconv.FormatUint(a.Value, 10)+" removes")
	}
	return a, err
}

func (r *reader) op(a *Arg) error {
	name, err := r.text("op")
	if err != nil {
		return err
	}
	var ok bool
	if a.Op, ok = parseOp(name); !ok {
		return r.errorf("op: the comparison %q is not known%s", name, suggest(name, opNames[1:]))
	}
	return nil
}

func (r *reader) condition(what string) (Condition, error) {
	var c Condition
	err := r.object(what, func(key string) (err error) {
		switch key {
		case "caps":
			c.Caps, err = r.texts(key)
		case "arches":
			c.Arches, err = r.texts(key)
		case "minKernel":
			var s string
			if s, err = r.text(key); err == nil {
				if c.MinKernel, err = ParseVersion(s); err != nil {
					err = r.errorf("minKernel: %w", err)
				}
			}
		default:
			err = r.unknown(what, key)
		}
		return err
	})
	return c, err
}

// ParseVersion reads a kernel release of exactly two fields, as "4.8".
func ParseVersion(s string) (Version, error) {
	major, minor, ok := strings.Cut(s, ".")
	a, err1 := strconv.ParseUint(major, 10, 16)
	b, err2 := strconv.ParseUint(minor, 10, 16)
	if !ok || err1 != nil || err2 != nil || a == 0 {
		return Version{}, fmt.Errorf("the kernel release %q is not of the form \"4.8\"", s)
	}
	return Version{int(a), int(b)}, nil
}
