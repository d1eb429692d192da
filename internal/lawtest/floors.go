package lawtest

import (
	"fmt"
	"sort"
	"strings"
)

// A Floor is one row of the table of floors. Package is relative to the
// module: "." is the root, and "x/..." stands for every package below x.
type Floor struct {
	Package string
	Number  int
}

// Floors reports each package of the module that has no row, each import that
// does not go to a lower floor, and each row that no package answers to.
// Imports from outside the module are not its matter.
func Floors(packages []Package, module string, table []Floor) []string {
	used := make([]bool, len(table))
	floorOf := func(importPath string) (int, bool) {
		row := rowOf(relative(importPath, module), table)
		if row < 0 {
			return 0, false
		}
		used[row] = true
		return table[row].Number, true
	}
	var problems []string
	for _, one := range packages {
		if len(one.GoFiles) == 0 {
			continue
		}
		own, known := floorOf(one.ImportPath)
		if !known {
			problems = append(problems, fmt.Sprintf("%s: on no floor: give it a row in the table of floors", relative(one.ImportPath, module)))
			continue
		}
		for _, imported := range one.Imports {
			if !within(imported, module) {
				continue
			}
			if floor, known := floorOf(imported); known && floor >= own {
				problems = append(problems, fmt.Sprintf("%s (floor %d) imports %s (floor %d): imports go only to lower floors",
					relative(one.ImportPath, module), own, relative(imported, module), floor))
			}
		}
	}
	for row, seen := range used {
		if !seen {
			problems = append(problems, fmt.Sprintf("floor table: no package answers to %q", table[row].Package))
		}
	}
	sort.Strings(problems)
	return problems
}

// Apart reports each import, direct or through others, of one package of a
// group by another of the same group. A group is written as in the table.
func Apart(packages []Package, module string, groups ...[]string) []string {
	imports := make(map[string][]string, len(packages))
	for _, one := range packages {
		imports[one.ImportPath] = one.Imports
	}
	var problems []string
	for _, group := range groups {
		var members []string
		for importPath := range imports {
			if inGroup(relative(importPath, module), group) {
				members = append(members, importPath)
			}
		}
		for _, from := range members {
			for _, to := range members {
				if from != to && reaches(imports, from, to, make(map[string]bool)) {
					problems = append(problems, fmt.Sprintf("%s reaches %s: they may not know each other",
						relative(from, module), relative(to, module)))
				}
			}
		}
	}
	sort.Strings(problems)
	return problems
}

// OnlyForTests reports each package that imports, in files that are not tests,
// a package meant for tests only.
func OnlyForTests(packages []Package, module string, only []string) []string {
	var problems []string
	for _, one := range packages {
		for _, imported := range one.Imports {
			if within(imported, module) && inGroup(relative(imported, module), only) && !inGroup(relative(one.ImportPath, module), only) {
				problems = append(problems, fmt.Sprintf("%s imports %s, which is for tests only",
					relative(one.ImportPath, module), relative(imported, module)))
			}
		}
	}
	return problems
}

func reaches(imports map[string][]string, from, to string, seen map[string]bool) bool {
	for _, next := range imports[from] {
		if next == to {
			return true
		}
		if !seen[next] {
			seen[next] = true
			if reaches(imports, next, to, seen) {
				return true
			}
		}
	}
	return false
}

// rowOf prefers the row with the package's own name to one that ends in "...".
func rowOf(name string, table []Floor) int {
	found := -1
	for row, entry := range table {
		if entry.Package == name {
			return row
		}
		if matches(name, entry.Package) {
			found = row
		}
	}
	return found
}

func inGroup(name string, group []string) bool {
	for _, pattern := range group {
		if matches(name, pattern) {
			return true
		}
	}
	return false
}

func matches(name, pattern string) bool {
	if parent, ok := strings.CutSuffix(pattern, "/..."); ok {
		return strings.HasPrefix(name, parent+"/")
	}
	return name == pattern
}

func within(importPath, module string) bool {
	return importPath == module || strings.HasPrefix(importPath, module+"/")
}

func relative(importPath, module string) string {
	if importPath == module {
		return "."
	}
	return strings.TrimPrefix(importPath, module+"/")
}
