package containment

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything may take on a busy machine before a test says
// that it hangs.
const patience = 60 * time.Second

// inside is where the probe lies in every sandbox of these tests.
const inside = "/probe"

var tags atomic.Int64

// A box is one way to start the probe: in carrel with flags, or without.
type box struct {
	t      *testing.T
	carrel string   // the program; "" starts the probe on the host
	before []string // words before carrel or the probe
	flags  []string
	probe  string // path of the probe, as the program sees it
	dir    string // working directory of the caller
	env    []string
	files  []*os.File // descriptors 3 and up
	stdin  *os.File
	stdout *os.File
	attr   *syscall.SysProcAttr
}

// strict is the default preset and flags, in an empty working directory.
func strict(t *testing.T, flags ...string) *box {
	t.Helper()
	return &box{t: t, carrel: filepath.Join(bin, "carrel"), probe: inside, dir: t.TempDir(),
		flags: append([]string{"--ro-at", filepath.Join(bin, "probe"), inside}, flags...), env: os.Environ()}
}

// open is carrel with the flags alone, for controls.
func open(t *testing.T, flags ...string) *box {
	t.Helper()
	b := strict(t)
	b.probe, b.dir = filepath.Join(bin, "probe"), "/"
	b.flags = append([]string{"--preset", "none", "--allow-host-root"}, flags...)
	return b
}

// rooted is strict in a rootfs that holds the probe.
func rooted(t *testing.T, rootfs string, flags ...string) *box {
	t.Helper()
	b := strict(t)
	copyProbe(t, filepath.Join(rootfs, inside))
	b.flags = append([]string{"--rootfs", rootfs}, flags...)
	return b
}

// naked is the probe on the host, for controls.
func naked(t *testing.T) *box {
	t.Helper()
	return &box{t: t, probe: filepath.Join(bin, "probe"), dir: t.TempDir(), env: os.Environ()}
}

// unshared is the probe on the host as the root of a user namespace of its own.
func unshared(t *testing.T, flags uintptr) *box {
	t.Helper()
	b := naked(t)
	b.attr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | flags,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}}
	return b
}

func copyProbe(t *testing.T, to string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(bin, "probe"))
	if err == nil {
		err = os.WriteFile(to, text, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A result is how a run ended.
type result struct {
	out, err string
	code     int // 128 and the signal where one ended it
}

// outcome returns what the probe says of one attempt: "ok", the name of an
// errno, or "".
func (r *result) outcome(name string) string {
	for line := range strings.Lines(r.out) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

func (b *box) command(tag string, hold bool, words []string) *exec.Cmd {
	args := append([]string{}, b.before...)
	if b.carrel != "" {
		args = append(append(append(args, b.carrel, "run"), b.flags...), "--")
	}
	args = append(args, b.probe, "-tag="+tag)
	if hold {
		args = append(args, "-hold")
	}
	for _, word := range words {
		args = append(args, strings.ReplaceAll(word, "TAG", tag))
	}
	command := exec.Command(args[0], args[1:]...)
	command.Dir, command.Env, command.ExtraFiles, command.SysProcAttr = b.dir, b.env, b.files, b.attr
	return command
}

func newTag() string {
	return strconv.Itoa(os.Getpid()) + "-" + strconv.FormatInt(tags.Add(1), 10)
}

// run starts the probe and waits for its end.
func (b *box) run(words ...string) *result {
	b.t.Helper()
	return b.wait(b.command(newTag(), false, words))
}

func (b *box) wait(command *exec.Cmd) *result {
	b.t.Helper()
	var out, errors bytes.Buffer
	command.Stdout, command.Stderr = &out, &errors
	if b.stdout != nil {
		command.Stdout = b.stdout
	}
	if b.stdin != nil {
		command.Stdin = b.stdin
	}
	if err := command.Start(); err != nil {
		b.t.Fatal(err)
	}
	limit := time.AfterFunc(patience, func() { _ = command.Process.Kill() })
	defer limit.Stop()
	code := exitCode(command.Wait())
	return &result{out.String(), errors.String(), code}
}

func exitCode(err error) int {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		if err != nil {
			return -1
		}
		return 0
	}
	if ws, ok := exit.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return exit.ExitCode()
}

// A session is a probe that has made its attempts and waits, so that the host
// can look at it.
type session struct {
	result
	t       *testing.T
	command *exec.Cmd
	tag     string
	pid     int // of the probe, on the host
	stdin   io.Closer
	stdout  io.Closer
	lines   *bufio.Reader
	stderr  *bytes.Buffer
	once    sync.Once
}

// start runs the probe until it waits. It ends with the test at the latest.
func (b *box) start(words ...string) *session {
	b.t.Helper()
	s := &session{t: b.t, tag: newTag(), stderr: &bytes.Buffer{}}
	s.command = b.command(s.tag, true, words)
	s.command.Stderr = s.stderr
	in, err := s.command.StdinPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	out, err := s.command.StdoutPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	s.stdin, s.stdout, s.lines = in, out, bufio.NewReader(out)
	if err := s.command.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(s.end)
	limit := time.AfterFunc(patience, func() { _ = s.command.Process.Kill() })
	defer limit.Stop()
	for {
		line, err := s.lines.ReadString('\n')
		if line == "ready\n" {
			break
		}
		s.out += line
		if err != nil {
			s.end()
			b.t.Fatalf("the probe ended before it was ready, code %d\n%s%s", s.code, s.out, s.stderr)
		}
	}
	pids := slices.DeleteFunc(tagged(s.tag), func(pid int) bool { return slices.Contains(tagged(s.tag), parent(b.t, pid)) })
	if len(pids) != 1 {
		b.t.Fatalf("looked for one process with tag %s, found %v", s.tag, pids)
	}
	s.pid = pids[0]
	return s
}

// end lets the probe go and waits for it.
func (s *session) end() {
	s.once.Do(func() {
		_ = s.stdin.Close()
		limit := time.AfterFunc(patience, func() {
			_ = s.command.Process.Kill()
			_ = s.stdout.Close() // something that outlived it may hold the other side
		})
		defer limit.Stop()
		rest, _ := io.ReadAll(s.lines)
		s.out += string(rest)
		s.code = exitCode(s.command.Wait())
		s.err = s.stderr.String()
	})
}
