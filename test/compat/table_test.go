package compat

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// tableTest is the one test of this package that is no row.
const tableTest = "TestTableAndTestsAgree"

func TestTableAndTestsAgree(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "COMPATIBILITY.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows, tests := tableRows(string(page)), testFunctions(t)
	if len(rows) < 12 {
		t.Errorf("only %d rows: %v", len(rows), rows)
	}
	for _, name := range rows {
		if !slices.Contains(tests, name) {
			t.Errorf("the table names %s, and there is no such test", name)
		}
	}
	for _, name := range tests {
		if !slices.Contains(rows, name) {
			t.Errorf("%s is not in the table", name)
		}
	}
	if len(rows) != len(slices.Compact(slices.Sorted(slices.Values(rows)))) {
		t.Error("a test is in two rows")
	}
}

// tableRows returns the last column of the rows that end in the name of a test. Each other column must say something, but for
// the version.
func tableRows(page string) []string {
	var names []string
	for line := range strings.Lines(page) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if name := strings.TrimSpace(cells[len(cells)-1]); len(cells) == 6 && strings.HasPrefix(name, "Test") {
			names = append(names, name)
		}
	}
	return names
}

func testFunctions(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		syntax, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range syntax.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") && f.Name.Name != "TestMain" && f.Name.Name != tableTest {
				names = append(names, f.Name.Name)
			}
		}
	}
	return names
}
