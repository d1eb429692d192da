// Command gendefault compiles profiles/default.json of package seccomp and
// writes the filters that the package embeds. It refuses a profile that has
// warnings.
package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/seed-0dbaba02/carrel/seccomp"
)

func main() {
	log.SetFlags(0)
	dir := "."
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	if err := run(filepath.Join(dir, "profiles")); err != nil {
		log.Fatal(err)
	}
}

func run(dir string) error {
	data, err := os.ReadFile(filepath.Join(dir, "default.json"))
	if err != nil {
		return err
	}
	p, warnings, err := seccomp.Parse(data)
	if err != nil {
		return err
	}
	if len(warnings) > 0 {
		return fmt.Errorf("default.json: %v", warnings)
	}
	for _, arch := range []string{"amd64", "arm64"} {
		f, err := seccomp.Compile(p, seccomp.Target{Arch: arch})
		if err != nil {
			return err
		}
		path := filepath.Join(dir, "default_"+arch+".bpf")
		if err := os.WriteFile(path, f.Bytes(), 0o644); err != nil {
			return err
		}
		fmt.Printf("%s: %d instructions\n", path, f.Len())
	}
	return nil
}
