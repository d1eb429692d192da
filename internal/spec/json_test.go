package spec

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

func sample() *Doc {
	n := 3
	return &Doc{
		OCI: &specs.Spec{
			Version: "1.3.0", Hostname: "carrel", Root: &specs.Root{Path: "/srv", Readonly: true},
			Annotations: map[string]string{"org.example": "kept"},
			Process:     &specs.Process{Args: []string{"sh", "-c", "a <b> && c"}, Cwd: "/", Env: []string{"A=\xff"}, Capabilities: &specs.LinuxCapabilities{}},
			Mounts:      []specs.Mount{{Destination: "/", Type: "tmpfs"}, {Destination: "/usr", Type: "bind", Source: "/usr", Options: []string{"rbind", "rro"}}},
			Linux:       &specs.Linux{Namespaces: []specs.LinuxNamespace{{Type: specs.PIDNamespace}}},
		},
		Ext: Ext{
			Preset: "strict", Root: RootDir, Init: true, Loopback: true, Landlock: Landlock{true, true}, Seccomp: "default", LockCaps: true, NewSession: true,
			CloseFDs: true, FDs: []int{3, 9}, IDs: IDs{Mode: IDSelf, Setgroups: "deny"}, BestEffort: true, AllowHostRoot: true, DieWithParent: true,
			Program: "/usr/bin/sh", Gate: true, Grants: []string{"/w"}, Optional: []string{"/run"}, MaxUserNS: &n,
			Entries: []Entry{{At: 1, Kind: EntrySymlink, Path: "/bin", Target: "usr/bin"}, {At: 2, Kind: EntryFile, Path: "/m", Data: "x<y", Mode: 0o644}, {At: 2, Kind: EntryHide, Path: "/h"}},
		},
	}
}

func TestJSONComesBack(t *testing.T) {
	d := sample()
	v := reflect.ValueOf(d.Ext)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("sample sets no %s, so this test does not see it", v.Type().Field(i).Name)
		}
	}
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(d, sample()) {
		t.Error("MarshalJSON changed the document")
	}
	got, err := Parse(text, "x.json")
	if err != nil {
		t.Fatal(err)
	}
	for i := range got.Ext.Entries {
		if got.Ext.Entries[i].From.IsZero() {
			t.Errorf("entry %d has no origin", i)
		}
		got.Ext.Entries[i].From = d.Ext.Entries[i].From
	}
	if !reflect.DeepEqual(got.Ext, d.Ext) {
		t.Errorf("got %+v\nwant %+v", got.Ext, d.Ext)
	}
	got.OCI.Process.Env = d.OCI.Process.Env // JSON holds no bytes that are not UTF-8
	if !reflect.DeepEqual(got.OCI, d.OCI) {
		t.Errorf("got %+v\nwant %+v", got.OCI, d.OCI)
	}
	if s := got.MountOrigin(1).String(); s != "x.json mounts[1]" {
		t.Errorf("mount 1 comes from %q", s)
	}
	if s := got.Origin(FieldSeccomp).String(); s != "x.json linux.seccomp" {
		t.Errorf("the filter comes from %q", s)
	}
	for f := Field(0); f < NumFields; f++ {
		if fieldNames[f] == "" {
			t.Errorf("field %d has no name", f)
		}
	}
}

func TestParseForeign(t *testing.T) {
	d, err := Parse([]byte(`{"ociVersion":"1.0.2","unknown":1,"root":{"path":"rootfs"},"process":{"args":["sh"],"cwd":"/","user":{}},
		"linux":{"namespaces":[{"type":"network"},{"type":"user"},{"type":"pid"}]}}`), "config.json")
	if err != nil {
		t.Fatal(err)
	}
	want := Ext{Preset: "oci", Root: RootDir, CloseFDs: true, NewSession: true, DieWithParent: true, Loopback: true, IDs: IDs{Mode: IDRange, Setgroups: "clear"}}
	if !reflect.DeepEqual(d.Ext, want) {
		t.Errorf("got %+v\nwant %+v", d.Ext, want)
	}
	d, err = Parse([]byte(`{"ociVersion":"1.0.2","root":{"path":"r"},"linux":{"namespaces":[{"type":"network","path":"/n"}]}}`), "config.json")
	if err != nil || d.Ext.Loopback || d.Ext.IDs.Mode != "" {
		t.Errorf("a joined network: %+v, %v", d.Ext, err)
	}
}

func TestParseRefuses(t *testing.T) {
	ext := func(s string) string {
		quoted, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return `{"ociVersion":"1.3.0","root":{"path":"/r"},"mounts":[{"destination":"/"}],"annotations":{"` + Key + `":` + string(quoted) + `}}`
	}
	for in, want := range map[string]string{
		``:  "EOF",
		`{`: "unexpected EOF",
		`{"ociVersion":"1.0.0","root":{"path":"/"}} x`:                                   "behind the document",
		`{"ociVersion":"2.0.0","root":{"path":"/"}}`:                                     "not 1.x",
		`{"ociVersion":"1.0.0","root":{}}`:                                               "no root.path",
		`{"ociVersion":1}`:                                                               "number",
		ext(`{"root":"fresh","rooot":1}`):                                                "rooot",
		ext(`{"root":"fresh"} {}`):                                                       "behind the document",
		ext(`{"root":"freshh"}`):                                                         "unknown kind of root",
		ext(`{}`):                                                                        "unknown kind of root",
		ext(`{"root":"fresh","ids":{"mode":"x"}}`):                                       "unknown mode",
		ext(`{"root":"fresh","ids":{"setgroups":"x"}}`):                                  "setgroups",
		ext(`{"root":"fresh","fds":[2]}`):                                                "not above 2",
		ext(`{"root":"fresh","entries":[{"at":2,"kind":"dir","path":"/x"}]}`):            "out of order",
		ext(`{"root":"fresh","entries":[{"at":0,"kind":"dir","path":"x"}]}`):             "not absolute",
		ext(`{"root":"fresh","entries":[{"at":0,"kind":"dirr","path":"/x"}]}`):           "unknown kind of entry",
		ext(`{"root":"fresh","entries":[{"at":0,"kind":"symlink","path":"/x"}]}`):        "no target",
		ext(`{"root":"fresh","entries":[{"at":0,"kind":"dir","path":"/x","source":1}]}`): "source",
	} {
		if _, err := Parse([]byte(in), "c"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n got %v, want %q", in, err, want)
		}
	}
}

func FuzzSpecParse(f *testing.F) {
	text, err := json.Marshal(sample())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"ociVersion":"1.0.2","root":{"path":"r"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := Parse(data, "c")
		if err != nil {
			return
		}
		text, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(text, "c")
		if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		if second, err := json.Marshal(again); err != nil || string(second) != string(text) {
			t.Fatalf("%s\ncomes back as\n%s (%v)", text, second, err)
		}
	})
}
