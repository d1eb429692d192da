package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// stage is the scratch folder with all that was built for the measurement, and
// what is known about it.
type stage struct {
	*options
	repo  string            // the root of carrel's module
	tools map[string]string // a program's name to its path; missing when it is not there
	Notes []string          // what is not measured, and why
}

func (s *stage) path(name string) string { return filepath.Join(s.scratch, name) }

func (s *stage) note(format string, a ...any) {
	s.Notes = append(s.Notes, fmt.Sprintf("not measured: "+format, a...))
}

// newStage makes the scratch folder, builds carrel, the empty program, the C
// limit and the harness, and looks for the peers.
func newStage(o *options) (_ *stage, err error) {
	s := &stage{options: o, tools: map[string]string{}}
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return nil, fmt.Errorf("find the root of the module: %w", err)
	}
	s.repo = strings.TrimSpace(string(out))
	if s.scratch, err = os.MkdirTemp("", "carrel-bench-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.remove()
		}
	}()
	// The ordinary user and the sandboxes' own ids must get through.
	if err = os.Chmod(s.scratch, 0o755); err != nil {
		return nil, err
	}
	for _, d := range []string{"work", "home", "rootfs"} {
		if err = os.Mkdir(s.path(d), 0o755); err != nil {
			return nil, err
		}
	}
	if err = os.Chown(s.path("home"), o.uid, o.gid); err != nil {
		return nil, err
	}
	if s.filter == "" {
		s.filter = filepath.Join(s.repo, "seccomp", "profiles", "default_"+runtime.GOARCH+".bpf")
	}
	text, err := os.ReadFile(s.filter)
	if err != nil {
		return nil, fmt.Errorf("read the seccomp filter: %w", err)
	}
	// A copy, because the ordinary user may not reach the original.
	if err = os.WriteFile(s.path("filter"), text, 0o644); err != nil {
		return nil, err
	}
	if err = s.buildC(); err != nil {
		return nil, err
	}
	if err = s.buildGo("empty", "./bench/empty"); err != nil {
		return nil, err
	}
	if o.carrel != "" {
		s.tools["carrel"] = o.carrel
	} else if err := s.buildGo("carrel", "./cmd/carrel"); err != nil {
		s.note("carrel: %v", err)
	}
	for _, name := range []string{"bwrap", "unshare", "crun", "runc"} {
		if p, err := exec.LookPath(name); err == nil {
			s.tools[name] = p
		} else {
			s.note("%s: not installed", name)
		}
	}
	return s, s.bundles()
}

func (s *stage) remove() {
	s.removeCgroups()
	if err := os.RemoveAll(s.scratch); err != nil {
		fmt.Fprintln(os.Stderr, "startup:", err)
	}
}

// command runs a build step and puts the end of what it said into the error.
func (s *stage) command(env []string, argv ...string) error {
	c := exec.CommandContext(s.ctx, argv[0], argv[1:]...)
	c.Dir = s.repo
	c.Env = append(os.Environ(), env...)
	if out, err := c.CombinedOutput(); err != nil {
		lines := strings.Split(string(bytes.TrimSpace(out)), "\n")
		return fmt.Errorf("%s: %w: %s", argv[0], err, strings.Join(lines[:min(len(lines), 3)], "; "))
	}
	return nil
}

// buildGo builds with the flags of the Makefile.
func (s *stage) buildGo(name, pkg string) error {
	err := s.command([]string{"CGO_ENABLED=0"}, "go", "build", "-trimpath", "-o", s.path(name), pkg)
	if err == nil {
		s.tools[name] = s.path(name)
	}
	return err
}

func (s *stage) buildC() error {
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "gcc"
	}
	steps := [][]string{
		{"-Os", "-nostdlib", "-ffreestanding", "-fno-stack-protector", "-Wl,--build-id=none", "-Wl,-z,noseparate-code",
			"-o", s.path("reaper"), "bench/climit/reaper.c"},
		{"-O2", "-DREAPER=\"" + s.path("reaper") + "\"", "-DFILTER=\"" + s.path("filter") + "\"",
			"-o", s.path("climit"), "bench/climit/climit.c"},
		{"-O2", "-o", s.path("ab"), "bench/ab/ab.c"},
	}
	for _, a := range steps {
		if err := s.command(nil, append([]string{cc, "-static"}, a...)...); err != nil {
			return fmt.Errorf("build %s: %w", a[len(a)-1], err)
		}
	}
	s.tools["climit"], s.tools["ab"] = s.path("climit"), s.path("ab")
	return nil
}
