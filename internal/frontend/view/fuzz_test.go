package view

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/seed-0dbaba02/carrel/internal/linux"
	"github.com/seed-0dbaba02/carrel/internal/spec"
	"github.com/seed-0dbaba02/carrel/policy"
)

// FuzzDocument holds what must be true whatever a policy says: no crash, every path absolute and clean, and nothing that
// closes a layer which nobody asked to open.
func FuzzDocument(f *testing.F) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		f.Fatalf("testdata: %d files, %v", len(names), err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		text := ""
		for _, part := range txtar.Parse(data).Files {
			if part.Name == "policy.yaml" {
				text = string(part.Data)
			}
		}
		f.Add(text, "true", "/home/ann/work/proj", "/home/ann", false)
		f.Add(text, "./tool", "/usr/share", "/root", true)
	}
	f.Fuzz(func(t *testing.T, text, program, cwd, home string, root bool) {
		p, err := policy.Parse([]byte(text), "p.yaml")
		if err != nil || !strings.HasPrefix(cwd, "/") || cwd != lexical(cwd) || strings.Contains(cwd, "\x00") {
			return
		}
		if policy.IsPreset(p.Extends) {
			p.Preset = p.Extends
		}
		who := "subid 200000 65536\nhelpers"
		if root {
			who += "\nroot"
		}
		h := newFake(t, desk)
		env := Env{Cwd: cwd, Environ: []string{"PATH=/usr/bin:/bin", "HOME=" + home}, Facts: facts(t, who), Args: []string{program},
			Profile: func(string) (*specs.LinuxSeccomp, error) { return &specs.LinuxSeccomp{}, nil }}
		d, _, err := Document(p, env, h.look)
		if err != nil {
			if strings.TrimSpace(err.Error()) == "" {
				t.Error("an error without words")
			}
			return
		}
		checkDoc(t, d)
		checkPaths(t, d)
		checkClosed(t, p, d, root)
	})
}

func checkPaths(t *testing.T, d *spec.Doc) {
	t.Helper()
	clean := func(what, name string) {
		if !strings.HasPrefix(name, "/") || name != lexical(name) {
			t.Errorf("%s %q is not absolute and clean", what, name)
		}
	}
	for i := range d.OCI.Mounts {
		m := &d.OCI.Mounts[i]
		clean("target", m.Destination)
		if m.Type == "bind" {
			clean("source", m.Source)
		}
		if m.Destination == "/" && (i > 0 || d.Ext.Root != spec.RootFresh) {
			t.Errorf("mount %d covers the root", i)
		}
	}
	for i := range d.Ext.Entries {
		clean("entry", d.Ext.Entries[i].Path)
	}
	clean("working directory", d.OCI.Process.Cwd)
}

func checkClosed(t *testing.T, p *policy.Policy, d *spec.Doc, root bool) {
	t.Helper()
	user := false
	for _, n := range d.OCI.Linux.Namespaces {
		user = user || n.Type == specs.UserNamespace
	}
	allowed := p.AllowHostRoot != nil && *p.AllowHostRoot
	for _, m := range d.OCI.Linux.UIDMappings {
		if root && m.HostID == 0 && !allowed {
			t.Errorf("the host's root is inside: %+v", m)
		}
	}
	if root && !allowed && !user && d.OCI.Process.User.UID == 0 {
		t.Error("the program is the host's root")
	}
	if p.Preset == "none" {
		return
	}
	if p.Seccomp == "" && d.Ext.Seccomp == "" || p.NNP == nil && !d.OCI.Process.NoNewPrivileges || !d.Ext.CloseFDs || !d.Ext.LockCaps {
		t.Errorf("a layer is open that nobody opened: %+v", d.Ext)
	}
	if caps := d.OCI.Process.Capabilities; caps == nil || len(p.CapAdd) == 0 && len(caps.Bounding)+len(caps.Permitted)+len(caps.Ambient) > 0 {
		t.Errorf("capabilities %+v", caps)
	}
	if len(p.Share)+len(p.Join) == 0 && len(d.OCI.Linux.Namespaces) != len(linux.Namespaces) {
		t.Errorf("namespaces %+v", d.OCI.Linux.Namespaces)
	}
}

func TestManyEntries(t *testing.T) {
	h := newFake(t, desk)
	p := &policy.Policy{}
	for i := range 10000 {
		p.FS = append(p.FS, policy.Entry{Kind: policy.RO, Path: "/many/" + strconv.Itoa(i), Source: "/data/file"})
	}
	env := Env{Cwd: "/home/ann/work/proj", Environ: []string{"HOME=/home/ann"}, Facts: facts(t, ""), Args: []string{"true"}}
	d, _, err := Document(p, env, h.look)
	if err != nil || len(d.OCI.Mounts) < 10000 {
		t.Fatalf("10,000 entries: %v", err)
	}
	for range 3 {
		p.FS = append(p.FS, p.FS...)
	}
	if _, _, err := Document(p, env, h.look); err == nil || !strings.Contains(err.Error(), "more than 20000") {
		t.Errorf("80,000 entries: %v", err)
	}
}

// TestOddNames holds that a path is literal whatever bytes it has.
func TestOddNames(t *testing.T) {
	for _, name := range []string{"/a\nb", "/a,b:c=d", "/\xff\xfe", "/ ", "/a\tb", "/-x", "/*"} {
		h := newFake(t, desk)
		h[name] = h["/data"]
		p := &policy.Policy{FS: []policy.Entry{{Kind: policy.RW, Path: name}}}
		env := Env{Cwd: "/home/ann/work/proj", Environ: []string{"HOME=/home/ann"}, Facts: facts(t, ""), Args: []string{"true"}}
		d, _, err := Document(p, env, h.look)
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		if m := d.OCI.Mounts[len(d.OCI.Mounts)-1]; m.Source != name || m.Destination != name {
			t.Errorf("%q: %+v", name, m)
		}
		p.FS[0].Path += "/gone"
		_, _, err = Document(p, env, h.look)
		if err == nil || strings.ContainsAny(err.Error(), "\n\t") || !utf8.ValidString(err.Error()) {
			t.Errorf("%q: %v", name, err)
		}
	}
}
