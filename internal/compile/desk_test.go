package compile

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/seed-0dbaba02/carrel/internal/frontend/flags"
	"github.com/seed-0dbaba02/carrel/internal/frontend/view"
	"github.com/seed-0dbaba02/carrel/internal/host"
	"github.com/seed-0dbaba02/carrel/internal/source"
	"github.com/seed-0dbaba02/carrel/internal/spec"
)

// desk is the host of the goldens: a directory tree that host.Look reads as if it were "/", so that nothing of the machine
// that runs the test gets in. An ordinary user can make it: what shall be a device there is a file below /dev.
type desk string

const deskTree = `
dir /usr/bin
exec /usr/bin/true
dir /usr/lib
link /bin usr/bin
link /lib usr/lib
file /etc/passwd
file /etc/shadow
link /etc/resolv.conf ../run/systemd/resolve/stub-resolv.conf
file /run/systemd/resolve/stub-resolv.conf
dir /home/ann/work
file /home/ann/work/notes
dir /home/ann/work/sub
link /home/ann/work/latest notes
file /home/ann/work/x
file /data/file
dir /data/deep/er
file /data/deep/er/f
link /mnt /data
file /dev/null
file /dev/kvm
file /proc/keys
file /proc/kcore
dir /proc/acpi
dir /proc/bus
dir /proc/sys
file /proc/sysrq-trigger
file /run/netns/blue
file /proc/77/ns/user
file /proc/77/ns/net
file /proc/77/ns/time
dir /sys/firmware
exec /srv/root/usr/bin/true
link /srv/root/bin usr/bin
dir /srv/root/proc
dir /srv/root/dev
dir /srv/root/tmp
dir /srv/root/data
file /srv/root/etc/hosts
exec /srv/bare/bin/true
file /srv/filter.json
`

// makeDesk makes the tree, and what a golden adds to it, in lines as above.
func makeDesk(t testing.TB, more string) desk {
	t.Helper()
	top := t.TempDir()
	for line := range strings.SplitSeq(deskTree+more, "\n") {
		w := strings.Fields(line)
		if len(w) < 2 {
			continue
		}
		name, mode := top+w[1], fs.FileMode(0o644)
		err := os.MkdirAll(filepath.Dir(name), 0o755)
		switch {
		case err != nil:
		case w[0] == "dir":
			err = os.MkdirAll(name, 0o755)
		case w[0] == "link" && len(w) == 3:
			err = os.Symlink(w[2], name)
		case w[0] == "file" || w[0] == "exec":
			if w[0] == "exec" {
				mode = 0o755
			}
			err = os.WriteFile(name, nil, mode)
		default:
			err = errors.New("want dir, file, exec or link")
		}
		if err != nil {
			t.Fatalf("desk: %q: %v", line, err)
		}
	}
	return desk(top)
}

// look does what host.Look does for the desk.
func (d desk) look(root, name string) host.Path {
	p := host.Look(string(d)+root, name)
	p.Root = root
	if p.To == host.Regular && root == "" && strings.HasPrefix(p.Real, "/dev/") {
		p.To = host.Device
		if p.Kind == host.Regular {
			p.Kind = host.Device
		}
	}
	return p
}

// learn looks up what the compiler wants to know, as the command does.
func (d desk) learn(t testing.TB, doc *spec.Doc, f *host.Facts) {
	t.Helper()
	look := func(root, name string) {
		if f.Find(root, name) == nil {
			f.Paths = append(f.Paths, d.look(root, name))
		}
	}
	for _, w := range Wants(doc) {
		look(w.Root, w.Name)
		if found := f.Find(w.Root, w.Name); w.Names && found.To == host.Directory {
			names, err := host.List(string(d)+w.Root, w.Name)
			if err != nil {
				t.Fatal(err)
			}
			found.Names = names
			for _, name := range names {
				look(w.Root, join(w.Name, name))
			}
		}
	}
}

// someFacts are those of an ordinary user on a recent kernel; text is JSON that changes them.
func someFacts(t testing.TB, arch string, text ...string) *host.Facts {
	t.Helper()
	f := &host.Facts{Arch: arch, UID: 1000, GID: 1000, Groups: []int{1000}, Kernel: host.Version{Major: 6, Minor: 12}, LastCap: 40, TimeNS: true, LandlockABI: 6}
	for i := range f.Rlimits {
		f.Rlimits[i] = host.Rlimit{Soft: ^uint64(0), Hard: ^uint64(0)}
	}
	for _, s := range text {
		if strings.TrimSpace(s) == "" {
			continue
		}
		d := json.NewDecoder(strings.NewReader(s))
		d.DisallowUnknownFields()
		if err := d.Decode(f); err != nil {
			t.Fatalf("facts: %v", err)
		}
	}
	return f
}

// document makes a document from the words of a command line.
func (d desk) document(args []string, f *host.Facts) (*spec.Doc, error) {
	c, err := flags.Parse(append([]string{"run"}, args...))
	if err != nil {
		return nil, err
	}
	env := view.Env{Cwd: "/home/ann/work", Environ: []string{"PATH=/usr/bin:/bin", "HOME=/home/ann", "TERM=xterm"}, Facts: f, Args: c.Args,
		Profile: func(string) (*specs.LinuxSeccomp, error) {
			return &specs.LinuxSeccomp{DefaultAction: specs.ActErrno, Syscalls: []specs.LinuxSyscall{{Names: []string{"execve", "exit_group"}, Action: specs.ActAllow}}}, nil
		}}
	look := func(root, name string) host.Path {
		if p := f.Find(root, name); p != nil {
			return *p
		}
		f.Paths = append(f.Paths, d.look(root, name))
		return f.Paths[len(f.Paths)-1]
	}
	doc, _, err := view.Document(c.Policy, env, look)
	if err != nil {
		return nil, err
	}
	doc.Ext.Gate = c.Receipt != ""
	return doc, nil
}

// handmade reads a document whose annotation stands beside it, because JSON within JSON is hard to read.
func handmade(t testing.TB, oci, ext string) *spec.Doc {
	t.Helper()
	var all map[string]any
	if err := json.Unmarshal([]byte(oci), &all); err != nil {
		t.Fatalf("spec.json: %v", err)
	}
	if ext != "" {
		all["annotations"] = map[string]string{spec.Key: ext}
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := spec.Parse(text, "spec.json")
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// section returns a file of an archive, "" where there is none.
func section(a *txtar.Archive, name string) string {
	for i := range a.Files {
		if a.Files[i].Name == name {
			return strings.TrimRight(string(a.Files[i].Data), "\n")
		}
	}
	return ""
}

// refusal holds that an error is for the user: a *source.Error with words, never a fault of the compiler.
func refusal(t testing.TB, err error) {
	t.Helper()
	var e *source.Error
	if !errors.As(err, &e) || e.Text == "" {
		t.Errorf("the error is a fault of the compiler, not of the input: %v", err)
	}
}
