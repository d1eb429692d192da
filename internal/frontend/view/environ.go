package view

import (
	"strings"

	"github.com/seed-0dbaba02/carrel/internal/host"
	"github.com/seed-0dbaba02/carrel/internal/spec"
)

// defaultPath is searched where nothing of the caller's PATH is visible inside.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// environ sets the program's environment: a few safe names, what was passed by name, what was set.
func (b *builder) environ() error {
	var env []string
	if b.preset.open {
		env = append(env, b.env.Environ...)
	} else {
		env = append(make([]string, 0, 8+len(b.p.Env)+len(b.p.PassEnv)), "PATH="+b.path())
		for _, name := range b.preset.names {
			if v := b.usual(name); v != "" {
				env = append(env, name+"="+v)
			}
		}
	}
	for _, name := range b.p.PassEnv {
		v, ok := variable(b.env.Environ, name)
		if !ok {
			b.warn(b.origin("pass-env"), "the variable "+name+" is not set, so it is not passed")
			continue
		}
		env = setVariable(env, name, v)
	}
	for _, v := range b.p.Env {
		env = setVariable(env, v.Name, v.Value)
	}
	b.proc.Env = env
	return nil
}

// usual returns the value of one of the safe names, or "" to leave it out.
func (b *builder) usual(name string) string {
	v, _ := variable(b.env.Environ, name)
	switch name {
	case "HOME":
		return orName(b.home, "/")
	case "USER":
		if int(b.proc.User.UID) == b.env.Facts.UID {
			return v
		}
		if b.proc.User.UID == 0 {
			return "root"
		}
		return ""
	case "SHELL":
		if v != "" && v[0] == '/' && b.doc.Ext.Root != spec.RootDir && b.place(tidy(v)).exec {
			return v
		}
		return "/bin/sh"
	case "TMPDIR":
		if b.place("/tmp").kind != host.Directory {
			return ""
		}
		return "/tmp"
	}
	return v
}

// path returns the parts of the caller's PATH that exist inside.
func (b *builder) path() string {
	v, ok := variable(b.env.Environ, "PATH")
	if !ok || b.doc.Ext.Root == spec.RootDir || b.ns[nsMount].state == nsJoined {
		return defaultPath
	}
	var out []byte
	for dir := range strings.SplitSeq(v, ":") {
		if dir == "" || dir[0] != '/' || hasDotDot(dir) {
			continue
		}
		if b.place(tidy(dir)).kind == host.Directory {
			if out != nil {
				out = append(out, ':')
			}
			out = append(out, dir...)
		}
	}
	if out == nil {
		return defaultPath
	}
	return string(out)
}

func setVariable(env []string, name, v string) []string {
	out := env[:0:len(env)]
	for _, e := range env {
		if !strings.HasPrefix(e, name) || len(e) == len(name) || e[len(name)] != '=' {
			out = append(out, e)
		}
	}
	return append(out, name+"="+v)
}
