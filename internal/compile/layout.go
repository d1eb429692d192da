package compile

import (
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/seed-0dbaba02/carrel/internal/host"
	"github.com/seed-0dbaba02/carrel/internal/spec"
)

// placeKind says whose files lie at a place, and so whether paths below it can be trusted.
type placeKind uint8

const (
	placeOurs   placeKind = iota // a tmpfs that this launch made: nobody else has written there
	placeKernel                  // proc, devpts, sysfs and the like
	placeBind                    // host files
	placeRoot                    // the rootfs directory or the caller's own root
)

// place is one mount as later steps see it.
type place struct {
	target string
	kind   placeKind
	source string // host path of a bind
	root   string // rootfs directory of placeRoot
	rw     bool
	file   bool // not a directory
	closed bool // hidden: nothing is granted there
}

// layout follows the steps in order and answers what lies where at that moment.
type layout struct {
	doc    *spec.Doc
	places []place
	links  []spec.Entry
	dirs   []string // directories that exist in our own file systems
}

func newLayout(d *spec.Doc) *layout {
	l := &layout{doc: d}
	switch d.Ext.Root {
	case spec.RootFresh:
		l.places = append(l.places, place{target: "/", kind: placeOurs, rw: true})
	case spec.RootDir:
		l.places = append(l.places, place{target: "/", kind: placeRoot, root: d.OCI.Root.Path, rw: !d.OCI.Root.Readonly})
	default:
		l.places = append(l.places, place{target: "/", kind: placeRoot, rw: true})
	}
	return l
}

// cover returns the place that a path lies in: the latest one at or above it.
func (l *layout) cover(name string) *place {
	for i := len(l.places) - 1; i >= 0; i-- {
		if within(l.places[i].target, name) {
			return &l.places[i]
		}
	}
	return &l.places[0]
}

// within reports whether name is dir or lies below it.
func within(dir, name string) bool {
	if dir == "/" {
		return true
	}
	return strings.HasPrefix(name, dir) && (len(name) == len(dir) || name[len(dir)] == '/')
}

// below returns name relative to dir, "" when they are the same.
func below(dir, name string) string {
	if dir == "/" {
		return strings.TrimPrefix(name, "/")
	}
	return strings.TrimPrefix(strings.TrimPrefix(name, dir), "/")
}

// join returns dir/rel.
func join(dir, rel string) string {
	switch {
	case rel == "":
		return dir
	case dir == "/":
		return "/" + rel
	}
	return dir + "/" + rel
}

// parent returns the directory of an absolute, clean path.
func parent(name string) string {
	i := strings.LastIndexByte(name, '/')
	if i <= 0 {
		return "/"
	}
	return name[:i]
}

// follow resolves the symbolic links that this launch made on the way to name. Links that it did not make are the kernel's
// to contain.
func (l *layout) follow(name string) string {
	for range 40 {
		next := l.step(name)
		if next == name {
			return name
		}
		name = next
	}
	return name
}

func (l *layout) step(name string) string {
	for i := len(l.links) - 1; i >= 0; i-- {
		e := &l.links[i]
		if !within(e.Path, name) || l.cover(e.Path).kind != placeOurs {
			continue
		}
		to := e.Target
		if !strings.HasPrefix(to, "/") {
			to = join(parent(e.Path), to)
		}
		return join(clean(to), below(e.Path, name))
	}
	return name
}

// clean resolves "." and ".." in an absolute path by its words alone.
func clean(name string) string {
	var out []string
	for _, part := range strings.Split(name, "/") {
		switch part {
		case "", ".":
		case "..":
			if len(out) > 0 {
				out = out[:len(out)-1]
			}
		default:
			out = append(out, part)
		}
	}
	return "/" + strings.Join(out, "/")
}

// behind returns where the files at a path come from: a rootfs ("" for the host) and a path in it. ok is false for places
// that only exist inside.
func (l *layout) behind(name string) (root, path string, ok bool) {
	p := l.cover(name)
	switch p.kind {
	case placeBind:
		return "", join(p.source, below(p.target, name)), true
	case placeRoot:
		return p.root, name, true
	}
	return "", "", false
}

