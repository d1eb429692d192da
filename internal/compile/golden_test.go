package compile

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/seed-0dbaba02/carrel/internal/host"
	"github.com/seed-0dbaba02/carrel/internal/launch"
	"github.com/seed-0dbaba02/carrel/internal/plan"
	"github.com/seed-0dbaba02/carrel/internal/source"
	"github.com/seed-0dbaba02/carrel/internal/spec"
)

var update = flag.Bool("update", false, "write the wanted plans anew")

// A golden is an archive of
//
//	args        words of a command line, one a line, for the real front-end; or
//	spec.json   a document as carrel spec prints it, with its annotation apart in ext.json
//	facts.json  what differs from an ordinary user's host
//	host        what the host has beside the desk
//	variants    lines of more words, put before the program, or of more facts, each a case of its own
//	only        parts of lines: all others are left out
//	plan.txt or error.txt, and arm64.txt: how that architecture's plan differs
type golden struct {
	a     *txtar.Archive
	d     desk
	only  []string
	cases []string
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
			g := &golden{a: a, d: makeDesk(t, "\n"+section(a, "host"))}
			if s := section(a, "only"); s != "" {
				g.only = strings.Split(s, "\n")
			}
			g.cases = strings.Split(section(a, "variants"), "\n")
			got := g.outputs(t)
			if *update {
				write(t, name, a, got)
				return
			}
			for part, text := range got {
				if want := section(a, part); strings.TrimRight(text, "\n") != want {
					t.Errorf("%s: %s", part, firstDifference(text, want))
				}
			}
		})
	}
}

// write replaces the outputs of an archive.
func write(t *testing.T, name string, a *txtar.Archive, got map[string]string) {
	t.Helper()
	a.Files = slices.DeleteFunc(a.Files, func(f txtar.File) bool { _, out := got[f.Name]; return out })
	for _, part := range outputNames {
		if text := got[part]; text != "" {
			a.Files = append(a.Files, txtar.File{Name: part, Data: []byte(text)})
		}
	}
	if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
		t.Fatal(err)
	}
}

var outputNames = [...]string{"plan.txt", "error.txt", "arm64.txt"}

// outputs compiles every case for both architectures.
func (g *golden) outputs(t *testing.T) map[string]string {
	t.Helper()
	part := "error.txt"
	var amd, arm strings.Builder
	for _, c := range g.cases {
		if len(g.cases) > 1 {
			amd.WriteString("## " + c + "\n")
			arm.WriteString("## " + c + "\n")
		}
		a, ok := g.one(t, "amd64", c)
		b, okArm := g.one(t, "arm64", c)
		if ok != okArm {
			t.Errorf("%s: amd64 gives a plan: %v, arm64: %v", c, ok, okArm)
		}
		if ok {
			part = "plan.txt"
		}
		amd.WriteString(a)
		arm.WriteString(b)
	}
	out := map[string]string{"plan.txt": "", "error.txt": "", "arm64.txt": differences(amd.String(), arm.String())}
	out[part] = amd.String()
	return out
}

// one compiles one case and prints it; ok is false when it was refused.
func (g *golden) one(t *testing.T, arch, variant string) (text string, ok bool) {
	t.Helper()
	facts, words := []string{section(g.a, "facts.json")}, []string(nil)
	if strings.HasPrefix(variant, "{") {
		facts = append(facts, variant)
	} else {
		words = strings.Fields(variant)
	}
	f := someFacts(t, arch, facts...)
	var doc *spec.Doc
	if s := section(g.a, "spec.json"); s != "" {
		doc = handmade(t, s, section(g.a, "ext.json"))
	} else {
		var err error
		args := strings.Split(section(g.a, "args"), "\n")
		args = slices.Insert(args, slices.Index(args, "--"), words...)
		if doc, err = g.d.document(args, f); err != nil {
			t.Fatalf("the front-end refuses %q: %v", words, err)
		}
	}
	g.d.learn(t, doc, f)
	p, err := Compile(doc, f, nil)
	if err != nil {
		refusal(t, err)
		return err.Error() + "\n", false
	}
	again(t, doc, f, p)
	return g.filter(plan.Format(p) + layers(p)), true
}

