package main

import (
	"os"
	"os/exec"
	"path/filepath"
)

// programs are what tests start besides their own binary. Tests find them in
// the directory that CARREL_TEST_BIN names, and build them where it is not set.
var programs = [...]struct{ name, source string }{
	{"carrel", "./cmd/carrel"},
	{"probe", "./test/containment/probe"},
}

// buildPrograms builds them into a directory, for a leg that has no Go.
func buildPrograms(orphans *orphans, dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	for _, one := range programs {
		build := exec.Command("go", "build", "-o", filepath.Join(dir, one.name), one.source)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if _, err := orphans.output(build); err != nil {
			return err
		}
	}
	return nil
}
