package containment

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestB1OverwriteTheLauncher(t *testing.T) {
	launcher := filepath.Join(t.TempDir(), "carrel")
	text, err := os.ReadFile(filepath.Join(bin, "carrel"))
	must(t, err)
	must(t, os.WriteFile(launcher, text, 0o777))
	must(t, os.Chmod(launcher, 0o777))
	sum := func() [32]byte {
		text, err := os.ReadFile(launcher)
		must(t, err)
		return sha256.Sum256(text)
	}
	before := sum()
	rootfs := newRootfs(t)
	write(t, filepath.Join(rootfs, "evil"), "#!/proc/self/exe\n")
	must(t, os.Chmod(filepath.Join(rootfs, "evil"), 0o755))
	for range 10 {
		for _, b := range []*box{strict(t), rooted(t, rootfs), strict(t, "--seccomp", "none", "--no-landlock")} {
			b.carrel = launcher
			ran(t, b.run("exes"))
		}
		evil := rooted(t, rootfs)
		evil.carrel, evil.probe = launcher, "/evil"
		evil.run("exes")
	}
	if sum() != before {
		t.Error("the launcher's file was overwritten")
	}
	for _, b := range []*box{strict(t), rooted(t, rootfs)} {
		b.carrel = launcher
		s := b.start("exes")
		for _, pid := range sandboxed(t, s.pid) {
			exe, err := os.Readlink(proc(pid, "exe"))
			if err == nil && strings.HasPrefix(exe, launcher) {
				t.Errorf("process %d in the sandbox executes the launcher's own file", pid)
			}
		}
		s.end()
	}
	writable := until(func() bool { // not while one still executes it (ETXTBSY)
		naked(t).run("touch", launcher)
		return sum() != before
	})
	control(t, writable, "the launcher's file can be written to by its path")
}

func TestB2DirectoryDescriptor(t *testing.T) {
	c := newCanary(t)
	dir, err := os.Open(c.dir)
	must(t, err)
	defer dir.Close()
	copyProbe(t, filepath.Join(c.dir, "probe"))
	c.changed()
	for n := 3; n <= 16; n++ {
		at := "/proc/self/fd/" + strconv.Itoa(n)
		b := strict(t, "--workdir", at)
		b.files = []*os.File{dir, dir, dir}
		r := b.run("cat", "secret")
		c.intact(r.out)
		refused(t, r)
		b = strict(t)
		b.files, b.probe = []*os.File{dir, dir, dir}, at+"/probe"
		r = b.run("cat", "secret", at+"/secret")
		c.intact(r.out)
		refused(t, r)
	}
	b := strict(t)
	b.files = []*os.File{dir, dir, dir}
	s := b.start("fdread", "secret")
	c.intact(s.out)
	for _, link := range []string{"cwd", "root", "exe"} {
		if at, err := os.Readlink(proc(s.pid, link)); err != nil || strings.HasPrefix(at, c.dir) {
			t.Errorf("%s of the program is %s, %v", link, at, err)
		}
	}
	leak := strict(t, "--fd", "3", "--no-landlock")
	leak.files = []*os.File{dir}
	r := leak.run("fdread", "secret")
	control(t, strings.Contains(r.out, c.token), "a directory that is passed on purpose can be read: "+r.out+r.err)
	second := strict(t, "--fd", "3")
	second.files = []*os.File{dir}
	r = second.run("fdread", "secret")
	c.intact(r.out) // the second layer: Landlock covers what is reached round the mounts
}

func TestB3InheritedDescriptors(t *testing.T) {
	c := newCanary(t)
	var many []*os.File
	for range 50 {
		f, err := os.Open(c.secret())
		must(t, err)
		defer f.Close()
		many = append(many, f)
	}
	b := strict(t, "--fd", "7")
	b.files = many
	s := b.start("hold")
	checked := 0
	for _, pid := range sandboxed(t, s.pid) {
		open, err := descriptors(pid)
		if err != nil {
			t.Logf("not exercised: the descriptors of process %d are closed to this user: %v", pid, err)
			continue
		}
		checked++
		for n, to := range open {
			given := n == 7 && pid == s.pid
			if strings.HasPrefix(to, c.dir) && !given || n > 2 && pid == s.pid && !given && !strings.HasPrefix(to, "anon_inode:[event") {
				t.Errorf("descriptor %d of process %d is %s", n, pid, to)
			}
		}
	}
	if checked == 0 {
		t.Error("no process of the sandbox could be looked at")
	}
	free := open(t)
	free.files = many
	loose := free.start("hold")
	open, err := descriptors(loose.pid)
	must(t, err)
	held := 0
	for _, to := range open {
		if to == c.secret() {
			held++
		}
	}
	control(t, held == 50, fmt.Sprintf("where nothing is closed the program holds the caller's descriptors: %v", open))
}

