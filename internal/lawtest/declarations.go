package lawtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"sort"
	"strings"
)

// PackageDocs reports each package that has no package comment, or more than
// one, or one that does not begin with "Package name " (for a command also
// "Command folder ").
func PackageDocs(files []*File) []string {
	docs := make(map[string][]*File)
	for _, file := range files {
		if file.Test || file.Ignored {
			continue
		}
		found := docs[file.dir()]
		if file.Syntax.Doc != nil {
			found = append(found, file)
		}
		docs[file.dir()] = found
	}
	var problems []string
	for dir, found := range docs {
		switch len(found) {
		case 0:
			problems = append(problems, dir+": the package has no package comment: write doc.go")
		case 1:
			if !docBeginsWell(found[0]) {
				problems = append(problems, fmt.Sprintf("%s: the package comment must begin with \"Package %s \"",
					found[0].at(found[0].Syntax.Doc.Pos()), found[0].Syntax.Name.Name))
			}
		default:
			for _, file := range found[1:] {
				problems = append(problems, fmt.Sprintf("%s: a second package comment (the first is in %s)",
					file.at(file.Syntax.Doc.Pos()), found[0].Path))
			}
		}
	}
	sort.Strings(problems)
	return problems
}

func docBeginsWell(file *File) bool {
	text, name := file.Syntax.Doc.Text(), file.Syntax.Name.Name
	if strings.HasPrefix(text, "Package "+name+" ") {
		return true
	}
	return name == "main" && strings.HasPrefix(text, "Command "+path.Base(file.dir())+" ")
}

// ExportedDocs reports each exported function, method on an exported type,
// type, constant and variable without a comment. A comment on a group of
// constants or variables covers the group. Commands and tests export nothing.
func ExportedDocs(files []*File) []string {
	var problems []string
	for _, file := range files {
		if file.Test || file.Generated || file.Ignored || file.Syntax.Name.Name == "main" {
			continue
		}
		for _, decl := range file.Syntax.Decls {
			for _, name := range undocumented(decl) {
				problems = append(problems, fmt.Sprintf("%s: exported %s has no comment", file.at(name.Pos()), name.Name))
			}
		}
	}
	return problems
}

func undocumented(decl ast.Decl) []*ast.Ident {
	if function, ok := decl.(*ast.FuncDecl); ok {
		if function.Doc == nil && function.Name.IsExported() && receiverIsExported(function) {
			return []*ast.Ident{function.Name}
		}
		return nil
	}
	group, ok := decl.(*ast.GenDecl)
	if !ok {
		return nil
	}
	var names []*ast.Ident
	for _, spec := range group.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if spec.Name.IsExported() && spec.Doc == nil && (group.Doc == nil || len(group.Specs) > 1) && spec.Comment == nil {
				names = append(names, spec.Name)
			}
		case *ast.ValueSpec:
			if group.Doc != nil || spec.Doc != nil || spec.Comment != nil {
				continue
			}
			for _, name := range spec.Names {
				if name.IsExported() {
					names = append(names, name)
				}
			}
		}
	}
	return names
}

func receiverIsExported(function *ast.FuncDecl) bool {
	if function.Recv == nil || len(function.Recv.List) == 0 {
		return true
	}
	kind := function.Recv.List[0].Type
	for {
		switch inner := kind.(type) {
		case *ast.StarExpr:
			kind = inner.X
		case *ast.IndexExpr:
			kind = inner.X
		case *ast.IndexListExpr:
			kind = inner.X
		case *ast.Ident:
			return inner.IsExported()
		default:
			return false
		}
	}
}

