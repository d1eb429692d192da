package view

import (
	"path"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-0dbaba02/carrel/internal/host"
	"github.com/seed-0dbaba02/carrel/internal/linux"
)

// fake is a host that does not exist: what Look finds there, by path. Parents are directories without being named.
type fake map[string]host.Path

// newFake reads lines such as "dir /usr", "file /a", "exec /bin/x", "link /bin usr/bin", "plant /home/u/l /etc", "dev /dev/kvm",
// "pipe /p", "errno 13 /root".
func newFake(t *testing.T, text string) fake {
	t.Helper()
	f := fake{}
	for line := range strings.SplitSeq(text, "\n") {
		word := strings.Fields(line)
		if len(word) == 0 || word[0][0] == '#' {
			continue
		}
		p := host.Path{Name: word[len(word)-1]}
		switch word[0] {
		case "dir":
			p.Kind = host.Directory
		case "file":
			p.Kind = host.Regular
		case "exec":
			p.Kind, p.Exec = host.Regular, true
		case "dev":
			p.Kind = host.Device
		case "pipe":
			p.Kind = host.Other
		case "link", "plant":
			p.Name, p.Kind, p.Target = word[1], host.Symlink, word[2]
			if word[0] == "plant" {
				p.Untrusted = p.Name
			}
		case "errno":
			n, err := strconv.Atoi(word[1])
			if err != nil {
				t.Fatal(err)
			}
			p.Err = n
		default:
			t.Fatalf("host: %q", line)
		}
		f[p.Name] = p
		for dir := path.Dir(p.Name); ; dir = path.Dir(dir) {
			if _, known := f[dir]; !known {
				f[dir] = host.Path{Name: dir, Kind: host.Directory}
			}
			if dir == "/" {
				break
			}
		}
	}
	return f
}

// look does what host.Look does.
func (f fake) look(root, name string) host.Path {
	out := host.Path{Root: root, Name: name}
	real, rest, last := "/", strings.Split(strings.Trim(name, "/"), "/"), true
	for links := 0; len(rest) > 0; {
		part := rest[0]
		rest = rest[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			real = path.Dir(real)
			continue
		}
		at, known := f[path.Join(root, real, part)]
		if known && at.Err != 0 {
			out.Err = at.Err
			return out
		}
		if !known {
			out.Real = path.Join(append([]string{real, part}, rest...)...)
			return out
		}
		if at.Kind != host.Symlink {
			real = path.Join(real, part)
			continue
		}
		if links++; links > 40 {
			out.Err = int(syscall.ELOOP)
			return out
		}
		if len(rest) == 0 && last {
			out.Kind, out.Target, last = host.Symlink, at.Target, false
		}
		if at.Untrusted != "" && root == "" && out.Untrusted == "" {
			out.Untrusted = at.Untrusted
		}
		if at.Target[0] == '/' {
			real = "/"
		}
		rest = append(strings.Split(at.Target, "/"), rest...)
	}
	at := f[path.Join(root, real)]
	if real == "/" && root == "" {
		at.Kind = host.Directory
	}
	out.Real, out.To, out.Exec = real, at.Kind, at.Exec
	if out.Kind == host.Missing {
		out.Kind = out.To
	}
	return out
}

func limitNames() []string { return linux.Rlimits[:] }
