package view

import (
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/seed-0dbaba02/carrel/internal/host"
	"github.com/seed-0dbaba02/carrel/internal/source"
	"github.com/seed-0dbaba02/carrel/internal/spec"
)

// closedDirs are never granted because the program starts in them.
var closedDirs = [...]string{"/proc", "/sys", "/dev", "/run"}

// workdir decides where the program starts and grants that directory as the preset says. What the user grants by name comes
// later and wins.
func (b *builder) workdir() error {
	b.field(spec.FieldWorkdir, "workdir")
	dir := b.p.Workdir
	if dir != "" {
		dir = b.absolute(dir)
	}
	b.proc.Cwd = dir
	switch {
	case b.doc.Ext.Root == spec.RootDir:
		b.proc.Cwd = orName(dir, "/")
		if dir == "" && b.preset.dir == workdirEmpty {
			b.proc.Cwd = "/tmp"
		}
	case b.ns[nsMount].state == nsJoined:
		b.proc.Cwd = orName(dir, "/") // what lies there is not known
	case b.doc.Ext.Root == spec.RootHost:
		b.proc.Cwd = orName(dir, b.env.Cwd)
	case b.preset.dir == workdirEmpty:
		b.mount(b.origin(""), b.scratch(judgeDir, "0755"))
		b.proc.Cwd = orName(dir, judgeDir)
	case dir == "" || in(dir, b.env.Cwd):
		b.grantWorkdir(dir)
	}
	return nil
}

// grantWorkdir shows the caller's working directory, unless that would show more than one directory of work.
func (b *builder) grantWorkdir(dir string) {
	at := b.look("", b.env.Cwd)
	from := b.origin("workdir")
	if at.Err != 0 || at.To != host.Directory || at.Untrusted != "" {
		reason := "it cannot be looked at: " + why(&at)
		if at.Err == 0 && at.To != host.Missing {
			reason = "a link on the way to it may have been planted"
		}
		b.startAtHome(dir, reason)
		return
	}
	cwd := realName(&at)
	b.proc.Cwd = orName(dir, cwd)
	if reason := b.closedWorkdir(cwd); reason != "" {
		b.startAtHome(dir, reason)
		return
	}
	s := b.cover(cwd)
	shown := s.mount > 1 && b.doc.OCI.Mounts[s.mount-1].Type == "bind" && b.doc.OCI.Mounts[s.mount-1].Source == s.at
	if shown && b.preset.dir == workdirRO {
		return
	}
	options := bindRO()
	if b.preset.dir == workdirRW {
		options = bindRW()
	}
	b.mount(from, specs.Mount{Destination: cwd, Type: "bind", Source: cwd, Options: options})
	b.doc.Ext.Grants = append(b.doc.Ext.Grants, cwd)
}

// closedWorkdir says why a directory is not granted by starting in it, or "".
func (b *builder) closedWorkdir(cwd string) string {
	switch {
	case cwd == "/":
		return "it is the root directory"
	case b.real != "" && (cwd == b.real || cwd == b.home):
		return "it is the home directory"
	case b.real != "" && (in(b.real, cwd) || b.home != "/" && in(b.home, cwd)):
		return "the home directory lies in it"
	}
	for _, d := range closedDirs {
		if in(cwd, d) {
			return "it lies in " + d
		}
	}
	if s := b.cover(cwd); s.mount > 1 && s.rest == "" {
		if m := &b.doc.OCI.Mounts[s.mount-1]; m.Type == "bind" && m.Source == cwd && b.preset.dir == workdirRO {
			return "" // shown already
		}
	}
	if b.coversStep(cwd) {
		return "the preset has something of its own there"
	}
	return ""
}

// startAtHome starts the program in a directory that is there anyway, and says so where nobody chose it.
func (b *builder) startAtHome(dir, reason string) {
	from := b.origin("workdir")
	home := "/"
	if b.place(b.home).kind == host.Directory {
		home = b.home
	}
	b.proc.Cwd = orName(dir, home)
	b.warn(from, "the working directory "+quoted(b.env.Cwd)+" is not shown, because "+reason+"; the program starts in "+quoted(b.proc.Cwd))
}

// checkWorkdir refuses a working directory that the finished view does not have.
func (b *builder) checkWorkdir() error {
	at := b.place(b.proc.Cwd)
	if at.kind == host.Directory || b.proc.Cwd == "/" || b.ns[nsMount].state == nsJoined {
		return nil
	}
	name := quoted(b.proc.Cwd)
	e := &source.Error{From: b.origin("workdir"), Text: "start in " + name + ": no such directory in the sandbox"}
	if at.kind != host.Missing {
		e.Text = "start in " + name + ": not a directory"
	} else if b.doc.Ext.Root == spec.RootFresh {
		if h := b.look("", b.proc.Cwd); h.To == host.Directory {
			e.Hint = "show it with --ro " + name + " or --rw " + name
		} else {
			e.Hint = "make it with --dir " + name + " or --tmpfs " + name
		}
	}
	return e
}
