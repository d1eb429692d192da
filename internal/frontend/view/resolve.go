package view

import (
	"strconv"
	"strings"
	"syscall"

	"github.com/seed-0dbaba02/carrel/internal/host"
	"github.com/seed-0dbaba02/carrel/internal/linux"
	"github.com/seed-0dbaba02/carrel/internal/source"
	"github.com/seed-0dbaba02/carrel/internal/spec"
)

// maxLinks is how many links are followed in one path, as in the kernel.
const maxLinks = 40

// step is the last step of the view that covers a path.
type step struct {
	mount  int    // number of the mount plus one; 0: none
	link   string // target of a symbolic link
	at     string // where the step stands
	rest   string // what is left of the path below it, "" or beginning with a slash
	hidden bool
	file   bool
	exec   bool
}

// cover finds the step that decides what is at a path: the last one that stands at it or above it.
func (b *builder) cover(name string) step {
	mounts, entries := b.doc.OCI.Mounts, b.doc.Ext.Entries
	e := len(entries) - 1
	for i := len(mounts); i >= 0; i-- {
		for ; e >= 0 && entries[e].At >= i; e-- {
			if s, ok := coverEntry(&entries[e], name); ok {
				return s
			}
		}
		if i > 0 && in(name, mounts[i-1].Destination) {
			at := mounts[i-1].Destination
			return step{mount: i, at: at, rest: below(name, at)}
		}
	}
	return step{rest: name}
}

func coverEntry(e *spec.Entry, name string) (step, bool) {
	if e.Kind == spec.EntryDir || !in(name, e.Path) {
		return step{}, false
	}
	s := step{at: e.Path, rest: below(name, e.Path)}
	switch e.Kind {
	case spec.EntrySymlink:
		s.link = e.Target
	case spec.EntryFile:
		s.file, s.exec = true, e.Mode&0o111 != 0
	default:
		s.hidden = true
	}
	return s, true
}

// coversStep reports whether a step of the view stands at a path or below it.
func (b *builder) coversStep(name string) bool {
	for i := range b.doc.OCI.Mounts {
		if in(b.doc.OCI.Mounts[i].Destination, name) {
			return true
		}
	}
	for i := range b.doc.Ext.Entries {
		if in(b.doc.Ext.Entries[i].Path, name) {
			return true
		}
	}
	return false
}

// place is what the program will find at a path.
type place struct {
	kind   host.Kind
	path   string // without links, as the program sees it
	source string // host path behind it; "" where there is none
	ro     bool
	exec   bool
	err    int
}

// place follows a path inside the view as the kernel will, links included.
func (b *builder) place(name string) place {
	for range maxLinks {
		s := b.cover(name)
		if s.link != "" {
			name = joinLink(s.at, s.link, s.rest)
			continue
		}
		if s.hidden {
			return place{path: name}
		}
		if s.file {
			if s.rest != "" {
				return place{path: name}
			}
			return place{kind: host.Regular, path: name, exec: s.exec}
		}
		found, next := b.behind(s, name)
		if next == "" {
			return found
		}
		name = next
	}
	return place{path: name, err: int(syscall.ELOOP)}
}

// behind looks at what a mount or the root shows at a path; next is set when a link leads elsewhere.
func (b *builder) behind(s step, name string) (found place, next string) {
	if s.mount == 0 && b.doc.Ext.Root == spec.RootDir {
		at := b.look(b.rootfs, name)
		if at.Real != "" && at.Real != name && b.cover(at.Real).mount > 0 {
			return place{}, at.Real
		}
		return place{kind: at.To, path: orName(at.Real, name), ro: b.doc.OCI.Root.Readonly, exec: at.Exec, err: at.Err,
			source: strings.TrimSuffix(b.rootfs, "/") + orName(at.Real, name)}, ""
	}
	base, ro := "", false
	if s.mount > 0 {
		m := &b.doc.OCI.Mounts[s.mount-1]
		switch {
		case m.Type == "proc" || m.Source == devSource && s.rest != "":
			return place{kind: host.Regular, path: name, exec: true}, "" // what lies there is known to the kernel alone
		case m.Type != "bind":
			return b.made(s, name), ""
		}
		base, ro = strings.TrimSuffix(m.Source, "/"), holds(m.Options, "rro")
	}
	at := b.look("", orName(base+s.rest, "/"))
	if at.Real != at.Name || at.Untrusted != "" || at.Kind == host.Symlink {
		if next := b.follow(base, s); next != "" {
			return place{}, next
		}
	}
	return place{kind: at.To, path: name, ro: ro, exec: at.Exec, err: at.Err, source: at.Name}, ""
}