// add records a mount.
func (l *layout) add(m *specs.Mount, target string) *place {
	p := place{target: target, rw: !readonly(m)}
	switch {
	case isBind(m):
		p.kind, p.source = placeBind, m.Source
	case m.Type == "tmpfs":
		p.kind = placeOurs
	default:
		p.kind = placeKernel
	}
	l.places = append(l.places, p)
	return &l.places[len(l.places)-1]
}

func isBind(m *specs.Mount) bool {
	return m.Type == "bind" || m.Type == "" || has(m, "bind") || has(m, "rbind")
}

func has(m *specs.Mount, option string) bool {
	for _, o := range m.Options {
		if o == option {
			return true
		}
	}
	return false
}

func readonly(m *specs.Mount) bool { return has(m, "ro") || has(m, "rro") }

// DevSource marks the mount that stands for a minimal /dev: devices, links, a devpts and a shm of its own.
const DevSource = "carrel.dev"

// procNames are the paths below /proc whose existence decides about masks.
func wantMasks(d *spec.Doc, want func(root, name string)) {
	if d.OCI.Linux == nil {
		return
	}
	for _, list := range [2][]string{d.OCI.Linux.MaskedPaths, d.OCI.Linux.ReadonlyPaths} {
		for _, name := range list {
			want("", name)
		}
	}
}

// Wanted is a path that the compiler needs to know about.
type Wanted struct {
	Root  string // rootfs directory, "" for the host
	Name  string
	Names bool // the directory's entries are needed too
}

// Wants lists the paths that Compile will ask the facts about, in order and without repetition. Look each of them up with
// host.Look before calling Compile.
func Wants(d *spec.Doc) []Wanted {
	out := make([]Wanted, 0, 48)
	want := func(root, name string) {
		for i := range out {
			if out[i].Root == root && out[i].Name == name {
				out = append(out, out[i]) // asked again: last, so that the caller can ask for more about it
				out = append(out[:i], out[i+1:]...)
				return
			}
		}
		out = append(out, Wanted{Root: root, Name: name})
	}
	l := newLayout(d)
	walk(d, func(i int, e *spec.Entry) {
		if e != nil {
			name := l.follow(e.Path)
			if root, path, ok := l.behind(name); ok {
				want(root, path)
				if c := l.cover(name); e.Kind == spec.EntryHide && c.kind == placeBind && c.rw {
					for p := path; p != c.source && p != "/" && len(p) > len(c.source); {
						p = parent(p)
						want(root, p)
						out[len(out)-1].Names = true
					}
				}
			}
			if e.Kind == spec.EntrySymlink {
				l.links = append(l.links, *e)
			}
			return
		}
		m := &d.OCI.Mounts[i]
		if isBind(m) {
			want("", m.Source)
		}
		target := l.follow(m.Destination)
		if root, path, ok := l.behind(target); ok && target != "/" {
			want(root, path)
		}
		l.add(m, target)
	})
	wantMasks(d, want)
	return out
}

// walk calls step for every entry (i is -1) and mount (e is nil) in the order in which they take effect.
func walk(d *spec.Doc, step func(i int, e *spec.Entry)) {
	next := 0
	for i := range d.OCI.Mounts {
		for next < len(d.Ext.Entries) && d.Ext.Entries[next].At <= i {
			step(-1, &d.Ext.Entries[next])
			next++
		}
		step(i, nil)
	}
	for ; next < len(d.Ext.Entries); next++ {
		step(-1, &d.Ext.Entries[next])
	}
}

// kindOf returns what the facts say about a path; ok is false when it is missing or was not looked up.
func kindOf(f *host.Facts, root, name string) (host.Kind, bool) {
	p := f.Find(root, name)
	if p == nil || p.Kind == host.Missing {
		return host.Missing, false
	}
	if p.Kind == host.Symlink {
		return p.To, p.To != host.Missing
	}
	return p.Kind, true
}
