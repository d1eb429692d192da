package compile

import (
	"encoding/json"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/seed-0dbaba02/carrel/internal/host"
	"github.com/seed-0dbaba02/carrel/internal/launch"
	"github.com/seed-0dbaba02/carrel/internal/plan"
	"github.com/seed-0dbaba02/carrel/internal/spec"
)

// fuzzWords are command lines in pieces: a byte of the input chooses one.
var fuzzWords = [...]string{
	"--preset strict", "--preset judge", "--preset dev", "--preset none", "--share user", "--share mount", "--share pid", "--share net",
	"--share ipc,uts", "--share cgroup,time", "--ns user", "--ns mount", "--ns pid,net", "--ns ipc,uts,cgroup,time", "--join net=/run/netns/blue",
	"--join user=77", "--join time=77", "--hostname h", "--domainname d", "--boottime-offset 1h", "--monotonic-offset=-1s", "--uid 0", "--gid 7",
	"--subids", "--root-range 5000:70000", "--allow-host-root", "--ro /data", "--rw /data", "--ro-at /data/file /tmp/f", "--rw-at /data /usr/lib",
	"--rw /data/deep", "--rw /home/ann/work", "--tmpfs /tmp/t", "--tmpfs=1k /data", "--tmpfs /", "--tmpfs /data/deep", "--dev /dev/kvm", "--symlink /data /l",
	"--symlink l /m", "--symlink m /l", "--dir /l/d", "--dir /tmp/d", "--dir /d/e/f", "--file /tmp/x=y", "--file /etc/passwd=z", "--file /data/file=",
	"--hide /etc/shadow", "--hide /data/none", "--hide /data/deep/er/f", "--hide /data/deep/no/ne", "--hide /tmp/t/h", "--hide /tmp", "--hide /d/e",
	"--proc /p", "--sys /sys", "--rootfs /srv/root", "--rootfs /srv/bare", "--writable-rootfs", "--workdir /tmp", "--workdir /", "--cap-add all",
	"--cap-add NET_ADMIN,CHOWN", "--seccomp none", "--seccomp /srv/filter.json", "--no-landlock", "--allow-new-privs", "--limit nofile=5:9", "--limit cpu=1s",
	"--fd 3", "--fd 9,4", "--env A=b", "--tty always", "--best-effort", "--receipt -",
}

// fuzzFacts are the hosts: a byte of the input chooses changes by its bits.
var fuzzFacts = [8]string{
	`{"uid":0,"gid":0,"groups":[0],"hostRoot":true}`, `{"landlockABI":0}`, `{"landlockABI":3}`, `{"timeNS":false}`, `{"kernel":{"major":5,"minor":15}}`,
	`{"subUIDs":[{"first":200000,"count":65536}],"subGIDs":[{"first":300000,"count":65536}],"newuidmap":"/usr/bin/newuidmap","newgidmap":"/usr/bin/newgidmap"}`,
	`{"terminals":[true,true,false]}`, `{"lastCap":37}`,
}

// FuzzCompile holds that a document that parses gives a plan which Verify accepts, or a refusal in words: never a panic, and
// never a plan that Verify refuses, which is the compiler's own fault. text is a document; where it is empty, the words make one;
// how edits it.
func FuzzCompile(f *testing.F) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		f.Fatalf("testdata: %d files, %v", len(names), err)
	}
	d := makeDesk(f, "")
	for i, name := range names {
		a, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		if s := section(a, "spec.json"); s != "" {
			text, err := json.Marshal(handmade(f, s, section(a, "ext.json")))
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(text), []byte{}, []byte{}, byte(0))
		}
		f.Add("", []byte{byte(i), byte(3 * i), byte(7 * i)}, []byte{byte(i), byte(5 * i), byte(2 * i), byte(i)}, byte(i))
	}
	for _, words := range [][]string{{"--", "true"}, {"--rootfs", "/srv/root", "--rw", "/data", "--", "/usr/bin/true"}} {
		doc, err := d.document(words, someFacts(f, "amd64"))
		if err != nil {
			f.Fatal(err)
		}
		text, err := json.Marshal(doc)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text), []byte{}, []byte{}, byte(0))
	}
	f.Fuzz(func(t *testing.T, text string, words, how []byte, hosts byte) {
		if len(words) > 40 || len(how) > 40 || len(text) > 1<<16 {
			return
		}
		for _, arch := range [2]string{"amd64", "arm64"} {
			compileFuzzed(t, d, text, words, how, someHost(t, arch, hosts))
		}
	})
}

