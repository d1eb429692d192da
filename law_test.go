package carrel_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-0dbaba02/carrel/internal/lawtest"
)

// These tests hold the laws of the repository. Each table below is the one
// place where its rule is written; an entry that stops being needed fails too.
// internal/lawtest feeds each check a violation and requires that it is caught.

const module = "github.com/seed-0dbaba02/carrel"

// lean is the command whose start-up time is a promise.
const lean = "./cmd/carrel"

var architectures = []string{"amd64", "arm64"}

// floors says on which floor each package lives. A package imports only
// packages on lower floors.
var floors = []lawtest.Floor{
	// Ground: names, numbers, where a value came from.
	{Package: "internal/linux", Number: 1},
	{Package: "internal/source", Number: 1},
	{Package: "internal/lawtest", Number: 1},
	// Subjects: one kernel subject or one kind of data each.
	{Package: "seccomp", Number: 2},
	{Package: "internal/landlock", Number: 2},
	{Package: "internal/host", Number: 2},
	{Package: "internal/launch", Number: 2},
	{Package: "internal/spec", Number: 2},
	{Package: "internal/terminal", Number: 2},
	{Package: "internal/terminal/ptytest", Number: 3},
	// Meaning: the policy file, the plan, the one package that clones.
	{Package: "policy", Number: 3},
	{Package: "internal/plan", Number: 3},
	{Package: "internal/forkexec", Number: 3},
	// Doing: inputs to spec, spec to plan, plan to a running program.
	{Package: "internal/frontend/...", Number: 4},
	{Package: "internal/compile", Number: 4},
	{Package: "internal/supervisor", Number: 4},
	// Library.
	// Commands: of the product, and of the work on it.
	{Package: "cmd/carrel", Number: 7},
	{Package: "bench/...", Number: 7},
	{Package: "scripts/...", Number: 7},
	{Package: "test/...", Number: 7},
	{Package: "seccomp/internal/...", Number: 7}, // write tables; nothing imports them
}

// strangers are groups whose members may not reach each other, not even
// through a third package.
var strangers = [][]string{
	{"internal/compile", "internal/supervisor"}, // all that they share is the plan
	{"internal/frontend/..."},                   // each is a face of its own; what two need is lower
}

// testOnly packages are imported by tests alone.
var testOnly = []string{"internal/lawtest", "internal/terminal/ptytest"}

// dependencies are the modules that this one may require.
var dependencies = []lawtest.Dependency{
	{Path: "github.com/opencontainers/runtime-spec", Linked: true, Reason: "the types of the one document every front-end ends in; data only, no code"},
	{Path: "go.yaml.in/yaml/v3", Linked: false, Reason: "tests only: the second opinion on what carrel's own, smaller YAML reader accepts; linking it adds about 0.25 ms to a start of 1.1 ms"},
	{Path: "github.com/santhosh-tekuri/jsonschema/v6", Linked: false, Reason: "tests only: checks that the committed JSON Schema and the policy reader agree"},
	{Path: "golang.org/x/sys", Linked: true, Reason: "system call numbers and structures that the standard library lacks"},
	{Path: "github.com/rogpeppe/go-internal", Linked: false, Reason: "testscript: command line tests that read like a session"},
}

// bans are what the lean binary may not link. Each would add start-up time or
// attack surface to every run; what needs them lives in another binary.
var bans = []lawtest.Ban{
	{Package: "net/http", Reason: "adds about 0.9 ms to every start"},
	{Package: "net/rpc", Reason: "pulls in net/http"},
	{Package: "net", Reason: "the resolver and its init work; a socket needs system calls only"},
	{Package: "crypto/tls", Reason: "hundreds of kilobytes and init work for a program with no network"},
	{Package: "expvar", Reason: "serves HTTP on import"},
	{Package: "html/template", Reason: "reflection-heavy and large; words go through one file by hand"},
	{Package: "text/template", Reason: "reflection-heavy and stops the linker from dropping methods"},
	{Package: "regexp", Reason: "with its tables it costs every start; patterns are matched by hand"},
	{Package: "log", Reason: "the program has results and errors, not a log"},
	{Package: "testing", Reason: "test code in the product; registers flags"},
	{Package: "plugin", Reason: "needs cgo and a dynamic loader"},
	{Package: "os/user", Reason: "reads the host's name service files; identities are numbers"},
	{Package: "google.golang.org/grpc", Reason: "adds about 1.8 ms to every start"},
	{Package: "google.golang.org/protobuf", Reason: "registers descriptors in init"},
	{Package: "github.com/spf13/cobra", Reason: "adds about 0.4 ms to every start; flags are parsed by hand"},
	{Package: "github.com/google/go-containerregistry", Reason: "images belong to another binary; links net/http"},
	{Package: "go.opentelemetry.io", Reason: "nothing is sent anywhere"},
	{Package: module + "/internal/lawtest", Reason: "for tests only"},
}

