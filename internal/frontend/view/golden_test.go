package view

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/seed-0dbaba02/carrel/internal/host"
	"github.com/seed-0dbaba02/carrel/internal/spec"
	"github.com/seed-0dbaba02/carrel/policy"
)

var update = flag.Bool("update", false, "write the wanted documents anew")

// desk is the host of the goldens that name none: one user, a merged /usr, a few things to trip over.
const desk = `
dir /usr/bin
dir /usr/local/bin
dir /usr/share
file /usr/share/doc.txt
exec /usr/bin/true
exec /usr/bin/sh
exec /usr/bin/python3.11
link /usr/bin/python3 /etc/alternatives/python3
link /etc/alternatives/python3 /usr/bin/python3.11
file /usr/bin/notes
link /bin usr/bin
link /lib usr/lib
dir /usr/lib
file /etc/passwd
file /etc/shadow
link /etc/resolv.conf ../run/systemd/resolve/stub-resolv.conf
file /run/systemd/resolve/stub-resolv.conf
file /run/user/1000/bus
dir /home/ann/work/proj
exec /home/ann/work/proj/tool
dir /home/ann/work/proj/sub
dir /home/ann/.local/bin
exec /home/ann/.local/bin/mytool
plant /home/ann/work/proj/planted /etc
dir /data
file /data/file
dir /data/a:b,c
link /mnt /data
link /dangling /nowhere
errno 13 /root/secret
dev /dev/kvm
pipe /data/pipe
dir /dev/dri
dir /opt/tool/bin
exec /opt/tool/bin/opttool
dir /tmp/job
dir /var/lib/x
dir /sys/kernel
dir /proc/self
link /proc/77/ns/user user:[4026532999]
link /proc/1/ns/user user:[4026531837]
file /run/netns/blue
file /proc/77/ns/net
file /proc/77/ns/mnt
dir /srv/root/usr/bin
exec /srv/root/usr/bin/sh
link /srv/root/bin usr/bin
dir /srv/root/root
dir /srv/root/proc
dir /srv/root/dev
link /srv/root/tmp /etc
dir /srv/bare/bin
exec /srv/bare/bin/sh
file /srv/filter.json
`

// facts reads lines such as "uid 0", "root", "kernel 5.10", "hard nofile 4096", "subid 200000 65536", "helpers", "tty".
func facts(t *testing.T, text string) *host.Facts {
	t.Helper()
	f := &host.Facts{UID: 1000, GID: 1000, Kernel: host.Version{Major: 6, Minor: 12}, LastCap: 40, TimeNS: true, LandlockABI: 6}
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for i := range f.Rlimits {
		f.Rlimits[i] = host.Rlimit{Soft: ^uint64(0), Hard: ^uint64(0)}
	}
	for line := range strings.SplitSeq(text, "\n") {
		w := strings.Fields(line)
		if len(w) == 0 {
			continue
		}
		switch w[0] {
		case "uid":
			f.UID, f.GID = number(w[1]), number(w[1])
		case "root":
			f.UID, f.GID, f.HostRoot = 0, 0, true
		case "kernel":
			major, minor, _ := strings.Cut(w[1], ".")
			f.Kernel = host.Version{Major: number(major), Minor: number(minor)}
		case "hard":
			for i, name := range limitNames() {
				if name == w[1] {
					f.Rlimits[i].Hard = uint64(number(w[2]))
				}
			}
		case "subid":
			r := host.Range{First: number(w[1]), Count: number(w[2])}
			f.SubUIDs, f.SubGIDs = append(f.SubUIDs, r), append(f.SubGIDs, r)
		case "helpers":
			f.NewUIDMap, f.NewGIDMap = "/usr/bin/newuidmap", "/usr/bin/newgidmap"
		case "tty":
			f.Terminals = [3]bool{true, true, true}
		default:
			t.Fatalf("facts: %q", line)
		}
	}
	return f
}

