package policy

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// FuzzPolicyParse holds four promises: no input crashes the reader, what it takes means the same to another YAML library, what
// Parse takes the schema takes too, and it survives Format.
func FuzzPolicyParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatalf("testdata: %d files, %v", len(files), err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	rules := schema(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		top, err := read(data, "p.yaml")
		if err != nil {
			return
		}
		var doc yaml.Node
		if err := yaml.Unmarshal(data, &doc); err != nil {
			t.Fatalf("another library refuses it: %v\n%q", err, data)
		}
		if len(doc.Content) > 0 && (len(top.keys) > 0 || doc.Content[0].ShortTag() != "!!null") {
			same(t, top, doc.Content[0])
		} else if len(top.keys) > 0 {
			t.Fatalf("another library finds nothing in %q", data)
		}
		p, err := Parse(data, "p.yaml")
		if err != nil {
			return
		}
		v, err := asJSON(data)
		if err != nil {
			t.Fatal(err)
		}
		if err := rules.Validate(v); err != nil && !oddCase(p, data) {
			t.Fatalf("the schema refuses %q: %v", data, err)
		}
		text := Format(p)
		again, err := Parse(text, "p.yaml")
		if err != nil {
			t.Fatalf("%v in what Format made of %q:\n%s", err, data, text)
		}
		p.Rlimits, again.Rlimits = nil, nil // a mapping may name a limit in any order
		if !reflect.DeepEqual(bare(p), bare(again)) && !emptyLists(p) {
			t.Fatalf("%q\n%+v comes back as\n%+v", data, bare(p), bare(again))
		}
	})
}

// oddCase reports whether a capability may be spelt in a mixture of cases, which Parse takes and the schema does not list.
func oddCase(p *Policy, data []byte) bool {
	for _, c := range p.CapAdd {
		if !bytes.Contains(data, []byte(c)) && !bytes.Contains(data, []byte("CAP_"+strings.ToUpper(c))) {
			return true
		}
	}
	return false
}

// emptyLists reports whether a list was written but empty: Format leaves it out.
func emptyLists(p *Policy) bool {
	v := reflect.ValueOf(*p)
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Slice && f.Len() == 0 && !f.IsNil() {
			return true
		}
	}
	return false
}

func same(t *testing.T, n *node, y *yaml.Node) {
	t.Helper()
	tag := y.ShortTag()
	switch n.kind {
	case nodeMap:
		if y.Kind != yaml.MappingNode || len(y.Content) != 2*len(n.keys) {
			t.Fatalf("line %d: a mapping of %d keys is %v with %d", n.line, len(n.keys), y.Kind, len(y.Content))
		}
		for i := range n.keys {
			same(t, &n.keys[i], y.Content[2*i])
			same(t, &n.list[i], y.Content[2*i+1])
		}
		return
	case nodeList:
		if y.Kind != yaml.SequenceNode || len(y.Content) != len(n.list) {
			t.Fatalf("line %d: a list of %d is %v with %d", n.line, len(n.list), y.Kind, len(y.Content))
		}
		for i := range n.list {
			same(t, &n.list[i], y.Content[i])
		}
		return
	}
	want := [...]string{nodeText: "!!str", nodeInt: "!!int", nodeBool: "!!bool"}[n.kind]
	if y.Kind != yaml.ScalarNode || y.Value != n.text || tag != want {
		t.Fatalf("line %d: %q (%s) is %q (%s)", n.line, n.text, want, y.Value, tag)
	}
	if y.Line != n.line {
		t.Fatalf("%q: line %d is line %d", n.text, n.line, y.Line)
	}
}