func TestB4ReopenStandardOutput(t *testing.T) {
	const earlier = "what the caller wrote before\n"
	attempt := func(b *box) *result {
		at := filepath.Join(t.TempDir(), "log")
		must(t, os.WriteFile(at, []byte(earlier), 0o666))
		must(t, os.Chmod(at, 0o666))
		f, err := os.OpenFile(at, os.O_WRONLY|os.O_APPEND, 0)
		must(t, err)
		defer f.Close()
		b.stdout = f
		r := b.run("reopen")
		text, err := os.ReadFile(at)
		must(t, err)
		if !strings.HasPrefix(string(text), earlier) {
			t.Error("the caller's earlier output is gone")
		}
		return r
	}
	if r := attempt(strict(t)); strings.Contains(r.err, earlier) || !strings.Contains(r.err, "reopen E") {
		t.Errorf("a file that was given for appending could be read: %s", r.err)
	}
	r := attempt(strict(t, "--no-landlock"))
	control(t, strings.Contains(r.err, earlier), "without Landlock, opening the descriptor again gives what the file held: "+r.err)
}

func TestB6AttackOnSiblings(t *testing.T) {
	const token = "3f1c-the-victim's-secret"
	attack := func(name string, b *box) (read, killed bool, said string) {
		victim := naked(t).start("victim", token)
		fields := strings.Fields(victim.outcome("address"))
		if len(fields) != 2 {
			t.Fatalf("the victim did not say where its secret is: %s", victim.out)
		}
		r := b.run("assault", strconv.Itoa(victim.pid), fields[0], fields[1])
		ran(t, r)
		victim.end()
		return strings.Contains(r.out, token), victim.code == 128+int(unix.SIGUSR1), r.out
	}
	for name, flags := range map[string][]string{
		"all layers":                     nil,
		"no filter":                      {"--seccomp", "none"},
		"shared pids":                    {"--share", "pid"},
		"shared pids, no filter":         {"--share", "pid", "--seccomp", "none"},
		"no filter, no landlock":         {"--seccomp", "none", "--no-landlock"},
		"another user, no landlock":      {"--no-landlock", "--uid", "1000"},
		"uid 0 inside, all capabilities": {"--uid", "0", "--gid", "0", "--cap-add", "all", "--seccomp", "none", "--no-landlock"},
	} {
		read, killed, said := attack(name, strict(t, flags...))
		if read {
			t.Errorf("%s: the victim's memory was read:\n%s", name, said)
		}
		if killed {
			t.Errorf("%s: the victim was signalled:\n%s", name, said)
		}
	}
	read, killed, said := attack("naked", naked(t))
	control(t, read && killed, "a process of the same user reads and signals the victim: "+said)
}

func TestB7OpenByHandle(t *testing.T) {
	c := newCanary(t)
	granted := filepath.Join(filepath.Dir(c.dir), "granted")
	must(t, os.Mkdir(granted, 0o777))
	h, _, err := unix.NameToHandleAt(unix.AT_FDCWD, c.secret(), 0)
	if err != nil {
		unexercised(t, "the file system of the temporary directory gives no handles: "+err.Error())
	}
	words := []string{"handle", granted, strconv.Itoa(int(h.Type())), hex.EncodeToString(h.Bytes())}
	for name, flags := range map[string][]string{"all layers": nil, "no seccomp": {"--seccomp", "none"}, "no seccomp, all capabilities": {"--seccomp", "none", "--cap-add", "all"}} {
		r := strict(t, append(flags, "--rw", granted)...).run(words...)
		ran(t, r)
		if strings.Contains(r.out, c.token) {
			t.Errorf("%s: a file was opened by its handle", name)
		}
		if name == "all layers" && r.outcome("open_by_handle_at") != "EPERM" && r.outcome("open_by_handle_at") != "ENOSYS" {
			t.Errorf("open_by_handle_at: %s", r.outcome("open_by_handle_at"))
		}
	}
	c.intact()
	if !root() {
		unexercised(t, "opening by handle needs CAP_DAC_READ_SEARCH on the host, so there is no control without root")
	}
	r := naked(t).run(words...)
	control(t, strings.Contains(r.out, c.token), "root on the host opens the file by its handle: "+r.out)
}

