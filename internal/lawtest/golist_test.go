package lawtest

import "testing"

const testModule = "example.org/m"

func pkg(name string, imports ...string) Package {
	full := func(name string) string {
		if name == "." {
			return testModule
		}
		return testModule + "/" + name
	}
	one := Package{ImportPath: full(name), GoFiles: []string{"x.go"}, Imports: []string{"fmt"}}
	for _, imported := range imports {
		one.Imports = append(one.Imports, full(imported))
	}
	return one
}

func TestFloorsAreHeld(t *testing.T) {
	table := []Floor{{".", 3}, {"low", 1}, {"mid/...", 2}, {"mid/special", 1}}
	caught(t, Floors([]Package{pkg(".", "mid/a", "low"), pkg("low"), pkg("mid/a", "low", "mid/special"), pkg("mid/special")}, testModule, table))
	caught(t, Floors([]Package{pkg("."), pkg("low", "mid/a"), pkg("mid/a", "mid/b"), pkg("mid/b"), pkg("mid/special"), pkg("new")}, testModule, table),
		"low (floor 1) imports mid/a (floor 2)", "mid/a (floor 2) imports mid/b (floor 2)", "new: on no floor")
	caught(t, Floors([]Package{pkg("."), pkg("low"), pkg("mid/a")}, testModule, table), `no package answers to "mid/special"`)
	outside := Package{ImportPath: testModule + "/low", GoFiles: []string{"x.go"}, Imports: []string{testModule + "ore/x"}}
	caught(t, Floors([]Package{outside}, testModule, []Floor{{"low", 1}}))
}

func TestStrangersAreHeld(t *testing.T) {
	group := []string{"front/...", "compile"}
	caught(t, Apart([]Package{pkg("front/a", "low"), pkg("front/b", "low"), pkg("low"), pkg("compile")}, testModule, group))
	caught(t, Apart([]Package{pkg("front/a", "low"), pkg("low", "compile"), pkg("compile")}, testModule, group), "front/a reaches compile")
	caught(t, Apart([]Package{pkg("front/a", "front/b"), pkg("front/b", "low"), pkg("low", "front/b")}, testModule, group), "front/a reaches front/b")
}

func TestTestOnlyPackagesAreHeld(t *testing.T) {
	only := []string{"law/...", "law"}
	caught(t, OnlyForTests([]Package{pkg("law/x", "law"), pkg("law"), pkg("a", "b")}, testModule, only))
	caught(t, OnlyForTests([]Package{pkg("a", "law")}, testModule, only), "a imports law, which is for tests only")
}

func TestRequirementsAreHeld(t *testing.T) {
	table := []Dependency{{"example.org/yes", true, "needed"}}
	for _, row := range []struct {
		mod  string
		want []string
	}{
		{`{"Require":[{"Path":"example.org/yes"},{"Path":"example.org/deep","Indirect":true}]}`, nil},
		{`{"Require":[{"Path":"example.org/yes"},{"Path":"example.org/no"}]}`, []string{"example.org/no: required"}},
		{`{"Require":[{"Path":"example.org/yes","Indirect":true}]}`, []string{"not a direct requirement"}},
		{`{"Require":[{"Path":"example.org/yes"}],"Replace":[{"Old":{"Path":"example.org/x"}}]}`, []string{"replaced"}},
	} {
		problems, err := Requirements([]byte(row.mod), table)
		if err != nil {
			t.Fatal(err)
		}
		caught(t, problems, row.want...)
	}
	if problems, _ := Requirements([]byte(`{"Require":[{"Path":"a"}]}`), []Dependency{{Path: "a"}}); len(problems) != 1 {
		t.Errorf("a row without a reason: got %q", problems)
	}
	if _, err := Requirements([]byte("module x"), table); err == nil {
		t.Error("what is not JSON must be an error")
	}
}

func TestLeanIsHeld(t *testing.T) {
	table := []Dependency{{"example.org/in", true, "x"}, {"example.org/test", false, "x"}}
	bans := []Ban{{"net/http", "slow"}, {"net", "large"}}
	of := func(path, module string) Package { return Package{ImportPath: path, Module: &Module{Path: module}} }
	caught(t, Lean([]Package{pkg("a"), {ImportPath: "network", Standard: true}, of("example.org/in/x", "example.org/in")}, bans, table))
	caught(t, Lean([]Package{{ImportPath: "net/http/internal"}, {ImportPath: "net/url"}, {ImportPath: "x", Imports: []string{"net/url"}}}, bans, table),
		"net/http/internal: slow", "net/url: large (imported by x)")
	caught(t, Lean([]Package{of("example.org/test", "example.org/test"), of("example.org/who/y", "example.org/who")}, bans, table),
		"module example.org/test may not be linked", "module example.org/who may not be linked")
}

func TestListNamesWhatIsMissing(t *testing.T) {
	if _, err := List(".", "amd64", "./no-such-package"); err == nil {
		t.Error("a package that does not exist must be an error")
	}
	packages, err := List(".", "arm64", ".")
	if err != nil {
		t.Fatal(err)
	}
	if len(packages) != 1 || packages[0].Name != "lawtest" || len(packages[0].GoFiles) == 0 || !packages[0].Module.Main {
		t.Errorf("got %+v", packages)
	}
}
