package lawtest

import (
	"fmt"
	"go/ast"
	"sort"
)

// A Limit is the largest size of a file (lines), of a function (lines from
// "func" to its closing brace) and of a parameter list (parameters).
type Limit struct {
	FileLines, FuncLines, Params int
}

// An Excuse lifts the limits for one file ("internal/x/y.go") or one function
// ("internal/x/y.go:Name"). The reason is for the reader and may not be empty.
type Excuse struct {
	What   string
	Reason string
}

// Budget reports each file and function over its limit that has no excuse,
// and each excuse that excuses nothing. Test files and generated files are not
// measured.
func Budget(files []*File, limit Limit, excuses []Excuse) []string {
	used := make(map[string]bool, len(excuses))
	for _, excuse := range excuses {
		used[excuse.What] = false
	}
	var problems []string
	over := func(what, problem string) {
		if _, excused := used[what]; excused {
			used[what] = true
			return
		}
		problems = append(problems, problem)
	}
	for _, file := range files {
		if file.Test || file.Generated {
			continue
		}
		if file.Lines > limit.FileLines {
			over(file.Path, fmt.Sprintf("%s: %d lines, more than %d: cut it by subject", file.Path, file.Lines, limit.FileLines))
		}
		for _, decl := range file.Syntax.Decls {
			if function, ok := decl.(*ast.FuncDecl); ok && function.Body != nil {
				measure(file, function, limit, over)
			}
		}
	}
	for _, excuse := range excuses {
		if !used[excuse.What] {
			problems = append(problems, fmt.Sprintf("excuse for %s: nothing there is over a limit any more: remove the entry", excuse.What))
		}
		if excuse.Reason == "" {
			problems = append(problems, fmt.Sprintf("excuse for %s: has no reason", excuse.What))
		}
	}
	sort.Strings(problems)
	return problems
}

func measure(file *File, function *ast.FuncDecl, limit Limit, over func(what, problem string)) {
	what := file.Path + ":" + function.Name.Name
	first, last := file.set.Position(function.Pos()).Line, file.set.Position(function.End()).Line
	if lines := last - first + 1; lines > limit.FuncLines {
		over(what, fmt.Sprintf("%s: %s has %d lines, more than %d", file.at(function.Pos()), function.Name.Name, lines, limit.FuncLines))
	}
	if params := function.Type.Params.NumFields(); params > limit.Params {
		over(what, fmt.Sprintf("%s: %s has %d parameters, more than %d: pass a struct", file.at(function.Pos()), function.Name.Name, params, limit.Params))
	}
}