func TestB12Environment(t *testing.T) {
	var secrets []string
	b := strict(t, "--env", "GIVEN=1")
	for i, name := range []string{"AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "SSH_AUTH_SOCK", "LD_PRELOAD_X", "DATABASE_URL", "OPENAI_API_KEY", "DBUS_SESSION_BUS_ADDRESS",
		"DISPLAY", "XAUTHORITY", "KUBECONFIG", "NPM_TOKEN", "PGPASSWORD", "DOCKER_HOST", "GPG_AGENT_INFO", "TMUX", "SUDO_USER", "http_proxy", "PYTHONPATH", "BASH_ENV", "ENV"} {
		secrets = append(secrets, fmt.Sprintf("secret-%d-value", i))
		b.env = append(b.env, name+"="+secrets[i], "LC_"+name+"="+secrets[i])
	}
	s := b.start("hold")
	seen := 0
	for _, pid := range sandboxed(t, s.pid) {
		text, err := os.ReadFile(proc(pid, "environ"))
		if err != nil {
			t.Logf("not exercised: the environment of process %d is closed to this user: %v", pid, err)
			continue
		}
		seen++
		for _, secret := range secrets {
			if bytes.Contains(text, []byte(secret)) {
				t.Errorf("process %d has %s in its environment", pid, secret)
			}
		}
		if pid == s.pid && !bytes.Contains(text, []byte("GIVEN=1\x00")) {
			t.Error("the variable that was given is not there")
		}
	}
	if seen == 0 {
		t.Error("no environment could be read")
	}
	passed := strict(t, "--pass-env", "GITHUB_TOKEN")
	passed.env = b.env
	text, err := os.ReadFile(proc(passed.start("hold").pid, "environ"))
	must(t, err)
	control(t, bytes.Contains(text, []byte(secrets[1])), "a variable that is passed by name is seen")
}

func TestB13ArgumentInjection(t *testing.T) {
	for i, hostile := range [][]string{
		{"--rw", "/"}, {"--", "--preset", "none"}, {"-v"}, {""}, {"a\nb", "c d", "$(id)", "`id`", "; id", "*"}, {"\xff\xfe", "é", "\x1b[2J"}, {strings.Repeat("x", 100_000)}, {"--tag=1=2,3:4"},
	} {
		b := strict(t, "--env", "HOSTILE="+strings.Join(hostile, "\n"))
		s := b.start(append([]string{"hold"}, hostile...)...)
		text, err := os.ReadFile(proc(s.pid, "cmdline"))
		must(t, err)
		want := append([]string{inside, "-tag=" + s.tag, "-hold", "hold"}, hostile...)
		if got := strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00"); !slices.Equal(got, want) {
			t.Errorf("case %d: the program's arguments are %q, want %q", i, got, want)
		}
		environ, err := os.ReadFile(proc(s.pid, "environ"))
		must(t, err)
		if !bytes.Contains(environ, []byte("HOSTILE="+strings.Join(hostile, "\n")+"\x00")) {
			t.Errorf("case %d: the variable is not as it was given", i)
		}
	}
	// A shell between the caller and the program takes the words apart.
	b := naked(t)
	b.before = []string{"/bin/sh", "-c", `exec $*`, "sh"}
	s := b.start("hold", "a b")
	text, err := os.ReadFile(proc(s.pid, "cmdline"))
	must(t, err)
	control(t, !bytes.Contains(text, []byte("\x00a b\x00")), "a launcher that goes through a shell changes the arguments")
}
