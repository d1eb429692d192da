package compile

import (
	"encoding/json"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/seed-0dbaba02/carrel/internal/spec"
)

// edits turn a document that the front-end made into one that it would not make, but that somebody may write.
var edits = [...]func(d *spec.Doc, n int){
	func(d *spec.Doc, _ int) { d.OCI.Linux = nil },
	func(d *spec.Doc, _ int) { d.OCI.Root = nil },
	func(d *spec.Doc, _ int) { d.OCI.Process.Capabilities = nil },
	func(d *spec.Doc, _ int) { d.OCI.Process.Cwd = "" },
	func(d *spec.Doc, n int) { d.OCI.Process.Terminal = n%2 == 0 },
	func(d *spec.Doc, n int) { d.OCI.Process.NoNewPrivileges = n%2 == 0 },
	func(d *spec.Doc, n int) { d.OCI.Process.User.UID = uint32(n) },
	func(d *spec.Doc, n int) { d.OCI.Process.User.AdditionalGids = []uint32{uint32(n), 7} },
	func(d *spec.Doc, n int) { d.OCI.Process.Env = make([]string, n) },
	func(d *spec.Doc, n int) {
		d.Ext.Root = []spec.RootKind{spec.RootFresh, spec.RootHost, spec.RootDir}[n%3]
	},
	func(d *spec.Doc, n int) { d.Ext.Init = n%2 == 0 },
	func(d *spec.Doc, n int) { d.Ext.Loopback = n%2 == 0 },
	func(d *spec.Doc, n int) { d.Ext.Gate = n%2 == 0 },
	func(d *spec.Doc, n int) { d.Ext.DieWithParent = n%2 == 0 },
	func(d *spec.Doc, n int) { d.Ext.NewSession = n%2 == 0 },
	func(d *spec.Doc, n int) { d.Ext.LockCaps = n%2 == 0 },
	func(d *spec.Doc, n int) { d.Ext.CloseFDs = n%2 == 0 },
	func(d *spec.Doc, n int) { d.Ext.Seccomp = []string{"", "default", "other"}[n%3] },
	func(d *spec.Doc, n int) { d.Ext.Landlock.Enable = n%2 == 0 },
	func(d *spec.Doc, n int) { d.Ext.IDs.Mode = []string{"", spec.IDSelf, spec.IDRange, spec.IDHelper}[n%4] },
	func(d *spec.Doc, n int) { d.Ext.IDs.Setgroups = []string{"", "deny", "clear"}[n%3] },
	func(d *spec.Doc, n int) { d.Ext.Program = []string{"", "/usr/bin/true", "x"}[n%3] },
	func(d *spec.Doc, n int) { d.Ext.Grants = []string{"/", "/proc", "/tmp"}[:n%4] },
	func(d *spec.Doc, n int) { d.Ext.Optional = []string{"/proc", "/tmp", "/data"}[:n%4] },
	func(d *spec.Doc, n int) { d.Ext.MaxUserNS = &n },
	func(d *spec.Doc, n int) { d.OCI.Hostname = "h"[:n%2] },
	editNamespace, editMount, addMount, addEntry, editMaps, editMasks,
}

func editNamespace(d *spec.Doc, n int) {
	if d.OCI.Linux == nil {
		d.OCI.Linux = &specs.Linux{}
	}
	l := &d.OCI.Linux.Namespaces
	switch {
	case n%3 == 0 && len(*l) > 0:
		*l = append((*l)[:n/3%len(*l)], (*l)[n/3%len(*l)+1:]...)
	default:
		kind := specs.LinuxNamespaceType([]string{"user", "mount", "pid", "network", "ipc", "uts", "cgroup", "time", "odd"}[n/3%9])
		*l = append(*l, specs.LinuxNamespace{Type: kind, Path: []string{"", "/proc/77/ns/user"}[n%2]})
	}
}

var fuzzPaths = [...]string{"/", "/data", "/data/deep", "/data/deep/er/f", "/data/file", "/tmp", "/tmp/a/b", "/etc/passwd", "/proc", "/proc/sys", "/dev", "/dev/null", "/l", "/l/deep", "/gone", "/usr", "/bin/true", "/home/ann/work", "rel", "/a,b"}

func fuzzPath(n int) string { return fuzzPaths[n%len(fuzzPaths)] }

func editMount(d *spec.Doc, n int) {
	if len(d.OCI.Mounts) == 0 {
		return
	}
	m := &d.OCI.Mounts[n%len(d.OCI.Mounts)]
	switch n / 16 % 5 {
	case 0:
		m.Destination = fuzzPath(n)
	case 1:
		m.Source = fuzzPath(n)
	case 2:
		m.Type = []string{"", "bind", "tmpfs", "proc", "sysfs", "devpts"}[n%6]
	case 3:
		m.Options = nil
	case 4:
		m.Options = append(m.Options, []string{"ro", "rw", "size=1k", "a,b", "shared", "nosymfollow"}[n%6])
	}
}

func addMount(d *spec.Doc, n int) {
	m := specs.Mount{Destination: fuzzPath(n), Source: fuzzPath(n / 3), Type: []string{"bind", "tmpfs", "proc"}[n%3]}
	if n%7 == 0 {
		m.Type, m.Source = "tmpfs", DevSource
	}
	if n%2 == 0 {
		m.Options = []string{"rbind", "ro"}
	}
	d.OCI.Mounts = append(d.OCI.Mounts, m)
}

func addEntry(d *spec.Doc, n int) {
	e := spec.Entry{At: len(d.OCI.Mounts), Path: fuzzPath(n), Kind: []spec.EntryKind{spec.EntrySymlink, spec.EntryDir, spec.EntryFile, spec.EntryHide}[n%4]}
	if e.Kind == spec.EntrySymlink {
		e.Target = []string{"/l", "../l", "/data", "l", ".", "deep/../.."}[n/4%6]
	}
	if e.Kind == spec.EntryFile {
		e.Data = "data"[:n/4%5]
	}
	d.Ext.Entries = append(d.Ext.Entries, e)
}

func editMaps(d *spec.Doc, n int) {
	if d.OCI.Linux != nil {
		m := []specs.LinuxIDMapping{{ContainerID: uint32(n), HostID: uint32(n / 2), Size: uint32(n % 3)}}
		d.OCI.Linux.UIDMappings, d.OCI.Linux.GIDMappings = m[:n%2], m
	}
}

func editMasks(d *spec.Doc, n int) {
	if d.OCI.Linux != nil {
		d.OCI.Linux.MaskedPaths = append(d.OCI.Linux.MaskedPaths, fuzzPath(n))
		d.OCI.Linux.ReadonlyPaths = append(d.OCI.Linux.ReadonlyPaths, fuzzPath(n/2))
	}
}

// edited applies edits, two bytes each, and sends the document through its printed form, which refuses what no host could
// make sense of: nil then.
func edited(t *testing.T, d *spec.Doc, how []byte) *spec.Doc {
	t.Helper()
	if d.OCI.Process == nil && len(how) > 1 {
		d.OCI.Process = &specs.Process{}
	}
	for ; len(how) > 1; how = how[2:] {
		edits[int(how[0])%len(edits)](d, int(how[1]))
	}
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	read, err := spec.Parse(text, "x")
	if err != nil {
		return nil
	}
	return read
}
