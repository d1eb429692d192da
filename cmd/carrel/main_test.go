package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/seed-0dbaba02/carrel/internal/host"
)

// TestMain makes this test binary the command that the scripts run: under the name carrel it is carrel.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"carrel": main})
}

// TestScript runs testdata/script: sessions with the command, as root and as an ordinary user alike unless a script says
// what it needs. Standard input is no terminal there.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setUpScript,
		Condition:           scriptCondition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":   cmdExits,
			"json":    cmdJSON,
			"receipt": cmdReceipt,
		},
	})
}

// setUpScript gives a script the ids that a program sees: INSIDE by default, CALLER when it keeps the caller's.
func setUpScript(env *testscript.Env) error {
	caller := strconv.Itoa(os.Getuid())
	env.Setenv("CALLER", caller)
	env.Setenv("INSIDE", caller)
	env.Setenv("USER", "somebody")
	env.Setenv("LANG", "C.UTF-8")
	env.Setenv("SHELL", "/bin/sh")
	return nil
}

// scriptCondition knows root (the caller is the root of the host), ordinary, symbolic links to /usr and what the kernel has.
func scriptCondition(name string) (bool, error) {
	switch name {
	case "root":
		return os.Getuid() == 0, nil
	case "merged-usr":
		link, err := os.Readlink("/bin")
		return err == nil && link == "usr/bin", nil
	case "landlock":
		f, err := host.Probe()
		return err == nil && f.LandlockABI > 0, err
	case "subids":
		f, err := host.Probe()
		if err != nil {
			return false, err
		}
		err = host.SubIDs(f)
		return err == nil && len(f.SubUIDs) > 0 && len(f.SubGIDs) > 0 && f.NewUIDMap != "" && f.NewGIDMap != "", err
	}
	return false, errors.New("unknown condition " + name)
}

// cmdExits is "exits N program arg...": the program must end with exactly this code.
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		code = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

// cmdJSON is "json FILE [KEY...]": the file, or stdout, holds one JSON value, an object with these keys.
func cmdJSON(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: json FILE [KEY...]")
	}
	var object map[string]json.RawMessage
	decode(ts, ts.ReadFile(args[0]), &object)
	for _, key := range args[1:] {
		if _, ok := object[key]; !ok {
			ts.Fatalf("no key %q in %s", key, args[0])
		}
	}
}

func decode(ts *testscript.TestScript, text string, into any) {
	d := json.NewDecoder(strings.NewReader(text))
	if err := d.Decode(into); err != nil {
		ts.Fatalf("decode: %v\n%s", err, text)
	}
	if rest, _ := io.ReadAll(io.MultiReader(d.Buffered())); len(bytes.TrimSpace(rest)) > 0 {
		ts.Fatalf("more than one JSON value: %q", rest)
	}
}

// cmdReceipt is "receipt FILE": a receipt of preset strict in JSON, with every layer, each asked for, enforced by something
// and shown by the kernel, and what /proc must show for the layers that have a number.
func cmdReceipt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: receipt FILE")
	}
	var r receipt
	decode(ts, ts.ReadFile(args[0]), &r)
	if r.PID <= 0 || r.Program == "" {
		ts.Fatalf("a receipt without a process: %+v", r)
	}
	shown := make(map[string]string)
	for _, l := range r.Layers {
		if l.Name == "" || l.Asked == "" || l.How == "" || l.Shows == "" {
			ts.Fatalf("an incomplete layer: %+v", l)
		}
		if strings.Contains(l.Shows, "not readable") || strings.Contains(l.Shows, "not shown") || strings.HasPrefix(l.Shows, "no mount point") {
			ts.Fatalf("the kernel shows nothing of a layer: %+v", l)
		}
		shown[l.Name] = l.Shows
	}
	for name, want := range map[string]string{
		"seccomp": "Seccomp 2,", "no_new_privs": "NoNewPrivs 1", "capabilities": "CapEff 0000000000000000",
		"namespace.user": "user:[", "namespace.mount": "mnt:[", "namespace.pid": "pid:[", "namespace.net": "net:[",
		"namespace.ipc": "ipc:[", "namespace.uts": "uts:[", "namespace.cgroup": "cgroup:[", "namespace.time": "time:[",
		"ids": "uid_map " + ts.Getenv("INSIDE"), "limit.nofile": "Max open files", "limit.core": "Max core file size 0",
		"descriptors": "open after the exec: 0 1 2", "mount /usr": "mounted ro", "mount /etc": "mounted ro", "root": "mounted ro",
	} {
		if !strings.Contains(shown[name], want) {
			ts.Fatalf("layer %s shows %q, want %q", name, shown[name], want)
		}
		if strings.HasPrefix(name, "namespace.") && !strings.Contains(shown[name], "the caller's is") {
			ts.Fatalf("layer %s is the caller's own: %q", name, shown[name])
		}
	}
}
