package main

import (
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/seed-0dbaba02/carrel/internal/compile"
	"github.com/seed-0dbaba02/carrel/internal/frontend/flags"
	"github.com/seed-0dbaba02/carrel/internal/frontend/view"
	"github.com/seed-0dbaba02/carrel/internal/host"
	"github.com/seed-0dbaba02/carrel/internal/launch"
	"github.com/seed-0dbaba02/carrel/internal/plan"
	"github.com/seed-0dbaba02/carrel/internal/source"
	"github.com/seed-0dbaba02/carrel/internal/spec"
	"github.com/seed-0dbaba02/carrel/internal/supervisor"
	"github.com/seed-0dbaba02/carrel/policy"
	"github.com/seed-0dbaba02/carrel/seccomp"
)

// Memory for the one plan that this process makes, so that its start touches little heap.
var (
	setupOps   [192]launch.Op
	payloadOps [128]launch.Op
	setupData  [12 << 10]byte
	payData    [12 << 10]byte
	setupFrom  [32]source.Origin
	payFrom    [16]source.Origin
	paths      [64]host.Path
)

// document turns a command line into a document and the facts that it was made with.
func document(c *flags.Command) (*spec.Doc, *host.Facts, error) {
	f, err := host.Probe()
	if err != nil {
		return nil, nil, err
	}
	f.Paths = paths[:0]
	p := c.Policy
	if c.PolicyFile != "" {
		file, err := policy.Load(c.PolicyFile)
		if err != nil {
			return nil, nil, err
		}
		p = policy.Merge(file, p)
	}
	if p.Subids != nil && *p.Subids {
		if err := host.SubIDs(f); err != nil {
			return nil, nil, err
		}
	}
	cwd, err := unix.Getwd()
	if err != nil {
		return nil, nil, &source.Error{Text: "find the working directory: " + err.Error()}
	}
	env := view.Env{Cwd: cwd, Environ: syscall.Environ(), Facts: f, Args: c.Args, Profile: readProfile}
	d, warnings, err := view.Document(p, env, func(root, name string) host.Path { return *look(f, root, name) })
	if err != nil {
		return nil, nil, err
	}
	warn(warnings)
	d.Ext.Gate = c.Receipt != ""
	for _, w := range compile.Wants(d) {
		found := look(f, w.Root, w.Name)
		if w.Names && found.To == host.Directory {
			names, err := host.List(w.Root, w.Name)
			if err != nil {
				return nil, nil, &source.Error{Text: "list " + w.Name + ": " + err.Error()}
			}
			found.Names = names
			for _, name := range names {
				look(f, w.Root, strings.TrimSuffix(w.Name, "/")+"/"+name)
			}
		}
	}
	return d, f, nil
}

// look remembers what was found, so that the compiler decides by the same answers as the front-end.
func look(f *host.Facts, root, name string) *host.Path {
	if p := f.Find(root, name); p != nil {
		return p
	}
	f.Paths = append(f.Paths, host.Look(root, name))
	return &f.Paths[len(f.Paths)-1]
}

// compiled is a command line turned into a plan.
func compiled(c *flags.Command) (*plan.Plan, error) {
	d, f, err := document(c)
	if err != nil {
		return nil, err
	}
	return compile.Compile(d, f, &compile.Room{
		Setup: setupOps[:], Payload: payloadOps[:],
		Data:    [2][]byte{setupData[:], payData[:]},
		Origins: [2][]source.Origin{setupFrom[:], payFrom[:]},
	})
}

// run starts the program and returns its exit code. Where nothing needs to be supervised the process becomes a waiter of two
// pages instead of returning.
func run(c *flags.Command) int {
	p, err := compiled(c)
	if err != nil {
		return fail(exitPolicy, err)
	}
	warn(p.Warnings)
	o := &supervisor.Options{Raw: true}
	if c.Receipt != "" {
		out, err := openReceipt(c.Receipt)
		if err != nil {
			return fail(exitPolicy, err)
		}
		o.Look = func(pid int) error { return writeReceipt(c, p, out, pid) }
	}
	s, err := supervisor.Start(p, o)
	if err != nil {
		return fail(exitSetup, err)
	}
	if p.PTY.Want {
		return relay(s, p)
	}
	_ = s.Become() // an optimization: without it this process waits itself, and passes signals on as the waiter would
	signals := make(chan os.Signal, 16)
	signal.Notify(signals)
	go forward(s, signals)
	ws, err := s.Wait()
	if err != nil {
		return fail(exitInternal, err)
	}
	return exitStatus(ws)
}

// forward passes signals to the sandbox until this process ends.
func forward(s *supervisor.Sandbox, signals <-chan os.Signal) {
	for sig := range signals {
		n, ok := sig.(syscall.Signal)
		if !ok || n == syscall.SIGCHLD || n == syscall.SIGURG { // the runtime's own
			continue
		}
		_ = s.Signal(n) // it may just have ended
		if n == syscall.SIGTSTP {
			_ = syscall.Kill(syscall.Getpid(), syscall.SIGSTOP)
		}
	}
}

// relay connects the program's terminal with ours.
func relay(s *supervisor.Sandbox, p *plan.Plan) int {
	in, out := -1, -1
	if p.PTY.Stdio[0] {
		in = 0
	}
	for fd := 2; fd > 0; fd-- {
		if p.PTY.Stdio[fd] {
			out = fd
		}
	}
	if out < 0 {
		out = in
	}
	ws, err := s.Relay(in, out)
	if err != nil {
		return fail(exitInternal, err)
	}
	return exitStatus(ws)
}

// readProfile reads a seccomp profile in the form of container engines or of the runtime-spec.
func readProfile(path string) (*specs.LinuxSeccomp, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	p, warnings, err := seccomp.Parse(text)
	if err != nil {
		return nil, &source.Error{Text: path + ": " + err.Error()}
	}
	for _, w := range warnings {
		say("note: " + path + ": " + w.String())
	}
	return seccomp.ToOCI(p, seccomp.Target{Arch: runtime.GOARCH})
}
