package flags

import (
	"reflect"
	"strings"
	"testing"

	"github.com/seed-0dbaba02/carrel/policy"
)

func TestTableIsInOrder(t *testing.T) {
	for i := range table {
		f := &table[i]
		if int(f.id) != i {
			t.Errorf("--%s: id %d in row %d", f.word, f.id, i)
		}
		if f.n == 0 != (f.args == "") || int(f.n) != len(strings.Fields(f.args)) {
			t.Errorf("--%s takes %d words but shows %q", f.word, f.n, f.args)
		}
		if strings.HasSuffix(f.help, ".") || f.help == "" {
			t.Errorf("--%s: help %q", f.word, f.help)
		}
	}
}

// TestEveryFlagIsStored gives each flag a good value and wants something to change: a flag that set forgets is seen.
func TestEveryFlagIsStored(t *testing.T) {
	good := [len(table)]string{
		idPreset: "dev", idPolicy: "f", idShare: "net", idNS: "pid", idJoin: "net=1", idHostname: "h", idDomainname: "d", idBoottime: "1", idMonotonic: "1",
		idUID: "1", idGID: "1", idRootRange: "1:1", idRO: "/a", idRW: "/a", idROAt: "/a", idRWAt: "/a", idTmpfs: "/a", idDev: "/a", idSymlink: "/a",
		idDir: "/a", idFile: "/a=b", idFileAt: "/a", idHide: "/a", idProc: "/a", idSys: "/a", idRootfs: "/a", idWorkdir: "/a", idCapAdd: "chown",
		idSeccomp: "none", idLimit: "core=0", idFD: "3", idEnv: "A=b", idPassEnv: "A", idTTY: "never", idReceipt: "-",
	}
	plain, err := Parse([]string{"run", "x"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range table {
		args := []string{"run", "--" + table[i].word}
		for range table[i].n {
			args = append(args, good[i])
		}
		got, err := Parse(append(args, "x"))
		if err != nil {
			t.Errorf("%q: %v", args, err)
			continue
		}
		got.Policy.From = nil
		if reflect.DeepEqual(got, plain) {
			t.Errorf("%q changes nothing", args)
		}
	}
}

func TestParse(t *testing.T) {
	c, err := Parse([]string{"run", "--ro", "/a:b,c\n", "--rw-at", "/h", "/i", "--tmpfs=64MiB", "/s", "--tmpfs", "/t", "--symlink", "usr/bin", "/bin", "--file", "/f=a=b",
		"--file-at", "/x=y", "z", "--hide", "/\xff", "--share=net,ipc", "--join", "uts,pid=12", "--limit", "nofile=1:2,core=0", "--env", "A=", "--env=B=c=d",
		"--subids=false", "--no-landlock", "--receipt", "-", "--json", "--", "--prog", "--flag"})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(c.Args, "|"), "--prog|--flag"; got != want {
		t.Errorf("args %q, want %q", got, want)
	}
	var got []string
	for _, e := range c.Policy.FS {
		got = append(got, string(e.Kind)+" "+e.Path+" "+e.Source+" "+e.Data)
	}
	want := []string{"ro /a:b,c\n  ", "rw /i /h ", "tmpfs /s  ", "tmpfs /t  ", "symlink /bin usr/bin ", "file /f  a=b", "file /x=y  z", "hide /\xff  "}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("fs %q\nwant %q", got, want)
	}
	p := c.Policy
	if p.FS[2].Size != 64<<20 || p.FS[3].Size != 0 || p.FS[0].From.String() != "--ro" || p.FS[1].From.String() != "--rw-at" {
		t.Errorf("fs %+v", p.FS)
	}
	if !reflect.DeepEqual(p.Share, []string{"net", "ipc"}) || len(p.Join) != 2 || p.Join[1].NS != "pid" || p.Join[1].PID != 12 {
		t.Errorf("share %v, join %v", p.Share, p.Join)
	}
	if len(p.Rlimits) != 2 || p.Rlimits[0].Hard != 2 || !reflect.DeepEqual(p.Env, []policy.Var{{Name: "A"}, {Name: "B", Value: "c=d"}}) {
		t.Errorf("limits %v, env %v", p.Rlimits, p.Env)
	}
	if p.Subids == nil || *p.Subids || p.Landlock == nil || *p.Landlock || c.Receipt != "-" || !c.JSON {
		t.Errorf("%+v", c)
	}
	if o := p.From.Of("landlock").String(); o != "--no-landlock" {
		t.Errorf("landlock comes from %q", o)
	}
}

func TestProgramEndsFlags(t *testing.T) {
	for _, args := range [][]string{{"run", "ls", "--ro", "/x"}, {"run", "--", "ls", "--ro", "/x"}, {"run", "--best-effort", "ls", "--ro", "/x"}} {
		c, err := Parse(args)
		if err != nil || strings.Join(c.Args, " ") != "ls --ro /x" || len(c.Policy.FS) > 0 {
			t.Errorf("%q: %+v, %v", args, c, err)
		}
	}
	c, err := Parse([]string{"run", "-", "x"})
	if err != nil || c.Args[0] != "-" {
		t.Errorf("a program named -: %+v, %v", c, err)
	}
}

func TestCommands(t *testing.T) {
	for line, want := range map[string]string{
		"": "help/", "help": "help/", "help run": "help/run", "--help": "help/", "-h": "help/", "--version": "version/", "version": "version/", "run --help": "help/run",
		"run -h --ro /x": "help/run", "doctor --json": "doctor/", "completion zsh": "completion/zsh", "completion --help": "help/completion", "man": "man/", "man carrel.yaml": "man/carrel.yaml",
	} {
		c, err := Parse(strings.Fields(line))
		if err != nil {
			t.Errorf("%q: %v", line, err)
			continue
		}
		if got := c.Name + "/" + c.Topic; got != want || c.Policy == nil {
			t.Errorf("%q: %s, want %s", line, got, want)
		}
	}
}

func TestErrors(t *testing.T) {
	for line, want := range map[string]string{
		"rum":                              `unknown command "rum"; nearest is run`,
		"frobnicate":                       `unknown command "frobnicate"; carrel help lists the commands`,
		"--ro /x run":                      "want a command before --ro; for instance carrel run --ro …",
		"run":                              "run: no program is named; for instance carrel run -- ls -l",
		"run --":                           "run: no program is named; for instance carrel run -- ls -l",
		"run --hostnam x true":             "unknown flag --hostnam; nearest is --hostname",
		"run --host x true":                "unknown flag --host; nearest is --hostname",
		"run --zzzzzz true":                "unknown flag --zzzzzz; carrel help run lists them",
		"spec --receipt - true":            "spec has no flag --receipt; carrel help spec lists them",
		"run -x true":                      "unknown flag -x; flags are written in full, with two dashes",
		"run --ro":                         "want PATH after the flag (--ro)",
		"run --symlink a":                  "want TARGET PATH after the flag (--symlink)",
		"run --symlink=a b true":           "want two words, TARGET PATH, each of its own (--symlink)",
		"run --tmpfs=/scratch true":        "what follows = is a size (--tmpfs); write --tmpfs PATH or --tmpfs=SIZE PATH",
		"run --tmpfs=0 /s true":            "a size of 0 would mean no bound (--tmpfs); write --tmpfs PATH for the preset's size",
		"run --tmpfs=huge /s true":         `"huge" is no size; write for instance 64MiB (--tmpfs)`,
		"run --subids=maybe true":          `"maybe" is neither true nor false (--subids)`,
		"run --preset strikt true":         `unknown preset "strikt"; nearest is strict (--preset)`,
		"run --share nett true":            `unknown namespace "nett"; nearest is net (--share)`,
		"run --share net, true":            `unknown namespace "" (--share)`,
		"run --cap-add net_admn true":      `unknown capability "net_admn"; nearest is net_admin (--cap-add)`,
		"run --join net true":              "want NAMESPACE=PATH or NAMESPACE=PID, for instance net=/run/netns/blue (--join)",
		"run --uid x true":                 `"x" is not a number from 0 to 4294967294 (--uid)`,
		"run --fd 1 true":                  `"1" is not a descriptor number from 3 to 1048576 (0 to 2 are always passed) (--fd)`,
		"run --file /x true":               "want PATH=CONTENT (--file); an empty file is /x=",
		"run --file =x true":               "the path is empty (--file)",
		"run --env A true":                 "want NAME=VALUE (--env); to pass a variable of yours, --pass-env A",
		"run --tty on true":                `"on" is none of auto, always, never (--tty)`,
		"run --limit nofil=1 true":         `unknown limit "nofil"; nearest is nofile (--limit)`,
		"run --policy a --policy b true":   "given twice (--policy); let one file extend the other",
		"run --ro= true":                   "the path is empty (--ro)",
		"doctor --ro /x":                   "doctor has no flag --ro; carrel help doctor lists them",
		"doctor now":                       `doctor: unexpected argument "now"`,
		"completion":                       "completion: no shell is named; it is one of bash, zsh, fish",
		"completion bsh":                   `completion: unknown topic "bsh"; nearest is bash`,
		"help run spec":                    `help: unexpected argument "spec"`,
		"help runn":                        `help: unknown topic "runn"; nearest is run`,
		"run --boottime-offset soon true":  `"soon" is no time; write for instance 1h30m, -5s or 86400 (--boottime-offset)`,
		"run --hostname a/b true":          `"a/b" is no host name (--hostname)`,
		"run --root-range 5 true":          `"5" is not FIRST:COUNT, for instance 100000:65536 (--root-range)`,
		"run --pass-env A=b true":          `"A=b" is no name of a variable (--pass-env)`,
		"run --limit nofile=5:4,core true": "nofile: the soft limit 5 is above the hard limit 4 (--limit)",
	} {
		_, err := Parse(strings.Fields(line))
		if err == nil || err.Error() != want {
			t.Errorf("%q:\n got %v\nwant %s", line, err, want)
		}
	}
	for _, args := range [][]string{{"run", ""}, {"run", "--", "", "x"}, {"run", "--ro", "/a\x00", "x"}, {"run", "x", "a\x00b"}, {"run", "--env", "A=\x00", "x"}, {"run", "--", "a", "b\x00"}} {
		if c, err := Parse(args); err == nil {
			t.Errorf("%q is taken as %+v", args, c)
		}
	}
}

func TestLongLines(t *testing.T) {
	args := []string{"run"}
	for range 10000 {
		args = append(args, "--ro", "/a")
	}
	args = append(args, "x", strings.Repeat("y", 1<<20))
	c, err := Parse(args)
	if err != nil || len(c.Policy.FS) != 10000 || len(c.Args[1]) != 1<<20 {
		t.Errorf("%v", err)
	}
}

// FuzzFlags holds that no command line crashes Parse, that what it takes is whole, and that the program's words come
// through as they are.
func FuzzFlags(f *testing.F) {
	f.Add("run\n--ro\n/x\n--\nls\n-l")
	f.Add("run\n--tmpfs=1M\n/s\n--symlink\na\nb\n--limit=nofile=1:2\nx")
	f.Add("spec\n--join=net,pid=12\n--env\nA=b\ntrue")
	f.Add("help\nrun")
	f.Fuzz(func(t *testing.T, line string) {
		args := strings.Split(line, "\n")
		c, err := Parse(args)
		if err != nil {
			if err.Error() == "" {
				t.Errorf("%q: an error without words", args)
			}
			return
		}
		if c.Policy == nil || Help(c.Topic) == "" {
			t.Errorf("%q: %+v", args, c)
		}
		tail := args[len(args)-len(c.Args):]
		if !reflect.DeepEqual(append([]string{}, c.Args...), append([]string{}, tail...)) {
			t.Errorf("%q: the program is %q", args, c.Args)
		}
		for _, e := range c.Policy.FS {
			if e.Path == "" || e.From.IsZero() {
				t.Errorf("%q: entry %+v", args, e)
			}
		}
	})
}
