package view

import (
	"strings"

	"github.com/seed-0dbaba02/carrel/internal/host"
	"github.com/seed-0dbaba02/carrel/internal/source"
	"github.com/seed-0dbaba02/carrel/internal/spec"
)

// NotFoundError says that the sandbox has no such program.
type NotFoundError struct {
	Name string // as the user named it
	Host string // where the host has it, "" where it has none
	Dir  string // directory to grant so that it is found; "" where that would not help
}

// Error returns what was looked for and, where the host has it, the flag that shows it.
func (e *NotFoundError) Error() string {
	s := "run " + quoted(e.Name) + ": not found in the sandbox"
	if e.Host != "" {
		s += "; it is at " + quoted(e.Host) + " on the host, which the sandbox does not show"
	}
	if e.Dir != "" {
		s += "; grant it with --ro " + quoted(e.Dir)
	}
	return s
}

// NotExecutableError says that what was named is there but is no program that the caller may execute.
type NotExecutableError struct {
	Name   string // as the user named it
	Path   string // as the sandbox shows it
	Reason string // "is a directory", "is not executable", …
}

// Error returns the program and the reason.
func (e *NotExecutableError) Error() string {
	s := "run " + quoted(e.Name) + ": "
	if e.Path != e.Name {
		s += quoted(e.Path) + " "
	}
	return s + e.Reason
}

// program looks for the program through the finished view. Where a bare name is found goes into Ext.Program; the program
// still gets the name as its argument 0.
func (b *builder) program() error {
	name := b.env.Args[0]
	if strings.Contains(name, "/") {
		path := name
		if path[0] != '/' {
			path = b.proc.Cwd + "/" + path
		}
		return b.direct(name, tidy(path))
	}
	search, ok := variable(b.proc.Env, "PATH")
	if !ok {
		search = defaultPath
	}
	var denied error
	for dir := range strings.SplitSeq(search, ":") {
		if dir == "" || dir[0] != '/' {
			dir = b.proc.Cwd + "/" + dir // as execvp(3) takes an empty or relative part
		}
		dir = tidy(dir)
		path := strings.TrimSuffix(dir, "/") + "/" + name
		at := b.place(b.upward(path))
		if at.kind == host.Missing {
			continue
		}
		if err := executable(name, path, &at); err != nil {
			if denied == nil {
				denied = err
			}
			continue
		}
		b.doc.Ext.Program = path
		return nil
	}
	if denied != nil {
		return denied
	}
	return b.notFound(name)
}

func (b *builder) direct(name, path string) error {
	if b.ns[nsMount].state == nsJoined {
		return nil // its files are not known here; exec will tell
	}
	at := b.place(b.upward(path))
	if at.kind != host.Missing {
		return executable(name, at.path, &at)
	}
	e := &NotFoundError{Name: name}
	if b.doc.Ext.Root == spec.RootFresh {
		if h := b.look("", path); h.To == host.Regular && h.Exec {
			e.Host, e.Dir = path, orName(parent(path), path)
		}
	}
	return e
}

// upward takes ".." parts of a program's path after the links before them, inside the view.
func (b *builder) upward(path string) string {
	if !hasDotDot(path) {
		return path
	}
	done := "/"
	for part := range strings.SplitSeq(path[1:], "/") {
		if part == ".." {
			done = orName(parent(b.place(done).path), "/")
		} else {
			done = strings.TrimSuffix(done, "/") + "/" + part
		}
	}
	return done
}

func executable(name, path string, at *place) error {
	e := &NotExecutableError{Name: name, Path: path}
	switch {
	case at.err != 0:
		e.Reason = why(&host.Path{Err: at.err})
	case at.kind == host.Directory:
		e.Reason = "is a directory"
	case at.kind != host.Regular:
		e.Reason = "is not a regular file"
	case !at.exec:
		e.Reason = "is not executable"
	default:
		return nil
	}
	return e
}

// notFound looks through the caller's own PATH for a program that the sandbox does not show.
func (b *builder) notFound(name string) error {
	if b.ns[nsMount].state == nsJoined {
		return &source.Error{From: b.ns[nsMount].from, Text: "run " + quoted(name) + ": the files of the joined mount namespace cannot be searched from here",
			Hint: "name the program by its full path"}
	}
	e := &NotFoundError{Name: name}
	search, _ := variable(b.env.Environ, "PATH")
	if b.doc.Ext.Root != spec.RootFresh {
		return e
	}
	for dir := range strings.SplitSeq(search, ":") {
		if dir == "" || dir[0] != '/' {
			continue
		}
		dir = tidy(dir)
		if h := b.look("", strings.TrimSuffix(dir, "/")+"/"+name); h.To == host.Regular && h.Exec {
			e.Host, e.Dir = strings.TrimSuffix(dir, "/")+"/"+name, dir
			return e
		}
	}
	return e
}
