package containment

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// tagged lists the probes with a tag: processes that have executed, not the
// launchers that carry the tag among their arguments.
func tagged(tag string) []int { return processes(tag, true) }

// processes lists processes with a tag among their arguments, zombies left out
// since they have none.
func processes(tag string, probesOnly bool) (pids []int) {
	for _, pid := range allPIDs() {
		text, err := os.ReadFile(proc(pid, "cmdline"))
		if err != nil {
			continue
		}
		words := bytes.Split(text, []byte{0})
		if probesOnly && !strings.HasSuffix(string(words[0]), "probe") {
			continue
		}
		for _, w := range words {
			if string(w) == "-tag="+tag {
				pids = append(pids, pid)
				break
			}
		}
	}
	return pids
}

func allPIDs() (pids []int) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

func proc(pid int, name string) string { return "/proc/" + strconv.Itoa(pid) + "/" + name }

// status returns a line of /proc/PID/status.
func status(t *testing.T, pid int, field string) string {
	t.Helper()
	return statusIn(t, proc(pid, "status"), field)
}

func statusIn(t *testing.T, file, field string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			return strings.Join(strings.Fields(rest), " ")
		}
	}
	t.Fatalf("%s has no line %s", file, field)
	return ""
}

// parent returns the parent of a process.
func parent(t *testing.T, pid int) int {
	t.Helper()
	n, err := strconv.Atoi(status(t, pid, "PPid"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// sandboxed lists every process in the pid namespace of a process.
func sandboxed(t *testing.T, pid int) (pids []int) {
	t.Helper()
	// The link is closed where a process is not dumpable, so go by kinship: the
	// namespace's first process is the one whose NSpid ends in 1.
	first := pid
	for !strings.HasSuffix(status(t, first, "NSpid"), " 1") {
		if first = parent(t, first); first <= 1 {
			t.Fatalf("process %d has no process 1 above it", pid)
		}
	}
	for _, p := range allPIDs() {
		for up := p; up > 1; {
			if up == first {
				pids = append(pids, p)
				break
			}
			text, err := os.ReadFile(proc(up, "stat"))
			if err != nil {
				break
			}
			f := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
			up, _ = strconv.Atoi(f[1])
		}
	}
	return pids
}

// descriptors returns what the descriptors of a process are, by number.
func descriptors(pid int) (map[int]string, error) {
	entries, err := os.ReadDir(proc(pid, "fd"))
	if err != nil {
		return nil, err
	}
	found := make(map[int]string)
	for _, e := range entries {
		n, _ := strconv.Atoi(e.Name())
		if link, err := os.Readlink(proc(pid, "fd/"+e.Name())); err == nil {
			found[n] = link
		}
	}
	return found, nil
}

// hostMounts is a fingerprint of the mounts that this process sees.
func hostMounts(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A mount is one line of mountinfo.
type mount struct {
	at, options, fs, source string
	propagates              bool
}

func mountsOf(t *testing.T, pid int) (list []mount) {
	t.Helper()
	text, err := os.ReadFile(proc(pid, "mountinfo"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		front, back, _ := strings.Cut(strings.TrimSpace(line), " - ")
		f, b := strings.Fields(front), strings.Fields(back)
		m := mount{at: f[4], options: "," + f[5] + ",", fs: b[0], source: b[1]}
		m.propagates = len(f) > 6
		list = append(list, m)
	}
	return list
}

func (m mount) has(option string) bool { return strings.Contains(m.options, ","+option+",") }

// A canary is a directory that no attack may read or change. Its permissions
// are open, so that only the layers under test protect it.
type canary struct {
	t          *testing.T
	dir, token string
	before     string
}

func newCanary(t *testing.T) *canary {
	t.Helper()
	c := &canary{t: t, dir: filepath.Join(t.TempDir(), "canary"), token: rand.Text()}
	must(t, os.Mkdir(c.dir, 0o777))
	must(t, os.Chmod(c.dir, 0o777))
	must(t, os.Chmod(filepath.Dir(c.dir), 0o777))
	must(t, os.Chmod(filepath.Dir(filepath.Dir(c.dir)), 0o777))
	write(t, filepath.Join(c.dir, "secret"), c.token)
	must(t, os.Chmod(filepath.Join(c.dir, "secret"), 0o666))
	c.before = fingerprint(t, c.dir)
	return c
}

func (c *canary) secret() string { return filepath.Join(c.dir, "secret") }

// changed reports what an attack did to the canary, "" for nothing, and puts
// the fingerprint forward.
func (c *canary) changed() string {
	now := fingerprint(c.t, c.dir)
	before := c.before
	c.before = now
	if now == before {
		return ""
	}
	return "before:\n" + before + "after:\n" + now
}

// reset undoes an exposure, so that the next one shows by itself.
func (c *canary) reset() {
	c.t.Helper()
	entries, err := os.ReadDir(c.dir)
	must(c.t, err)
	for _, e := range entries {
		if e.Name() != "secret" && e.Name() != "pts" {
			_ = os.RemoveAll(filepath.Join(c.dir, e.Name()))
		}
	}
	must(c.t, os.WriteFile(c.secret(), []byte(c.token), 0o666))
	c.changed()
}

// intact fails the test when the canary was changed, or when its token is in
// something that came out of the sandbox.
func (c *canary) intact(outputs ...string) {
	c.t.Helper()
	if what := c.changed(); what != "" {
		c.t.Errorf("the canary was changed\n%s", what)
	}
	for _, out := range outputs {
		if strings.Contains(out, c.token) {
			c.t.Error("the canary's secret came out of the sandbox")
		}
	}
}

// fingerprint describes all of a tree: names, modes, owners, contents.
func fingerprint(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		fmt.Fprintf(&b, "%s %v %d:%d", strings.TrimPrefix(name, dir), info.Mode(), st.Uid, st.Gid)
		switch {
		case info.Mode().IsRegular():
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			sum := sha256.Sum256(text)
			b.WriteString(" " + hex.EncodeToString(sum[:8]))
		case info.Mode()&fs.ModeSymlink != 0:
			link, _ := os.Readlink(name)
			b.WriteString(" -> " + link)
		}
		b.WriteByte('\n')
		return nil
	})
	must(t, err)
	return b.String()
}

// A listener counts the connections that reach a socket of the host.
type listener struct {
	at      string
	accepts atomic.Int64
}

func listen(t *testing.T, at string) *listener {
	t.Helper()
	address := &net.UnixAddr{Name: at, Net: "unix"}
	l, err := net.ListenUnix("unix", address)
	if err != nil {
		t.Fatal(err)
	}
	if at[0] != '@' {
		must(t, os.Chmod(at, 0o777))
	}
	counted := &listener{at: at}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			counted.accepts.Add(1)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return counted
}

// reached waits until a connection has been counted, and reports it.
func (l *listener) reached() bool { return until(func() bool { return l.accepts.Load() > 0 }) }

// until polls for a condition that must become true.
func until(condition func() bool) bool {
	for deadline := time.Now().Add(patience / 6); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if condition() {
			return true
		}
	}
	return condition()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(name), 0o755))
	must(t, os.WriteFile(name, []byte(text), 0o644))
}

// refused fails the test unless carrel itself ended the run, before the
// program: its own exit codes, and not a word from the probe.
func refused(t *testing.T, r *result) {
	t.Helper()
	if (r.code < 64 || r.code > 71) && r.code != 126 && r.code != 127 || r.out != "" || !strings.HasPrefix(r.err, "carrel: ") {
		t.Errorf("want a refusal by carrel, got code %d\n%s%s", r.code, r.out, r.err)
	}
}

// ran fails the test unless the probe ran to its end.
func ran(t *testing.T, r *result) {
	t.Helper()
	if r.code != 0 || !strings.Contains(r.out, "done") {
		t.Errorf("want a run to its end, got code %d\n%s%s", r.code, r.out, r.err)
	}
}
