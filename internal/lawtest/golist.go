package lawtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// A Package is what the laws need of one entry of "go list -json".
type Package struct {
	ImportPath string
	Name       string
	Dir        string
	Standard   bool
	Module     *Module
	Imports    []string // of the files that are built, not of the tests
	GoFiles    []string
	Error      *struct{ Err string }
}

// A Module names the module of a package; Main marks our own.
type Module struct {
	Path string
	Main bool
}

// List runs "go list" in the folder for linux on the given architecture, with
// cgo off. Extra arguments (such as "-deps") come before the patterns. A
// package that cannot be found or parsed is an error that names it.
func List(dir, arch string, arguments ...string) ([]Package, error) {
	const fields = "-json=ImportPath,Name,Dir,Standard,Module,Imports,GoFiles,Error"
	out, err := Go(dir, arch, append([]string{"list", "-e", fields}, arguments...)...)
	if err != nil {
		return nil, err
	}
	var packages []Package
	decoder := json.NewDecoder(bytes.NewReader(out))
	for {
		var one Package
		if err := decoder.Decode(&one); errors.Is(err, io.EOF) {
			return packages, nil
		} else if err != nil {
			return nil, fmt.Errorf("read the answer of go list: %w", err)
		}
		if one.Error != nil {
			return nil, fmt.Errorf("go list %s: %s", one.ImportPath, strings.TrimSpace(one.Error.Err))
		}
		packages = append(packages, one)
	}
}

// Go runs the go command in the folder for linux on the given architecture,
// with cgo off, and returns what it wrote to standard output. The error holds
// what it wrote to standard error.
func Go(dir, arch string, arguments ...string) ([]byte, error) {
	command := exec.Command("go", arguments...)
	command.Dir = dir
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s for %s: %w\n%s", strings.Join(arguments, " "), arch, err, stderr.Bytes())
	}
	return out, nil
}
