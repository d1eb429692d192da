package flags

import (
	cmdline "flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-0dbaba02/carrel/policy"
)

var update = cmdline.Bool("update", false, "write the manual pages anew")

func TestManIsFresh(t *testing.T) {
	for page, name := range map[string]string{"carrel": "carrel.1", "carrel.yaml": "carrel.yaml.5"} {
		name = filepath.Join("..", "..", "..", "docs", "man", name)
		if *update {
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, []byte(Man(page)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		have, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if string(have) != Man(page) {
			t.Errorf("%s is not what Man returns: run go test ./internal/frontend/flags -update", name)
		}
	}
}

func TestManIsTroff(t *testing.T) {
	groff, err := exec.LookPath("groff")
	if err != nil {
		t.Skip("not exercised: groff is not installed")
	}
	for _, page := range pages {
		cmd := exec.Command(groff, "-man", "-Tascii", "-ww", "-z")
		cmd.Stdin = strings.NewReader(Man(page))
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s", page, err, out)
		}
	}
}

func TestTextsNameEverything(t *testing.T) {
	help, man, file := Help("run"), Man("carrel"), Man("carrel.yaml")
	for i := range table {
		word := "--" + table[i].word
		if !strings.Contains(help, word) || !strings.Contains(man, strings.ReplaceAll(word, "-", `\-`)) {
			t.Errorf("%s is missing from help or manual", word)
		}
		for _, shell := range shells {
			want := word
			if shell == "fish" {
				want = "-l " + table[i].word + " "
			}
			if !strings.Contains(Completion(shell), want) {
				t.Errorf("%s is missing from the completion for %s", word, shell)
			}
		}
	}
	for _, k := range policy.Keys() {
		if !strings.Contains(file, strings.ReplaceAll(k.Word, "-", `\-`)) {
			t.Errorf("%s is missing from the manual of the file", k.Word)
		}
	}
	if len(presetHelp) != len(policy.Presets) {
		t.Errorf("%d presets, %d texts", len(policy.Presets), len(presetHelp))
	}
	for i := range commands {
		if h := Help(commands[i].word); !strings.HasPrefix(h, "usage: carrel "+commands[i].word) {
			t.Errorf("help %s: %q", commands[i].word, h)
		}
		if !strings.Contains(Help(""), "  "+commands[i].word+" ") {
			t.Errorf("help does not list %s", commands[i].word)
		}
	}
	for line := range strings.SplitSeq(help, "\n") {
		if len([]rune(line)) > 120 {
			t.Errorf("help has a line of %d columns: %s", len([]rune(line)), line)
		}
	}
}

// TestFlagsAndKeysAgree holds that a policy file and the command line know the same words.
func TestFlagsAndKeysAgree(t *testing.T) {
	spelt := map[string]string{"landlock": "no-landlock", "no-new-privs": "allow-new-privs", "extends": "preset"}
	for _, k := range policy.Keys() {
		word := k.Word
		if other := spelt[word]; other != "" {
			word = other
		}
		if word != "fs" && find(word, onRun) == nil {
			t.Errorf("the key %s has no flag", k.Word)
		}
	}
	for _, k := range policy.EntryKeys() {
		if find(k.Word, onRun) == nil {
			t.Errorf("the entry %s has no flag", k.Word)
		}
	}
}

func TestFileExampleIsValid(t *testing.T) {
	if _, err := policy.Parse([]byte(fileExample), "example.yaml"); err != nil {
		t.Error(err)
	}
}

func TestExamplesParse(t *testing.T) {
	for _, e := range examples {
		if _, err := Parse(strings.Fields(e.line)[1:]); err != nil {
			t.Errorf("%s: %v", e.line, err)
		}
	}
}

func TestCompletionSyntax(t *testing.T) {
	for _, shell := range shells {
		t.Run(shell, func(t *testing.T) {
			program, err := exec.LookPath(shell)
			if err != nil {
				t.Skip("not exercised: " + shell + " is not installed")
			}
			name := filepath.Join(t.TempDir(), "carrel")
			if err := os.WriteFile(name, []byte(Completion(shell)), 0o644); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command(program, "-n", name).CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	if Completion("tcsh") != "" {
		t.Error("a script for a shell that is not known")
	}
}

// TestBashCompletes runs the script and asks it.
func TestBashCompletes(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("not exercised: bash is not installed")
	}
	for line, want := range map[string]string{
		"carrel doc": "doctor", "carrel run --hostn": "--hostname", "carrel run --preset ju": "judge", "carrel run --ro /x --share tim": "time",
		"carrel completion fi": "fish", "carrel run --symlink a b --best": "--best-effort", "carrel run --ns ": "user",
	} {
		words := strings.Split(line, " ")
		script := Completion("bash") + "\nCOMP_WORDS=(" + strings.Join(words[:len(words)-1], " ") + " \"" + words[len(words)-1] + "\"); COMP_CWORD=$((${#COMP_WORDS[@]}-1)); _carrel; printf '%s\\n' \"${COMPREPLY[@]}\"\n"
		cmd := exec.Command(bash, "--norc", "-c", script)
		out, err := cmd.Output()
		if first, _, _ := strings.Cut(string(out), "\n"); err != nil || first != want {
			t.Errorf("%q: %q, %v, want %s", line, out, err, want)
		}
	}
}
