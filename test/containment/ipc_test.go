package containment

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

func TestD1AbstractSockets(t *testing.T) {
	l := listen(t, "@carrel-canary-"+newTag())
	for name, flags := range map[string][]string{
		"all layers": nil, "namespace alone": {"--no-landlock", "--seccomp", "none"}, "landlock alone": {"--share", "net", "--seccomp", "none"},
	} {
		r := strict(t, flags...).run("connect", l.at)
		ran(t, r)
		if l.accepts.Load() > 0 {
			t.Fatalf("%s: a connection reached the host's abstract socket: %s", name, r.out)
		}
	}
	r := strict(t, "--share", "net", "--no-landlock").run("connect", l.at)
	control(t, l.reached(), "with the network shared and no Landlock the socket is reached: "+r.out)
}

// userSockets listens where services of a session do, below a home and a
// runtime directory of the test's own, and as root below /run as well.
func userSockets(t *testing.T, names ...string) (home string, env []string, list []*listener) {
	t.Helper()
	top, err := os.MkdirTemp("", "c-") // short: a socket's path has at most 107 bytes
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(top) })
	must(t, os.Chmod(top, 0o755))
	home = filepath.Join(top, "home")
	runtime := filepath.Join(top, "run")
	for _, name := range names {
		at := filepath.Join(top, name)
		must(t, os.MkdirAll(filepath.Dir(at), 0o755))
		list = append(list, listen(t, at))
	}
	must(t, os.MkdirAll(home, 0o755))
	if root() {
		dir, err := os.MkdirTemp("/run", "carrel-test-")
		must(t, err)
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		must(t, os.Chmod(dir, 0o755))
		list = append(list, listen(t, filepath.Join(dir, "bus")))
	}
	env = append(os.Environ(), "HOME="+home, "XDG_RUNTIME_DIR="+runtime, "DBUS_SESSION_BUS_ADDRESS=unix:path="+runtime+"/bus",
		"DOCKER_HOST=unix://"+runtime+"/docker.sock", "SSH_AUTH_SOCK="+top+"/tmp/ssh-x/agent.1", "DISPLAY=:99", "WAYLAND_DISPLAY=wayland-0")
	return home, env, list
}

// unreached runs the probe against sockets of the host, and then the control:
// the same probe outside must reach each.
func unreached(t *testing.T, list []*listener, boxes ...*box) {
	t.Helper()
	words := []string{"connect"}
	for _, l := range list {
		words = append(words, l.at)
	}
	for _, b := range boxes {
		s := b.start(words...)
		for _, l := range list {
			if l.accepts.Load() > 0 {
				t.Errorf("with %v a connection reached %s: %s", b.flags, l.at, s.out)
			}
			if _, err := os.Lstat(proc(s.pid, "root"+l.at)); err == nil {
				t.Errorf("with %v the program sees %s", b.flags, l.at)
			}
		}
		for _, name := range []string{"DBUS_SESSION_BUS_ADDRESS=", "DOCKER_HOST=", "SSH_AUTH_SOCK=", "DISPLAY=", "XDG_RUNTIME_DIR="} {
			text, err := os.ReadFile(proc(s.pid, "environ"))
			must(t, err)
			if strings.Contains("\x00"+string(text), "\x00"+name) {
				t.Errorf("%s is in the program's environment", name)
			}
		}
		s.end()
	}
	r := naked(t).run(words...)
	for _, l := range list {
		control(t, l.reached(), "outside the sandbox "+l.at+" is reached: "+r.out)
	}
}

func boxesIn(t *testing.T, env []string, flags ...[]string) (list []*box) {
	t.Helper()
	for _, f := range flags {
		b := strict(t, f...)
		b.env = env
		list = append(list, b)
	}
	return list
}

func TestD2SessionBus(t *testing.T) {
	_, env, list := userSockets(t, "run/bus", "run/systemd/private", "home/.dbus/session")
	unreached(t, list, boxesIn(t, env, nil, []string{"--share", "net"}, []string{"--no-landlock", "--seccomp", "none"}, []string{"--share", "net,ipc,pid,uts", "--no-landlock"})...)
}

