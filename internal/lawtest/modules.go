package lawtest

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"
)

// A Dependency is one module that this module may require. Linked says whether
// the lean binary may contain it; one that only tests need is not linked.
type Dependency struct {
	Path   string
	Linked bool
	Reason string
}

// Requirements reports each direct requirement that the table does not allow
// and each row that is not required (any more). The input is what
// "go mod edit -json" prints.
func Requirements(modJSON []byte, table []Dependency) ([]string, error) {
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
		Replace []struct{ Old struct{ Path string } }
	}
	if err := json.Unmarshal(modJSON, &mod); err != nil {
		return nil, fmt.Errorf("read go.mod: %w", err)
	}
	allowed := make(map[string]bool, len(table))
	var problems []string
	for _, row := range table {
		allowed[row.Path] = false
		if row.Reason == "" {
			problems = append(problems, row.Path+": allowed without a reason")
		}
	}
	for _, require := range mod.Require {
		if require.Indirect {
			continue
		}
		if _, ok := allowed[require.Path]; !ok {
			problems = append(problems, require.Path+": required but not in the table of dependencies")
			continue
		}
		allowed[require.Path] = true
	}
	for _, replace := range mod.Replace {
		problems = append(problems, replace.Old.Path+": replaced: users of the library would not get the same code")
	}
	for name, required := range allowed {
		if !required {
			problems = append(problems, name+": in the table of dependencies but not a direct requirement of go.mod (go mod tidy?)")
		}
	}
	sort.Strings(problems)
	return problems, nil
}

// A Ban names a package, with all below it, that a binary may not link.
type Ban struct {
	Package string
	Reason  string
}

// Lean reports each package of the list (from "go list -deps") that is banned,
// and each that comes from a module not marked Linked.
func Lean(deps []Package, bans []Ban, table []Dependency) []string {
	linked := make(map[string]bool, len(table))
	for _, row := range table {
		linked[row.Path] = row.Linked
	}
	var problems []string
	for _, one := range deps {
		for _, ban := range bans {
			if one.ImportPath == ban.Package || strings.HasPrefix(one.ImportPath, ban.Package+"/") {
				problems = append(problems, fmt.Sprintf("links %s: %s (imported by %s)", one.ImportPath, ban.Reason, importerOf(one.ImportPath, deps)))
				break // the first ban that fits names the reason
			}
		}
		if one.Module != nil && !one.Module.Main && !linked[one.Module.Path] {
			problems = append(problems, fmt.Sprintf("links %s: module %s may not be linked (imported by %s)", one.ImportPath, one.Module.Path, importerOf(one.ImportPath, deps)))
		}
	}
	return problems
}

func importerOf(importPath string, deps []Package) string {
	for _, one := range deps {
		for _, imported := range one.Imports {
			if imported == importPath {
				return one.ImportPath
			}
		}
	}
	return "nothing listed"
}