// follow finds the first link on the way below a bind and returns where the path leads inside.
func (b *builder) follow(base string, s step) string {
	for end := 1; end <= len(s.rest); end++ {
		if end < len(s.rest) && s.rest[end] != '/' {
			continue
		}
		at := b.look("", base+s.rest[:end])
		if at.Kind == host.Symlink && at.Target != "" {
			return joinLink(strings.TrimSuffix(s.at, "/")+s.rest[:end], at.Target, s.rest[end:])
		}
		if at.Kind == host.Missing && at.Untrusted == "" {
			break
		}
	}
	return ""
}

// made answers for a place that the sandbox itself makes: only mount points and entries exist there.
func (b *builder) made(s step, name string) place {
	if s.rest == "" || b.coversStep(name) {
		return place{kind: host.Directory, path: name}
	}
	return place{path: name}
}

// joinLink returns the path that a link leads to, with what was left of the path behind it.
func joinLink(link, target, rest string) string {
	if target[0] != '/' {
		target = parent(link) + "/" + target
	}
	return lexical(target + rest)
}

// absolute returns a path of the caller's as an absolute one. A ".." is taken after the links before it are followed, as the
// kernel does; without one the path stays as it was named.
func (b *builder) absolute(name string) string {
	if name == "" {
		return ""
	}
	if name[0] != '/' {
		name = b.env.Cwd + "/" + name
	}
	name = tidy(name)
	if !hasDotDot(name) {
		return name
	}
	done := "/"
	for part := range strings.SplitSeq(name[1:], "/") {
		if part != ".." {
			done = strings.TrimSuffix(done, "/") + "/" + part
			continue
		}
		if at := b.look("", done); at.Kind == host.Symlink && at.Real != "" {
			done = at.Real
		}
		done = parent(done)
		if done == "" {
			done = "/"
		}
	}
	return done
}

// refuse returns an error for a path of the host that cannot be used, or nil.
func refuse(doing, name string, at *host.Path) *source.Error {
	e := &source.Error{Text: doing + " " + quoted(name) + ": " + why(at)}
	switch {
	case at.Untrusted != "":
		e.Text = doing + " " + quoted(name) + ": the link " + quoted(at.Untrusted) + " on the way may have been planted by a program"
		e.Hint = "name the real path"
		if at.Real != "" {
			e.Hint += ", " + quoted(at.Real)
		}
	case at.Kind == host.Symlink && at.To == host.Missing && at.Err == 0:
		e.Text = doing + " " + quoted(name) + ": the link leads to " + quoted(at.Target) + ", which does not exist"
	case at.Err == 0 && at.Kind != host.Missing:
		return nil
	}
	return e
}

// why says in words why a path cannot be used.
func why(at *host.Path) string {
	if at.Err != 0 {
		return syscall.Errno(at.Err).Error() + " (" + linux.ErrnoName(syscall.Errno(at.Err)) + ")"
	}
	return "no such file or directory"
}

func realName(at *host.Path) string { return orName(at.Real, at.Name) }

func orName(name, otherwise string) string {
	if name == "" {
		return otherwise
	}
	return name
}

// quoted returns a path for an error: as it is, or with escapes when it holds anything that a terminal would not show.
func quoted(name string) string {
	for i := range len(name) {
		if name[i] <= ' ' || name[i] >= 0x7f {
			return strconv.Quote(name)
		}
	}
	return name
}