func someHost(t *testing.T, arch string, bits byte) *host.Facts {
	t.Helper()
	var changes []string
	for i, c := range fuzzFacts {
		if bits>>i&1 != 0 {
			changes = append(changes, c)
		}
	}
	return someFacts(t, arch, changes...)
}

// TestRandomDocuments runs the same without a fuzzer, and holds that enough of what is made compiles.
func TestRandomDocuments(t *testing.T) {
	d := makeDesk(t, "")
	r := rand.New(rand.NewPCG(5, 6))
	bytes := func(n int) []byte {
		b := make([]byte, r.IntN(n))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	plans := 0
	for range 3000 {
		words, how := bytes(7), bytes(9)
		if compileFuzzed(t, d, "", words, how, someHost(t, "amd64", byte(r.Uint32()&r.Uint32()))) {
			plans++
		}
		if t.Failed() {
			t.Fatalf("words %v, edits %v", words, how)
		}
	}
	if plans < 300 {
		t.Errorf("only %d of 3000 documents gave a plan", plans)
	}
}

// compileFuzzed reports whether there is a plan.
func compileFuzzed(t *testing.T, d desk, text string, words, how []byte, f *host.Facts) bool {
	t.Helper()
	var doc *spec.Doc
	var err error
	if text != "" {
		doc, err = spec.Parse([]byte(text), "x")
	} else {
		var args []string
		for _, b := range words {
			args = append(args, strings.Fields(fuzzWords[int(b)%len(fuzzWords)])...)
		}
		doc, err = d.document(append(args, "--", "/usr/bin/true"), f)
	}
	if err != nil {
		return false
	}
	if doc = edited(t, doc, how); doc == nil {
		return false
	}
	d.learn(t, doc, f)
	p, err := Compile(doc, f, nil)
	if err != nil {
		refusal(t, err)
		return false
	}
	if err := launch.Verify(p.Programs); err != nil {
		t.Error(err)
	}
	if plan.Format(p) == "" || plan.Describe(p) == nil {
		t.Error("the plan does not print")
	}
	checkPlan(t, doc, p)
	return true
}

// checkPlan holds what every plan promises: one execve for the user's program, at the end; capabilities dropped and
// no_new_privs set where asked, before it; and no way past the filter.
func checkPlan(t *testing.T, doc *spec.Doc, p *plan.Plan) {
	t.Helper()
	last := p.Programs.Setup
	if p.Programs.Payload != nil {
		last = p.Programs.Payload
	}
	have := make(map[launch.Call]int)
	nnp := false
	for i := range last.Ops {
		o := &last.Ops[i]
		have[o.Call]++
		nnp = nnp || o.Call == launch.Prctl && o.Args[0] == prSetNoNewPrivs
	}
	proc := doc.OCI.Process
	switch {
	case have[launch.Execve] != 1:
		t.Errorf("%d execve in the program's list", have[launch.Execve])
	case proc.NoNewPrivileges && !nnp:
		t.Error("no_new_privs is not set")
	case proc.Capabilities != nil && have[launch.Capset] == 0:
		t.Error("capabilities stay as they are")
	case doc.Ext.Seccomp != "" && have[launch.Seccomp] != 1:
		t.Error("there is no filter")
	case doc.Ext.Gate != (have[launch.Gate] == 1):
		t.Error("the gate is not as asked")
	}
}