var limit = lawtest.Limit{FileLines: 500, FuncLines: 70, Params: 5}

// excuses are the places that may be larger, each with its reason. Keep it
// short: cutting by subject is nearly always possible.
var excuses = []lawtest.Excuse{}

// child holds the functions of internal/forkexec that run in the child between
// clone and execve, sharing the parent's memory, where the Go runtime is not.
var child = []string{"interp"}

// childMayCall is all that the child's functions call outside their package.
var childMayCall = []string{
	"syscall.RawSyscall",
	"syscall.RawSyscall6",
	"internal/runtime/syscall/linux.Syscall6", // what the two above are, once inlined
}

func TestFloors(t *testing.T) {
	var problems []string
	for _, arch := range architectures {
		packages := list(t, arch, "./...")
		problems = append(problems, lawtest.Floors(packages, module, floors)...)
		problems = append(problems, lawtest.Apart(packages, module, strangers...)...)
		problems = append(problems, lawtest.OnlyForTests(packages, module, testOnly)...)
	}
	report(t, problems)
}

func TestPackageDocs(t *testing.T)  { report(t, lawtest.PackageDocs(tree(t))) }
func TestExportedDocs(t *testing.T) { report(t, lawtest.ExportedDocs(tree(t))) }
func TestFileBudget(t *testing.T)   { report(t, lawtest.Budget(tree(t), limit, excuses)) }

func TestUnsafeOnlyInUnsafeFiles(t *testing.T) {
	report(t, lawtest.UnsafeFiles(tree(t), "internal/forkexec"))
}

func TestWords(t *testing.T) {
	report(t, lawtest.Words(tree(t), "util", "common", "helper", "manager", "types", "base", "misc"))
}

// TestNoInitWork holds init functions everywhere, and costly package variables
// in what the lean binary links.
func TestNoInitWork(t *testing.T) {
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	linked := make(map[string]bool)
	for _, arch := range architectures {
		for _, one := range list(t, arch, "-deps", lean) {
			if one.Module == nil || !one.Module.Main {
				continue
			}
			dir, err := filepath.Rel(root, one.Dir)
			if err != nil {
				t.Fatal(err)
			}
			linked[filepath.ToSlash(dir)] = true
		}
	}
	report(t, lawtest.InitFunctions(tree(t)))
	report(t, lawtest.InitVariables(tree(t), linked))
}

func TestDependencies(t *testing.T) {
	mod, err := lawtest.Go(".", architectures[0], "mod", "edit", "-json")
	if err != nil {
		t.Fatal(err)
	}
	problems, err := lawtest.Requirements(mod, dependencies)
	if err != nil {
		t.Fatal(err)
	}
	report(t, problems)
}

func TestLeanBinary(t *testing.T) {
	var problems []string
	for _, arch := range architectures {
		problems = append(problems, lawtest.Lean(list(t, arch, "-deps", lean), bans, dependencies)...)
	}
	report(t, problems)
}

// TestInterpreterCalls reads the machine code that will ship: whatever the
// source looks like, the child may only make system calls.
func TestInterpreterCalls(t *testing.T) {
	const forkexec = module + "/internal/forkexec"
	for _, arch := range architectures {
		t.Run(arch, func(t *testing.T) {
			binary := filepath.Join(t.TempDir(), "carrel")
			if _, err := lawtest.Go(".", arch, "build", "-trimpath", "-o", binary, lean); err != nil {
				t.Fatal(err)
			}
			text, err := lawtest.Go(".", arch, "tool", "objdump", "-s", "^"+regexp.QuoteMeta(forkexec)+`\.`, binary)
			if err != nil {
				t.Fatal(err)
			}
			routines, err := lawtest.ParseObjdump(text)
			if err != nil {
				t.Fatal(err)
			}
			report(t, lawtest.Calls(routines, forkexec, child, childMayCall))
		})
	}
}

func tree(t *testing.T) []*lawtest.File {
	t.Helper()
	files, err := lawtest.ParseTree(".")
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func list(t *testing.T, arch string, arguments ...string) []lawtest.Package {
	t.Helper()
	packages, err := lawtest.List(".", arch, arguments...)
	if err != nil {
		t.Fatal(err)
	}
	if len(packages) == 0 {
		t.Fatalf("go list %s: no package found", strings.Join(arguments, " "))
	}
	return packages
}

func report(t *testing.T, problems []string) {
	t.Helper()
	slices.Sort(problems)
	for _, problem := range slices.Compact(problems) { // both architectures say most of it
		t.Error(problem)
	}
}
