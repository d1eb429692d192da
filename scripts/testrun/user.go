package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// lawFile holds tests about the source tree. They need the Go tool chain and
// say nothing about privileges, so the second leg leaves them out.
const (
	lawFile    = "law_test.go"
	lawPackage = "/internal/lawtest"
)

// userLeg runs the tests again as an ordinary user: test binaries built here,
// in a copy of the tree, since the tree itself may be closed to the account.
func userLeg(tally *tally, orphans *orphans, account string, patterns []string) error {
	who, err := user.Lookup(account)
	if err != nil {
		return fmt.Errorf("look up %s: %w (scripts/test-deps.sh creates the account)", account, err)
	}
	scratch, err := openScratch(orphans, who)
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	if err := copyTree(filepath.Join(scratch, "tree"), "."); err != nil {
		return err
	}
	if err := buildPrograms(orphans, filepath.Join(scratch, "programs")); err != nil {
		return err
	}
	laws, err := testNames(lawFile)
	if err != nil {
		return err
	}
	packages, err := testPackages(orphans, patterns)
	if err != nil {
		return err
	}
	tally.begin(account)
	for _, one := range packages {
		binary := filepath.Join(scratch, "bin", strings.ReplaceAll(one.dir, "/", "-")+".test")
		if _, err := orphans.output(exec.Command("go", "test", "-c", "-o", binary, one.path)); err != nil {
			tally.broken("build the tests of "+one.path, err)
			continue
		}
		command := exec.Command("go", "tool", "test2json", "-t", "-p", one.path)
		command.Args = append(command.Args, asUser(who)...)
		// test2json ignores the terminal's signals, and what is ignored stays so over every exec.
		command.Args = append(command.Args, "env", "--default-signal=INT,QUIT")
		command.Args = append(command.Args, binary, "-test.v=test2json", "-test.timeout="+packageLimit.String())
		if one.dir == "." {
			command.Args = append(command.Args, "-test.skip=^("+strings.Join(laws, "|")+")$")
		}
		command.Dir = filepath.Join(scratch, "tree", one.dir)
		command.Env = environment(scratch, who)
		follow(tally, orphans, command)
	}
	tally.leftBehind(orphans.end())
	return nil
}

// asUser is the command prefix that becomes the account with its groups and no
// capabilities. It leaves no_new_privs off: newuidmap(1) is set-user-ID.
func asUser(who *user.User) []string {
	return []string{"setpriv", "--reuid", who.Uid, "--regid", who.Gid, "--init-groups", "--inh-caps=-all", "--"}
}

func environment(scratch string, who *user.User) []string {
	env := []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=" + filepath.Join(scratch, "home"), "TMPDIR=" + filepath.Join(scratch, "tmp"),
		"USER=" + who.Username, "LOGNAME=" + who.Username, "LANG=C.UTF-8",
	}
	for _, pair := range os.Environ() {
		if strings.HasPrefix(pair, "CARREL_") || strings.HasPrefix(pair, "CI=") {
			env = append(env, pair)
		}
	}
	return append(env, "CARREL_TEST_BIN="+filepath.Join(scratch, "programs"))
}

// openScratch makes a directory that the account can reach, with a home and a
// place for temporary files of its own. TMPDIR may be closed to it.
func openScratch(orphans *orphans, who *user.User) (string, error) {
	uid, err := strconv.Atoi(who.Uid)
	if err != nil {
		return "", fmt.Errorf("account %s: user id: %w", who.Username, err)
	}
	gid, err := strconv.Atoi(who.Gid)
	if err != nil {
		return "", fmt.Errorf("account %s: group id: %w", who.Username, err)
	}
	var reasons []error
	for _, parent := range []string{os.TempDir(), "/tmp", "/var/tmp"} {
		scratch, err := os.MkdirTemp(parent, "carrel-testrun-")
		if err != nil {
			reasons = append(reasons, err)
			continue
		}
		for _, name := range []string{"bin", "tree", "home", "tmp"} {
			err = errors.Join(err, os.Mkdir(filepath.Join(scratch, name), 0o755))
		}
		err = errors.Join(err, os.Chmod(scratch, 0o755),
			os.Chown(filepath.Join(scratch, "home"), uid, gid), os.Chown(filepath.Join(scratch, "tmp"), uid, gid))
		if err == nil {
			probe := append(asUser(who), "test", "-w", filepath.Join(scratch, "tmp"))
			if _, err = orphans.output(exec.Command(probe[0], probe[1:]...)); err == nil {
				return scratch, nil
			}
		}
		reasons = append(reasons, fmt.Errorf("use %s as %s: %w", scratch, who.Username, err), os.RemoveAll(scratch))
	}
	return "", errors.Join(reasons...)
}

// copyTree copies the files that tests may read, readable to everybody.
// Links are copied as links, so that no link takes the copy out of the tree.
func copyTree(to, from string) error {
	return filepath.WalkDir(from, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(to, name)
		switch {
		case entry.IsDir() && entry.Name() == ".git":
			return filepath.SkipDir
		case entry.IsDir():
			return os.MkdirAll(target, 0o755)
		case entry.Type() == fs.ModeSymlink:
			link, err := os.Readlink(name)
			if err != nil {
				return err
			}
			return os.Symlink(link, target)
		case !entry.Type().IsRegular():
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(target, content, 0o644|info.Mode()&0o111)
	})
}

// testNames returns the names of the tests in a file, for a pattern.
func testNames(file string) ([]string, error) {
	syntax, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, decl := range syntax.Decls {
		if function, ok := decl.(*ast.FuncDecl); ok && strings.HasPrefix(function.Name.Name, "Test") {
			names = append(names, regexp.QuoteMeta(function.Name.Name))
		}
	}
	return names, nil
}

type testPackage struct{ path, dir string }

// testPackages lists the packages that have tests for the second leg.
func testPackages(orphans *orphans, patterns []string) ([]testPackage, error) {
	root, err := filepath.Abs(".")
	if err != nil {
		return nil, err
	}
	command := exec.Command("go", append([]string{"list", "-f",
		"{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}\t{{.Dir}}{{end}}"}, patterns...)...)
	out, err := orphans.output(command)
	if err != nil {
		return nil, err
	}
	var packages []testPackage
	for line := range strings.Lines(string(out)) {
		path, dir, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if !ok || strings.HasSuffix(path, lawPackage) {
			continue
		}
		if dir, err = filepath.Rel(root, dir); err != nil {
			return nil, err
		}
		packages = append(packages, testPackage{path: path, dir: filepath.ToSlash(dir)})
	}
	return packages, nil
}