// layers prints the rows of the receipt.
func layers(p *plan.Plan) string {
	var b strings.Builder
	for _, l := range p.Layers {
		b.WriteString("layer    " + l.Name + ": " + l.Asked + ": " + l.How + "\n")
	}
	return b.String()
}

// again holds three laws of every plan: the same input gives the same plan, memory that is handed over makes no difference,
// and neither does printing the document and reading it back, but for who asked.
func again(t *testing.T, doc *spec.Doc, f *host.Facts, p *plan.Plan) {
	t.Helper()
	want := plan.Format(p)
	room := &Room{Setup: make([]launch.Op, 2), Payload: make([]launch.Op, 1), Data: [2][]byte{make([]byte, 9), nil}, Origins: [2][]source.Origin{make([]source.Origin, 1), nil}}
	second, err := Compile(doc, f, room)
	if err != nil || plan.Format(second) != want {
		t.Errorf("a second compilation differs: %v", err)
	}
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	read, err := spec.Parse(text, "x")
	if err != nil {
		t.Fatal(err)
	}
	third, err := Compile(read, f, nil)
	if err != nil {
		t.Fatalf("the document that was printed and read again: %v", err)
	}
	if got, want := bare(third), bare(second); got != want {
		t.Errorf("the document that was printed and read again: %s", firstDifference(got, want))
	}
}

// bare prints a plan without the origins.
func bare(p *plan.Plan) string {
	q := *p
	setup := *p.Programs.Setup
	setup.Origins = nil
	q.Programs.Setup = &setup
	if p.Programs.Payload != nil {
		payload := *p.Programs.Payload
		payload.Origins = nil
		q.Programs.Payload = &payload
	}
	q.Warnings = nil
	return plan.Format(&q)
}

func (g *golden) filter(text string) string {
	if g.only == nil {
		return text
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		if slices.ContainsFunc(g.only, func(part string) bool { return strings.Contains(line, part) }) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// differences returns the lines of two texts that differ. The plans of two architectures have the same lines in the same
// places; a text that has more of them differs from there on.
func differences(a, b string) string {
	var out strings.Builder
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range max(len(x), len(y)) {
		if i < len(x) && i < len(y) && x[i] == y[i] {
			continue
		}
		if i < len(x) {
			out.WriteString("- " + x[i] + "\n")
		}
		if i < len(y) {
			out.WriteString("+ " + y[i] + "\n")
		}
	}
	return out.String()
}

// firstDifference shows the first line in which two texts differ.
func firstDifference(got, want string) string {
	g, w := strings.Split(strings.TrimRight(got, "\n"), "\n"), strings.Split(strings.TrimRight(want, "\n"), "\n")
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

// TestManyMounts holds that a plan grows by the same ops for every mount, in the order asked, and is accepted.
func TestManyMounts(t *testing.T) {
	d := makeDesk(t, "")
	count := func(n int) (*plan.Plan, int) {
		var args []string
		for i := range n {
			args = append(args, "--ro-at", "/data", "/many/"+strconv.Itoa(i))
		}
		f := someFacts(t, "amd64")
		doc, err := d.document(append(args, "--", "true"), f)
		if err != nil {
			t.Fatal(err)
		}
		d.learn(t, doc, f)
		p, err := Compile(doc, f, nil)
		if err != nil {
			t.Fatal(err)
		}
		return p, len(p.Programs.Setup.Ops)
	}
	_, one := count(1)
	_, two := count(2)
	p, many := count(300)
	if each := two - one; each < 3 || many != one+299*each {
		t.Errorf("1, 2 and 300 mounts take %d, %d and %d ops", one, two, many)
	}
	next := 0
	for i := range p.Programs.Setup.Ops {
		if o := &p.Programs.Setup.Ops[i]; o.Call == launch.MoveMount && o.Subject == "/many/"+strconv.Itoa(next) {
			next++
		}
	}
	if next != 300 {
		t.Errorf("%d of 300 mounts are attached in order", next)
	}
}