// run makes the text of one golden: the document in short, or the error, and the warnings before it.
func run(t *testing.T, a *txtar.Archive) string {
	t.Helper()
	part := func(name, otherwise string) string {
		for _, f := range a.Files {
			if f.Name == name {
				return strings.TrimRight(string(f.Data), "\n")
			}
		}
		return otherwise
	}
	p, err := policy.Parse([]byte(part("policy.yaml", "")), "policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p.Preset = p.Extends
	h := newFake(t, part("host", desk))
	env := Env{
		Cwd:     part("cwd", "/home/ann/work/proj"),
		Environ: strings.Split(part("environ", "PATH=/home/ann/.local/bin:/usr/local/bin:/usr/bin:/bin:/opt/tool/bin\nHOME=/home/ann\nUSER=ann\nSHELL=/bin/sh\nTERM=xterm\nLANG=C.UTF-8\nSECRET=x"), "\n"),
		Facts:   facts(t, part("facts", "")),
		Args:    strings.Split(part("args", "true"), "\n"),
		Profile: func(name string) (*specs.LinuxSeccomp, error) {
			if h.look("", name).To != host.Regular {
				return nil, errors.New("read seccomp profile " + name + ": no such file or directory")
			}
			return &specs.LinuxSeccomp{DefaultAction: specs.ActAllow}, nil
		},
	}
	d, warnings, err := Document(p, env, h.look)
	var out strings.Builder
	for _, w := range warnings {
		out.WriteString("warning: " + w.String() + "\n")
	}
	if err != nil {
		return out.String() + "error: " + err.Error() + "\n"
	}
	checkDoc(t, d)
	return out.String() + short(t, d)
}

// checkDoc holds what is true of every document.
func checkDoc(t *testing.T, d *spec.Doc) {
	t.Helper()
	if len(d.From.Mounts) != len(d.OCI.Mounts) {
		t.Errorf("%d mounts, %d origins", len(d.OCI.Mounts), len(d.From.Mounts))
	}
	for i, o := range d.From.Fields {
		if o.IsZero() {
			t.Errorf("field %d has no origin", i)
		}
	}
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := spec.Parse(text, "x"); err != nil {
		t.Errorf("the document does not come back: %v", err)
	}
}

// short prints a document in lines that a person can compare.
func short(t *testing.T, d *spec.Doc) string {
	t.Helper()
	var b strings.Builder
	e := 0
	entries := func(at int) {
		for ; e < len(d.Ext.Entries) && d.Ext.Entries[e].At <= at; e++ {
			x := d.Ext.Entries[e]
			b.WriteString("  " + string(x.Kind) + " " + quoted(x.Path))
			if x.Target != "" {
				b.WriteString(" -> " + x.Target)
			}
			if x.Data != "" {
				b.WriteString(" " + strconv.Quote(x.Data))
			}
			b.WriteString("  # " + x.From.String() + "\n")
		}
	}
	for i, m := range d.OCI.Mounts {
		entries(i)
		b.WriteString("  " + m.Type + " " + quoted(m.Destination))
		if m.Source != m.Destination && m.Source != m.Type {
			b.WriteString(" <- " + quoted(m.Source))
		}
		b.WriteString(" " + strings.Join(m.Options, ",") + "  # " + d.From.Mounts[i].String() + "\n")
	}
	entries(len(d.OCI.Mounts))
	l := *d.OCI.Linux
	l.MaskedPaths, l.ReadonlyPaths = nil, nil
	x := d.Ext
	x.Entries = nil
	for _, v := range []any{x, d.OCI.Process, &l, d.OCI.Root, d.OCI.Hostname, d.OCI.Domainname} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(text, '\n'))
	}
	if n := len(d.OCI.Linux.MaskedPaths); n > 0 {
		b.WriteString(strconv.Itoa(n) + " masked, " + strconv.Itoa(len(d.OCI.Linux.ReadonlyPaths)) + " read-only paths\n")
	}
	return b.String()
}

func TestGoldens(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("testdata: %d files, %v", len(names), err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := run(t, a)
			for i := range a.Files {
				if a.Files[i].Name != "want" {
					continue
				}
				if string(a.Files[i].Data) != got && !*update {
					t.Error(firstDifference(got, string(a.Files[i].Data)))
				}
				a.Files[i].Data = []byte(got)
			}
			if *update {
				if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if !bytes.Contains(txtar.Format(a), []byte("-- want --")) {
				t.Error("the golden wants nothing")
			}
		})
	}
}

// firstDifference shows the first line in which two texts differ.
func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(g), len(w)) {
		a, b := "(the end)", "(the end)"
		if i < len(g) {
			a = g[i]
		}
		if i < len(w) {
			b = w[i]
		}
		if a != b {
			return "line " + strconv.Itoa(i+1) + ":\n got " + a + "\nwant " + b + "\n-update writes the files anew"
		}
	}
	return "the texts are the same"
}
