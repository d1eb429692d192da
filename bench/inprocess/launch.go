package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/seed-0dbaba02/carrel/internal/compile"
	"github.com/seed-0dbaba02/carrel/internal/frontend/flags"
	"github.com/seed-0dbaba02/carrel/internal/frontend/view"
	"github.com/seed-0dbaba02/carrel/internal/host"
	"github.com/seed-0dbaba02/carrel/internal/spec"
	"github.com/seed-0dbaba02/carrel/internal/supervisor"
)

// launcher runs a payload once, on the calling thread, and returns its wait status and how long the call that started it took.
type launcher func() (syscall.WaitStatus, time.Duration, error)

// sandbox is a document with the facts that it was made with, both reused by all launches.
type sandbox struct {
	doc   *spec.Doc
	facts *host.Facts
}

// newSandbox makes the document of carrel run with these words.
func newSandbox(words ...string) (*sandbox, error) {
	c, err := flags.Parse(append([]string{"run"}, words...))
	if err != nil {
		return nil, err
	}
	f, err := host.Probe()
	if err != nil {
		return nil, err
	}
	cwd, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	look := func(root, name string) host.Path {
		if p := f.Find(root, name); p != nil {
			return *p
		}
		f.Paths = append(f.Paths, host.Look(root, name))
		return f.Paths[len(f.Paths)-1]
	}
	env := view.Env{Cwd: cwd, Environ: os.Environ(), Facts: f, Args: c.Args,
		Profile: func(path string) (*specs.LinuxSeccomp, error) {
			return nil, fmt.Errorf("read the seccomp profile %s: this benchmark uses the built-in one", path)
		}}
	d, warnings, err := view.Document(c.Policy, env, look)
	if err != nil {
		return nil, err
	}
	if len(warnings) > 0 {
		return nil, errors.New("make the document: " + warnings[0].Text)
	}
	for _, w := range compile.Wants(d) {
		look(w.Root, w.Name)
	}
	return &sandbox{d, f}, nil
}

// launch compiles the document and starts it. Its time is that of the start alone.
func (s *sandbox) launch() (syscall.WaitStatus, time.Duration, error) {
	p, err := compile.Compile(s.doc, s.facts, nil)
	if err != nil {
		return 0, 0, err
	}
	t := time.Now()
	b, err := supervisor.Start(p, &supervisor.Options{})
	took := time.Since(t)
	if err != nil {
		return 0, 0, err
	}
	ws, err := b.Wait()
	return ws, took, err
}

// program launches a command with fork and exec. With a filter, the command finds that file open as filterFD.
func program(filter string, argv ...string) launcher {
	return func() (syscall.WaitStatus, time.Duration, error) {
		attr := &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, 1, 2}}
		if filter != "" {
			fd, err := syscall.Open(filter, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
			if err != nil {
				return 0, 0, fmt.Errorf("open the seccomp filter: %w", err)
			}
			defer syscall.Close(fd)
			for len(attr.Files) < filterFD {
				attr.Files = append(attr.Files, ^uintptr(0))
			}
			attr.Files = append(attr.Files, uintptr(fd))
		}
		t := time.Now()
		pid, err := syscall.ForkExec(argv[0], argv, attr)
		took := time.Since(t)
		if err != nil {
			return 0, 0, fmt.Errorf("run %s: %w", argv[0], err)
		}
		var ws syscall.WaitStatus
		for {
			if _, err = syscall.Wait4(pid, &ws, 0, nil); err != syscall.EINTR {
				return ws, took, err
			}
		}
	}
}

// filterFD is where bwrap finds the seccomp filter.
const filterFD = 9

// The rows.
const (
	rowCarrel = "carrel, in process"
	rowBwrap  = "bwrap"
	rowPlain  = "fork + exec, no sandbox"
)

// row is one way to launch.
type row struct {
	name   string
	launch launcher
}

// probeStatus is what the probe ends with when it sees what it should. /bin/true cannot end so by chance.
const probeStatus = 7

// probe compares the payload's network namespace with the host's, which is its argument, and looks for a filter.
const probe = `[ "$(readlink /proc/self/ns/net)" != "$0" ] && grep -q "^Seccomp:.2$" /proc/self/status && exit 7; exit 8`

// newRows prepares the rows that can be measured here, and checks that each runs its payload in what it says.
func newRows(o *options, r *report) ([]row, error) {
	net, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		return nil, err
	}
	look := []string{"/bin/sh", "-c", probe, net}
	truth, err := newSandbox("--", "/bin/true")
	if err != nil {
		return nil, err
	}
	seen, err := newSandbox(append([]string{"--"}, look...)...)
	if err != nil {
		return nil, err
	}
	rows := []row{{rowCarrel, truth.launch}}
	checks := []launcher{seen.launch}
	if path, err := exec.LookPath("bwrap"); err == nil {
		filter := filepath.Join(o.dir, "filter")
		a := append([]string{path}, bwrapFlags(filepath.Join(o.dir, "home"), filepath.Join(o.dir, "work"), filterFD)...)
		a = a[:len(a):len(a)]
		rows = append(rows, row{rowBwrap, program(filter, append(a, "/bin/true")...)})
		checks = append(checks, program(filter, append(a, look...)...))
	} else {
		r.note("bwrap: not installed")
	}
	rows = append(rows, row{rowPlain, program("", "/bin/true")})
	checks = append(checks, program("", "/bin/sh", "-c", `exit 7`))
	for i, check := range checks {
		if err := once(check, probeStatus); err != nil {
			return nil, fmt.Errorf("check %s: %w", rows[i].name, err)
		}
	}
	return rows, nil
}

// once launches and insists on an exit status.
func once(l launcher, want int) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ws, _, err := l()
	if err != nil {
		return err
	}
	return ended(ws, want)
}

func ended(ws syscall.WaitStatus, want int) error {
	if !ws.Exited() || ws.ExitStatus() != want {
		return errors.New("the payload ended with wait status " + strconv.Itoa(int(ws)) + ", not with exit status " + strconv.Itoa(want))
	}
	return nil
}