func TestD3ContainerSockets(t *testing.T) {
	_, env, list := userSockets(t, "run/docker.sock", "run/podman/podman.sock", "run/containerd/containerd.sock", "home/.docker/run/docker.sock")
	unreached(t, list, boxesIn(t, env, nil, []string{"--share", "net"}, []string{"--no-landlock", "--seccomp", "none"})...)
}

func TestD4DesktopAndAgents(t *testing.T) {
	_, env, list := userSockets(t, "tmp/.X11-unix/X99", "run/wayland-0", "tmp/ssh-x/agent.1", "home/.gnupg/S.gpg-agent", "run/gnupg/S.gpg-agent.ssh",
		"tmp/tmux-1/default", "run/keyring/ssh", "run/pipewire-0", "home/.ssh/control")
	unreached(t, list, boxesIn(t, env, nil, []string{"--share", "net"}, []string{"--no-landlock", "--seccomp", "none"})...)
}

func TestD8TerminalEscapes(t *testing.T) {
	// C0 controls, and a C1 control both as a byte and as a character.
	const hostile = "\x1b]52;c:aGk\x07\x1b[2J\rroot# \x9b2J \u009b2J"
	clean := func(name, text string) {
		t.Helper()
		for i, r := range text {
			if r == utf8.RuneError { // a byte that is no character
				r = rune(text[i])
			}
			if r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 {
				t.Errorf("%s: carrel prints control character %#x: %q", name, r, text)
				return
			}
		}
	}
	b := strict(t)
	b.probe = "/" + hostile
	r := b.run("hold")
	refused(t, r)
	clean("program not found", r.err)
	for _, flags := range [][]string{{"--ro", "/" + hostile}, {"--preset", hostile}, {"--" + hostile}, {"--env", hostile}, {"--limit", hostile}, {"--cap-add", hostile},
		{"--workdir", "/" + hostile}, {"--rootfs", "/" + hostile}, {"--join", "net=/" + hostile}, {"--seccomp", hostile}, {"--policy", "/" + hostile}, {"--tmpfs", "/etc/" + hostile}} {
		r := strict(t, flags...).run("hold")
		refused(t, r)
		clean(strings.Join(flags, " "), r.err)
	}
	receipt := filepath.Join(t.TempDir(), "receipt")
	r = strict(t, "--receipt", receipt, "--file", "/made"+hostile+"=x").run("hold", hostile)
	ran(t, r)
	clean("messages beside a receipt", r.err)
	text, err := os.ReadFile(receipt)
	must(t, err)
	clean("receipt", string(text))
	r = strict(t).run("env", "PATH", hostile)
	clean("messages", r.err)
	if r := strict(t, "--env", "HOSTILE="+hostile).run("env", "HOSTILE"); !strings.Contains(r.out, hostile) {
		t.Errorf("control: the program's own output must pass as it is, or the test would see no control bytes at all: %q", r.out)
	}
}

// A lock, or a lease, on a file that both sides see works across the sandbox:
// carrel promises nothing else. The row is documented as not promised; this
// test holds that the strict preset gives no writable file in common.
func TestD6NoWritableFileInCommon(t *testing.T) {
	s := strict(t).start("hold")
	for _, m := range mountsOf(t, s.pid) {
		disk := m.fs != "tmpfs" && m.fs != "proc" && m.fs != "devpts" && m.fs != "devtmpfs" && m.fs != "sysfs"
		if disk && !m.has("ro") {
			t.Errorf("a writable file system of the host is at %s (%s)", m.at, m.fs)
		}
	}
	dir := t.TempDir()
	free := strict(t, "--rw", dir).start("hold")
	m, ok := mountAt(mountsOf(t, free.pid), dir)
	var st syscall.Statfs_t
	must(t, syscall.Statfs(dir, &st))
	control(t, ok && (!m.has("ro") || st.Flags&unix.ST_RDONLY != 0), "a directory granted for writing shows")
}
