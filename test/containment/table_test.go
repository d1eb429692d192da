package containment

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// stage lists the rows that the tests must cover.
const stage = "A1 A2 A3 A4 A6 A7 A9 A11 A12 A13 A14 A16 A17 B1 B2 B3 B4 B6 B7 B8 B9 B11 B12 B13 B14 " +
	"C1 C2 C3 C4 C6 C7 C8 C9 C11 C12 C13 C14 C16 C17 C18 C19 C21 C22 C23 C24 D1 D2 D3 D4 D6 D8 R1 R3"

// A row is one line of the table in docs/CONTAINMENT.md.
type row struct{ id, attack, tests, layers, control, needs string }

func rows(t *testing.T) (list []row) {
	t.Helper()
	text, err := os.ReadFile("../../docs/CONTAINMENT.md")
	if err != nil {
		unexercised(t, "the documents are not beside the tests: "+err.Error())
	}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 8 || !rowID.MatchString(strings.TrimSpace(cells[1])) {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		list = append(list, row{cells[1], cells[2], cells[3], cells[4], cells[5], cells[6]})
	}
	return list
}

var (
	rowID    = regexp.MustCompile(`^[A-DR][0-9]+$`)
	testName = regexp.MustCompile(`^Test([A-DR][0-9]+)[A-Z]`)
)

// sources lists the tests of this package, and of each whether it has a
// control and whether it, or a part of it, can end unexercised.
func sources(t *testing.T) (controlled, conditional map[string]bool) {
	t.Helper()
	controlled, conditional = map[string]bool{}, map[string]bool{}
	files, err := filepath.Glob("*_test.go")
	if err != nil || len(files) == 0 {
		unexercised(t, "the sources are not beside the tests")
	}
	for _, file := range files {
		syntax, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		must(t, err)
		for _, d := range syntax.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || !testName.MatchString(f.Name.Name) {
				continue
			}
			controlled[f.Name.Name] = false
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.Ident:
					if n.Name == "control" || n.Name == "reaches" || n.Name == "unreached" {
						controlled[f.Name.Name] = true
					}
					if n.Name == "unexercised" {
						conditional[f.Name.Name] = true
					}
				case *ast.BasicLit:
					if strings.HasPrefix(n.Value, `"not exercised:`) {
						conditional[f.Name.Name] = true
					}
					if strings.HasPrefix(n.Value, `"control:`) {
						controlled[f.Name.Name] = true
					}
				}
				return true
			})
		}
	}
	return controlled, conditional
}

func TestTableIsTrue(t *testing.T) {
	controlled, conditional := sources(t)
	told := map[string]bool{}
	var ids []string
	for _, r := range rows(t) {
		ids = append(ids, r.id)
		needs := false
		for name := range strings.SplitSeq(r.tests, ", ") {
			told[name] = true
			if _, ok := controlled[name]; !ok {
				t.Errorf("%s: there is no test %s", r.id, name)
				continue
			}
			if m := testName.FindStringSubmatch(name); m == nil || m[1] != r.id {
				t.Errorf("%s: %s is of another row", r.id, name)
			}
			needs = needs || conditional[name]
		}
		if needs != (r.needs != "-") {
			t.Errorf("%s: the table says that the control needs %q, and the test can end unexercised: %v", r.id, r.needs, needs)
		}
		if len(strings.Split(r.layers, ";")) < 2 && !strings.Contains(r.layers, "One layer") && !strings.Contains(r.layers, " and ") {
			t.Errorf("%s: fewer than two layers, and it does not say so: %s", r.id, r.layers)
		}
		if r.attack == "" || r.control == "" {
			t.Errorf("%s: an empty cell", r.id)
		}
	}
	for name, has := range controlled {
		if !told[name] {
			t.Errorf("%s is not in the table", name)
		}
		if !has {
			t.Errorf("%s has no control", name)
		}
	}
	slices.Sort(ids)
	want := strings.Fields(stage)
	slices.Sort(want)
	if !slices.Equal(ids, want) {
		t.Errorf("rows of the table: %v\nrows of this stage: %v", ids, want)
	}
}
