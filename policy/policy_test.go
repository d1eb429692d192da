package policy

import (
	"bytes"
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "write carrel.schema.json anew")

func TestSchemaIsFresh(t *testing.T) {
	const name = "carrel.schema.json"
	if *update {
		if err := os.WriteFile(name, Schema(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, Schema()) {
		t.Errorf("%s is not what Schema returns: run go test ./policy -update", name)
	}
}

// schema compiles what Schema returns.
func schema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(SchemaID, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(SchemaID)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// asJSON reads YAML with another library and turns it into what a schema validator takes.
func asJSON(data []byte) (any, error) {
	var v any
	if err := yaml.Unmarshal(data, &v); err != nil {
		return nil, err
	}
	if v == nil {
		v = map[string]any{}
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(text))
}

// The files in testdata are named valid-*.yaml and invalid-*.yaml. Parse and the schema must both say so; the first line of
// an invalid file holds the error that Parse must return.
func TestParseAndSchemaAgree(t *testing.T) {
	s := schema(t)
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) < 40 {
		t.Fatalf("testdata: %d files, %v", len(files), err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		_, parseErr := Parse(data, filepath.Base(name))
		v, err := asJSON(data)
		if err == nil {
			err = s.Validate(v)
		}
		if strings.HasPrefix(filepath.Base(name), "valid-") {
			if parseErr != nil {
				t.Errorf("%s: Parse: %v", name, parseErr)
			}
			if err != nil {
				t.Errorf("%s: schema: %v", name, err)
			}
			continue
		}
		first, _, _ := strings.Cut(string(data), "\n")
		want := strings.TrimPrefix(first, "# ")
		if parseErr == nil || parseErr.Error() != want {
			t.Errorf("%s: Parse:\n got %v\nwant %s", name, parseErr, want)
		}
		if err == nil && !strings.HasPrefix(filepath.Base(name), "invalid-syntax-") {
			t.Errorf("%s: the schema takes what Parse refuses", name)
		}
	}
}

// full sets every field, so that a field which Format or Merge forgets is seen.
func full() *Policy {
	yes, no, id := true, false, 7
	return &Policy{
		Extends: "dev", Share: []string{"net"}, NS: []string{"pid"}, Join: []Join{{NS: "ipc", Path: "/run/x y"}, {NS: "uts", PID: 12}},
		Hostname: "desk", Domainname: "lib", BoottimeOffset: &Offset{Seconds: -6, Nanos: 500000000}, MonotonicOffset: &Offset{Seconds: 86400},
		UID: &id, GID: &id, Subids: &yes, RootRange: &Range{First: 100000, Count: 65536}, AllowHostRoot: &no,
		FS: []Entry{
			{Kind: RO, Path: "/data"}, {Kind: RW, Path: "/in", Source: "/host, with: odd\nnames"}, {Kind: Tmpfs, Path: "/scratch", Size: 64 << 20},
			{Kind: Tmpfs, Path: "/t"}, {Kind: Dev, Path: "/dev/kvm"}, {Kind: Symlink, Path: "/bin", Source: "usr/bin"}, {Kind: Dir, Path: "/d"},
			{Kind: File, Path: "/etc/motd", Data: "one\n\ttwo \\ \"x\"\u2028\x01\n"}, {Kind: Hide, Path: "/etc/shadow"}, {Kind: Proc, Path: "/proc"}, {Kind: Sys, Path: "/sys"},
		},
		Rootfs: "/srv/root", WritableRootfs: &yes, Workdir: "/w", CapAdd: []string{"net_admin", "all"}, Seccomp: "default", Landlock: &no, NNP: &yes,
		Rlimits: []Rlimit{{Name: "nofile", Soft: 10, Hard: 20}, {Name: "core"}, {Name: "cpu", Soft: ^uint64(0), Hard: ^uint64(0)}},
		FDs:     []int{3, 9}, Env: []Var{{"A", ""}, {"B", "true"}, {"C", "12"}, {"D d", "x: y # z"}}, PassEnv: []string{"LANG"}, TTY: "never", BestEffort: &no,
	}
}

func bare(p *Policy) *Policy {
	q := *p
	q.From = nil
	q.FS, q.Join, q.Rlimits = append([]Entry(nil), p.FS...), append([]Join(nil), p.Join...), append([]Rlimit(nil), p.Rlimits...)
	for i := range q.FS {
		q.FS[i].From.Input, q.FS[i].From.Line = "", 0
	}
	for i := range q.Join {
		q.Join[i].From.Input, q.Join[i].From.Line = "", 0
	}
	for i := range q.Rlimits {
		q.Rlimits[i].From.Input, q.Rlimits[i].From.Line = "", 0
	}
	return &q
}

func TestFormatComesBack(t *testing.T) {
	want := full()
	text := Format(want)
	got, err := Parse(text, "p.yaml")
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if !reflect.DeepEqual(bare(got), bare(want)) {
		t.Errorf("got\n%+v\nwant\n%+v\nfrom\n%s", bare(got), bare(want), text)
	}
	v := reflect.ValueOf(*want)
	for i := range v.NumField() {
		if name := v.Type().Field(i).Name; v.Field(i).IsZero() && name != "Preset" && name != "From" {
			t.Errorf("full sets no %s, so this test does not see it", name)
		}
	}
}

func TestMergeTakesEveryField(t *testing.T) {
	want := full()
	if got := Merge(&Policy{}, want); !reflect.DeepEqual(bare(got), bare(want)) {
		t.Errorf("over nothing: got %+v, want %+v", got, want)
	}
	if got := Merge(want, &Policy{}); !reflect.DeepEqual(bare(got), bare(want)) {
		t.Errorf("under nothing: got %+v, want %+v", got, want)
	}
	if !reflect.DeepEqual(want, full()) {
		t.Error("Merge changed what it was given")
	}
}

func TestMergeNamespaces(t *testing.T) {
	base := &Policy{Share: []string{"net", "ipc"}, NS: []string{"pid"}, Join: []Join{{NS: "uts", PID: 3}}}
	over := &Policy{Share: []string{"pid"}, NS: []string{"uts"}, Join: []Join{{NS: "net", PID: 4}}}
	got := Merge(base, over)
	want := &Policy{Share: []string{"ipc", "pid"}, NS: []string{"uts"}, Join: []Join{{NS: "net", PID: 4}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestOriginsHaveLines(t *testing.T) {
	p, err := Parse([]byte("# a comment\nhostname: x\n\nfs:\n- ro: /a\n\n- tmpfs: /b\n  size: 1M\nlimit:\n  core: 0\njoin: {net: 12}\n"), "dir/p.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ got, want string }{
		{p.From.Of("hostname").String(), "dir/p.yaml:2"},
		{p.FS[0].From.String(), "dir/p.yaml:5"},
		{p.FS[1].From.String(), "dir/p.yaml:7"},
		{p.Rlimits[0].From.String(), "dir/p.yaml:10"},
		{p.Join[0].From.String(), "dir/p.yaml:11"},
	} {
		if c.got != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
	}
}

func TestPathsStartAtTheFile(t *testing.T) {
	p, err := Parse([]byte("extends: ../b.yaml\nseccomp: s.json\nrootfs: root\nfs:\n- {ro: data}\n- {rw: /in, from: out}\n- {symlink: l, to: t}\n"), "/etc/c/p.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got := []string{p.Extends, p.Seccomp, p.Rootfs, p.FS[0].Path, p.FS[1].Path, p.FS[1].Source, p.FS[2].Path, p.FS[2].Source}
	want := []string{"/etc/c/../b.yaml", "/etc/c/s.json", "/etc/c/root", "/etc/c/data", "/in", "/etc/c/out", "/etc/c/l", "t"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return name
	}
	write("sub/base.yaml", "extends: judge\nhostname: base\nuid: 5\nfs: [{ro: x}]\n")
	p, err := Load(write("top.yaml", "extends: sub/base.yaml\nhostname: top\nfs: [{ro: z}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	if p.Preset != "judge" || p.Hostname != "top" || *p.UID != 5 || p.FS[0].Path != filepath.Join(dir, "sub/x") || p.FS[1].Path != filepath.Join(dir, "z") {
		t.Errorf("got %+v", p)
	}
	write("a.yaml", "extends: b.yaml\n")
	b := write("b.yaml", "extends: ./a.yaml\n")
	if _, err := Load(b); err == nil || !strings.Contains(err.Error(), "extends itself") {
		t.Errorf("a cycle: %v", err)
	}
	for i := range maxExtends + 1 {
		write("c"+string(rune('a'+i))+".yaml", "extends: c"+string(rune('a'+i+1))+".yaml\n")
	}
	if _, err := Load(filepath.Join(dir, "ca.yaml")); err == nil || !strings.Contains(err.Error(), "more than 16") {
		t.Errorf("a long chain: %v", err)
	}
	if _, err := Load(filepath.Join(dir, "none.yaml")); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("a directory: %v", err)
	}
	if _, err := Load(write("e.yaml", "extends: gone.yaml\n")); err == nil || !strings.Contains(err.Error(), "e.yaml:1") {
		t.Errorf("a missing base: %v", err)
	}
}

func TestLargeFiles(t *testing.T) {
	var b strings.Builder
	b.WriteString("fs:\n")
	for b.Len() < 10<<20 {
		b.WriteString("- ro: /data/with/a/long/name/that/goes/on\n")
	}
	p, err := Parse([]byte(b.String()), "p")
	if err != nil || len(p.FS) < 100000 {
		t.Errorf("10 MiB: %v", err)
	}
	if _, err := Parse(bytes.Repeat([]byte("# x\n"), maxFile/4+1), "p"); err == nil || !strings.Contains(err.Error(), "larger than 16 MiB") {
		t.Errorf("over 16 MiB: %v", err)
	}
	for _, deep := range []string{strings.Repeat("[", 100000), "a: " + strings.Repeat("{a: ", 100000), strings.Repeat("- ", 100000)} {
		if _, err := Parse([]byte(deep), "p"); err == nil {
			t.Error("deep nesting is taken")
		}
	}
}

func TestValues(t *testing.T) {
	for in, want := range map[string]Offset{"86400": {86400, 0}, "1h30m": {5400, 0}, "-5s": {-5, 0}, "-1500ms": {-2, 500000000}, "1s5ns": {1, 5}, "2d": {172800, 0}, "+3": {3, 0}} {
		got, err := ParseOffset(in)
		if err != nil || got != want {
			t.Errorf("%s: got %v, %v", in, got, err)
		}
		if back, err := ParseOffset(got.String()); err != nil || back != got {
			t.Errorf("%s: %s comes back as %v, %v", in, got, back, err)
		}
	}
	for _, in := range []string{"", "-", "5x", "s", "1h 2m", "1.5s", "--5s", "99999999999h", "5 s", "-+5"} {
		if got, err := ParseOffset(in); err == nil {
			t.Errorf("%q is taken as %v", in, got)
		}
	}
	for in, want := range map[string]int64{"0": 0, "64MiB": 64 << 20, "1K": 1024, "1kB": 1000, "3G": 3 << 30, "9223372036854775807": math.MaxInt64} {
		if got, err := ParseSize(in); err != nil || got != want {
			t.Errorf("%s: got %d, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "-1", "1.5G", "1 G", "9223372036854775808", "9007199254740992K", "G", "1GiBs"} {
		if got, err := ParseSize(in); err == nil {
			t.Errorf("%q is taken as %d", in, got)
		}
	}
	for in, want := range map[string]Rlimit{
		"nofile=10": {Name: "nofile", Soft: 10, Hard: 10}, "RLIMIT_CORE=0:unlimited": {Name: "core", Hard: ^uint64(0)}, "cpu=5m": {Name: "cpu", Soft: 300, Hard: 300},
		"fsize=1MiB:2MiB": {Name: "fsize", Soft: 1 << 20, Hard: 2 << 20},
	} {
		if got, err := ParseRlimit(in); err != nil || got != want {
			t.Errorf("%s: got %+v, %v", in, got, err)
		}
	}
	for _, in := range []string{"nofile", "nofile=", "nofile=1M", "nofile=2:1", "cpu=1500ms", "files=1", "as=-1", "core=0:"} {
		if got, err := ParseRlimit(in); err == nil {
			t.Errorf("%q is taken as %+v", in, got)
		}
	}
	for _, in := range []string{"1", "1:0", ":1", "4294967295:1", "1:4294967295", "-1:5", "a:b"} {
		if got, err := ParseRange(in); err == nil {
			t.Errorf("%q is taken as %+v", in, got)
		}
	}
	for _, in := range []string{"net", "net=", "nett=/x", "net,pid=/x", "net=0", "net=99999999999", "=5"} {
		if got, err := ParseJoin(in); err == nil {
			t.Errorf("%q is taken as %+v", in, got)
		}
	}
}
