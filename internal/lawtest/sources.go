package lawtest

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// A File is one Go source file of the tree, parsed with its comments.
type File struct {
	Path      string // slash-separated, relative to the root of the tree
	Lines     int
	Test      bool // the name ends in _test.go
	Generated bool // carries the "Code generated ... DO NOT EDIT." line
	Ignored   bool // carries "//go:build ignore": run by hand, part of no package
	Syntax    *ast.File
	set       *token.FileSet
}

// Parse reads one file from memory. The path decides what the file counts as;
// nothing is read from disk.
func Parse(name string, src []byte) (*File, error) {
	set := token.NewFileSet()
	syntax, err := parser.ParseFile(set, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("parse %s: %w", name, err)
	}
	lines := bytes.Count(src, []byte{'\n'})
	if len(src) > 0 && src[len(src)-1] != '\n' {
		lines++
	}
	return &File{
		Path:      name,
		Lines:     lines,
		Test:      strings.HasSuffix(name, "_test.go"),
		Generated: ast.IsGenerated(syntax),
		Ignored:   hasLineBeforePackage(syntax, "//go:build ignore"),
		Syntax:    syntax,
		set:       set,
	}, nil
}

// ParseTree reads every Go file below root whatever its build tags, so that a
// file for another architecture is held to the same laws. Folders that the go
// command ignores (testdata, vendor, names beginning with "." or "_") are not
// entered.
func ParseTree(root string) ([]*File, error) {
	var files []*File
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := entry.Name()
		if entry.IsDir() {
			if name != root && (base == "testdata" || base == "vendor" || base[0] == '.' || base[0] == '_') {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(base, ".go") || base[0] == '.' || base[0] == '_' {
			return nil
		}
		src, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		file, err := Parse(filepath.ToSlash(relative), src)
		if err != nil {
			return err
		}
		files = append(files, file)
		return nil
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("read tree %s: no Go file found", root)
	}
	return files, err
}

// dir returns the folder of the file, "." for the root.
func (f *File) dir() string { return path.Dir(f.Path) }

// at returns "path:line" of a position in the file.
func (f *File) at(pos token.Pos) string {
	return fmt.Sprintf("%s:%d", f.Path, f.set.Position(pos).Line)
}

// imports says whether the file imports the package of that path.
func (f *File) imports(name string) bool {
	for _, spec := range f.Syntax.Imports {
		if spec.Path.Value == `"`+name+`"` {
			return true
		}
	}
	return false
}

func hasLineBeforePackage(syntax *ast.File, line string) bool {
	for _, group := range syntax.Comments {
		if group.Pos() >= syntax.Package {
			return false
		}
		for _, comment := range group.List {
			if comment.Text == line {
				return true
			}
		}
	}
	return false
}
