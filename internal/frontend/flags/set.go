package flags

import (
	"strings"

	"github.com/seed-0dbaba02/carrel/internal/source"
	"github.com/seed-0dbaba02/carrel/policy"
)

// set stores the values of a flag.
func (p *parser) set(row *flag, v []string) error {
	if row.n == 0 {
		return p.turn(row, true)
	}
	for _, s := range v {
		if strings.IndexByte(s, 0) >= 0 {
			return &source.Error{From: source.Flag(row.word), Text: "the value contains a NUL byte"}
		}
	}
	if row.id >= idRO && row.id <= idSys {
		return p.entry(row, v)
	}
	pol := p.cmd.Policy
	pol.From = append(pol.From, policy.FieldOrigin{Word: row.word, From: source.Flag(row.word)})
	if done, err := p.setFirst(row, v[0]); done {
		return err
	}
	return p.setSecond(row, v[0])
}

// setFirst stores what says where the program is: preset, namespaces, ids, root.
func (p *parser) setFirst(row *flag, v string) (done bool, err error) {
	pol := p.cmd.Policy
	switch row.id {
	case idPreset:
		pol.Preset, err = policy.ParsePreset(v)
	case idPolicy:
		if p.cmd.PolicyFile != "" {
			return true, &source.Error{From: source.Flag(row.word), Text: "given twice", Hint: "let one file extend the other"}
		}
		p.cmd.PolicyFile, err = policy.ParsePath(v)
	case idShare:
		err = appendList(&pol.Share, v)
	case idNS:
		err = appendList(&pol.NS, v)
	case idJoin:
		err = p.join(v)
	case idHostname:
		pol.Hostname, err = policy.ParseHostname(v)
	case idDomainname:
		pol.Domainname, err = policy.ParseHostname(v)
	case idBoottime:
		pol.BoottimeOffset, err = pointer(policy.ParseOffset(v))
	case idMonotonic:
		pol.MonotonicOffset, err = pointer(policy.ParseOffset(v))
	case idUID:
		pol.UID, err = pointer(policy.ParseID(v))
	case idGID:
		pol.GID, err = pointer(policy.ParseID(v))
	case idRootRange:
		pol.RootRange, err = pointer(policy.ParseRange(v))
	case idRootfs:
		pol.Rootfs, err = policy.ParsePath(v)
	case idWorkdir:
		pol.Workdir, err = policy.ParsePath(v)
	default:
		return false, nil
	}
	return true, err
}

// setSecond stores what says what the program may do, and what is reported.
func (p *parser) setSecond(row *flag, v string) (err error) {
	pol := p.cmd.Policy
	switch row.id {
	case idCapAdd:
		for word := range strings.SplitSeq(v, ",") {
			name, err := policy.ParseCapability(word)
			if err != nil {
				return err
			}
			pol.CapAdd = append(pol.CapAdd, name)
		}
	case idSeccomp:
		pol.Seccomp, err = policy.ParsePath(v)
	case idLimit:
		for word := range strings.SplitSeq(v, ",") {
			l, err := policy.ParseRlimit(word)
			if err != nil {
				return err
			}
			l.From = source.Flag(row.word)
			pol.Rlimits = append(pol.Rlimits, l)
		}
	case idFD:
		for word := range strings.SplitSeq(v, ",") {
			n, err := policy.ParseFD(word)
			if err != nil {
				return err
			}
			pol.FDs = append(pol.FDs, n)
		}
	case idEnv:
		name, value, ok := strings.Cut(v, "=")
		if !ok {
			return &source.Error{From: source.Flag(row.word), Text: "want NAME=VALUE", Hint: "to pass a variable of yours, --pass-env " + shown(name)}
		}
		if name, err = policy.ParseVarName(name); err == nil {
			pol.Env = append(pol.Env, policy.Var{Name: name, Value: value})
		}
	case idPassEnv:
		for word := range strings.SplitSeq(v, ",") {
			name, err := policy.ParseVarName(word)
			if err != nil {
				return err
			}
			pol.PassEnv = append(pol.PassEnv, name)
		}
	case idTTY:
		pol.TTY, err = policy.ParseTTY(v)
	case idReceipt:
		p.cmd.Receipt, err = policy.ParsePath(v)
	}
	return err
}

// turn stores a switch.
func (p *parser) turn(row *flag, on bool) error {
	pol, word, b := p.cmd.Policy, row.word, &on
	switch row.id {
	case idHelp:
		p.help = p.help || on
		return nil
	case idJSON:
		p.cmd.JSON = on
		return nil
	case idSubids:
		pol.Subids = b
	case idAllowHostRoot:
		pol.AllowHostRoot = b
	case idWritableRootfs:
		pol.WritableRootfs = b
	case idNoLandlock:
		off := !on
		pol.Landlock, word = &off, "landlock"
	case idAllowNewPrivs:
		off := !on
		pol.NNP, word = &off, "no-new-privs"
	case idBestEffort:
		pol.BestEffort = b
	}
	pol.From = append(pol.From, policy.FieldOrigin{Word: word, From: source.Flag(row.word)})
	return nil
}

// entry appends one file system entry. Its order among the others is kept, whatever its kind.
func (p *parser) entry(row *flag, v []string) error {
	e := policy.Entry{Kind: policy.Kind(row.word), Path: v[0], From: source.Flag(row.word)}
	switch row.id {
	case idROAt:
		e.Kind, e.Source, e.Path = policy.RO, v[0], v[1]
	case idRWAt:
		e.Kind, e.Source, e.Path = policy.RW, v[0], v[1]
	case idSymlink:
		e.Source, e.Path = v[0], v[1]
	case idTmpfs:
		if len(v) > 1 {
			size, err := policy.ParseSize(v[1])
			if err != nil {
				return err
			}
			if size == 0 {
				return &source.Error{From: e.From, Text: "a size of 0 would mean no bound", Hint: "write --tmpfs PATH for the preset's size"}
			}
			e.Size = size
		}
	case idFile:
		path, data, ok := strings.Cut(v[0], "=")
		if !ok {
			return &source.Error{From: e.From, Text: "want PATH=CONTENT", Hint: "an empty file is " + shown(path) + "="}
		}
		e.Path, e.Data = path, data
	case idFileAt:
		e.Kind, e.Data = policy.File, v[1]
	}
	if e.Source != "" || row.n == 2 && row.id != idFileAt {
		if _, err := policy.ParsePath(e.Source); err != nil {
			return err
		}
	}
	if _, err := policy.ParsePath(e.Path); err != nil {
		return err
	}
	p.cmd.Policy.FS = append(p.cmd.Policy.FS, e)
	return nil
}

func (p *parser) join(v string) error {
	list, err := policy.ParseJoin(v)
	for _, j := range list {
		j.From = source.Flag("join")
		p.cmd.Policy.Join = append(p.cmd.Policy.Join, j)
	}
	return err
}

func appendList(to *[]string, v string) error {
	names, err := policy.ParseNamespaces(v)
	*to = append(*to, names...)
	return err
}

func pointer[T any](v T, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	return &v, nil
}