// UnsafeFiles reports each file that imports unsafe though its name does not
// end in _unsafe.go (before any _GOOS or _GOARCH) and its folder is not one of
// the given ones, and each use of cgo or go:linkname anywhere. Test files may
// import unsafe.
func UnsafeFiles(files []*File, dirs ...string) []string {
	var problems []string
	for _, file := range files {
		if file.imports("C") {
			problems = append(problems, file.Path+": imports \"C\": the program is built without cgo")
		}
		for _, group := range file.Syntax.Comments {
			for _, comment := range group.List {
				if strings.HasPrefix(comment.Text, "//go:linkname ") {
					problems = append(problems, file.at(comment.Pos())+": go:linkname ties the program to one Go release")
				}
			}
		}
		if file.Test || !file.imports("unsafe") || contains(dirs, file.dir()) || isUnsafeName(file.Path) {
			continue
		}
		problems = append(problems, file.Path+": imports unsafe: move that part into a file named *_unsafe.go")
	}
	return problems
}

func isUnsafeName(name string) bool {
	name = strings.TrimSuffix(path.Base(name), ".go")
	for _, suffix := range []string{"_amd64", "_arm64", "_linux"} {
		name = strings.TrimSuffix(name, suffix)
	}
	return strings.HasSuffix(name, "_unsafe")
}

func contains(list []string, item string) bool {
	for _, have := range list {
		if have == item {
			return true
		}
	}
	return false
}

// InitFunctions reports each init function with statements, outside tests.
func InitFunctions(files []*File) []string {
	var problems []string
	for _, file := range files {
		if file.Test || file.Ignored {
			continue
		}
		for _, decl := range file.Syntax.Decls {
			function, ok := decl.(*ast.FuncDecl)
			if ok && function.Recv == nil && function.Name.Name == "init" && function.Body != nil && len(function.Body.List) > 0 {
				problems = append(problems, file.at(function.Pos())+": init does work: do it where it is needed")
			}
		}
	}
	return problems
}

// InitVariables reports, in the given folders, each package variable whose
// value is built before main: maps, makes, compiled patterns.
func InitVariables(files []*File, dirs map[string]bool) []string {
	var problems []string
	for _, file := range files {
		if file.Test || file.Ignored || !dirs[file.dir()] {
			continue
		}
		for _, decl := range file.Syntax.Decls {
			if group, ok := decl.(*ast.GenDecl); ok {
				problems = append(problems, variablesBuiltAtStart(file, group)...)
			}
		}
	}
	return problems
}

func variablesBuiltAtStart(file *File, group *ast.GenDecl) []string {
	if group.Tok != token.VAR {
		return nil
	}
	var problems []string
	for _, spec := range group.Specs {
		for _, value := range spec.(*ast.ValueSpec).Values {
			ast.Inspect(value, func(node ast.Node) bool {
				switch node := node.(type) {
				case *ast.FuncLit:
					return false
				case *ast.CompositeLit:
					if _, isMap := node.Type.(*ast.MapType); isMap {
						problems = append(problems, file.at(node.Pos())+": a package-level map is built at every start: use a sorted array or a switch")
						return false
					}
				case *ast.CallExpr:
					if why := costlyCall(node); why != "" {
						problems = append(problems, file.at(node.Pos())+": "+why)
					}
				}
				return true
			})
		}
	}
	return problems
}

func costlyCall(call *ast.CallExpr) string {
	switch function := call.Fun.(type) {
	case *ast.Ident:
		if function.Name == "make" {
			return "a package-level make runs at every start: make it where it is needed"
		}
	case *ast.SelectorExpr:
		if pkg, ok := function.X.(*ast.Ident); ok && (pkg.Name == "regexp" || pkg.Name == "template") {
			return "a package-level " + pkg.Name + " is compiled at every start: parse by hand"
		}
	}
	return ""
}

// Words reports each file and folder whose name contains one of the words, in
// the singular or the plural, as a whole part between "_", "-" and ".".
func Words(files []*File, words ...string) []string {
	var problems []string
	seen := make(map[string]bool)
	for _, file := range files {
		for _, part := range strings.Split(file.Path, "/") {
			for _, word := range strings.FieldsFunc(part, func(r rune) bool { return r == '_' || r == '-' || r == '.' }) {
				if seen[file.Path] || !contains(words, word) && !contains(words, strings.TrimSuffix(word, "s")) {
					continue
				}
				seen[file.Path] = true
				problems = append(problems, fmt.Sprintf("%s: %q says nothing: name the noun", file.Path, word))
			}
		}
	}
	return problems
}
