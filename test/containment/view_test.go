package containment

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestA13ScratchPath(t *testing.T) {
	c := newCanary(t)
	places := t.TempDir()
	scratch, home, runtime := filepath.Join(places, "tmp"), filepath.Join(places, "home"), filepath.Join(places, "run")
	for _, dir := range []string{scratch, home, runtime} {
		must(t, os.Mkdir(dir, 0o777))
	}
	// Names that a launcher might choose lie there already, as links to the canary.
	for _, name := range []string{"carrel", ".carrel", "carrel-0", ".carrel-hidden", ".carrel-file", "oldroot", "newroot"} {
		must(t, os.Symlink(c.dir, filepath.Join(scratch, name)))
	}
	before := fingerprint(t, places)
	b := strict(t, "--file", "/made=x", "--hide", "/usr/share", "--hide", home+"/none", "--tmpfs", "/scratch", "--hide", "/etc/passwd", "--file", "/etc/group=x")
	b.env = append(b.env, "TMPDIR="+scratch, "HOME="+home, "XDG_RUNTIME_DIR="+runtime)
	s := b.start("hold")
	if now := fingerprint(t, places); now != before {
		t.Errorf("carrel works in directories of the host:\n%s\nbecame\n%s", before, now)
	}
	s.end()
	ran(t, &s.result)
	c.intact()
	if now := fingerprint(t, places); now != before {
		t.Errorf("carrel left something:\n%s\nbecame\n%s", before, now)
	}
	naked(t).run("touch", filepath.Join(scratch, "carrel", "touched"))
	control(t, c.changed() != "", "a program that uses a name which lies there writes through the link")
	naked(t).run("touch", filepath.Join(scratch, "other"))
	control(t, fingerprint(t, places) != before, "a new name in the scratch directory is seen")
}

// theMounts picks what one side of the probe "outer" saw.
func theMounts(out, side string) string {
	var b strings.Builder
	for line := range strings.Lines(out) {
		if rest, ok := strings.CutPrefix(line, side+": "); ok {
			b.WriteString(rest)
		}
	}
	return b.String()
}

// granted keeps the lines of mounts that the test itself is about.
func granted(mounts string) string {
	var b strings.Builder
	for line := range strings.Lines(mounts) {
		if strings.Contains(line, "/granted") || strings.Contains(line, "/tmp/inner") {
			b.WriteString(line)
		}
	}
	return b.String()
}

func TestA14MountPropagation(t *testing.T) {
	// A user namespace in which the caller keeps its own id, and may mount.
	side := func(words ...string) *result {
		b := naked(t)
		dir := b.dir
		if !root() {
			must(t, os.Chmod(dir, 0o755))
		}
		b.attr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
		if !root() {
			b.attr.Cloneflags |= syscall.CLONE_NEWUSER
			b.attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Geteuid(), HostID: os.Geteuid(), Size: 1}}
			b.attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getegid(), HostID: os.Getegid(), Size: 1}}
			b.attr.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN}
		}
		tag := fmt.Sprintf("-tag=inner%d", os.Getpid())
		for i := range words {
			words[i] = strings.ReplaceAll(words[i], "DIR", dir)
		}
		return b.run(append(append([]string{"outer", dir}, words...), tag, "-hold", "mount", "tmpfs", "/tmp/inner", "size=4k")...)
	}
	before := hostMounts(t)
	r := side(filepath.Join(bin, "carrel"), "run", "--ro-at", filepath.Join(bin, "probe"), inside, "--rw", "DIR/granted",
		"--cap-add", "sys_admin", "--seccomp", "none", "--no-landlock", "--", inside)
	ran(t, r)
	if r.outcome("inside: mount") != "ok" || r.outcome("late mount") != "ok" {
		t.Errorf("the mounts were not made: inside %s, late %s\n%s", r.outcome("inside: mount"), r.outcome("late mount"), r.err)
	}
	if !strings.Contains(theMounts(r.out, "theirs"), "/granted ") || strings.Contains(theMounts(r.out, "theirs"), " late ") {
		t.Errorf("a mount of the host appears inside:\n%s", granted(theMounts(r.out, "theirs")))
	}
	if ours := theMounts(r.out, "ours"); ours == "" || strings.Contains(ours, "/tmp/inner") || strings.Contains(ours, "/granted ") {
		t.Errorf("a mount of the sandbox appears on the host:\n%s", granted(ours))
	}
	if hostMounts(t) != before {
		t.Error("the host's own mounts have changed")
	}
	free := side("/usr/bin/unshare", "--mount", "--propagation", "unchanged", filepath.Join(bin, "probe"))
	if !root() {
		free = side("/usr/bin/unshare", "--user", "--map-root-user", "--mount", "--propagation", "unchanged", filepath.Join(bin, "probe"))
	}
	control(t, strings.Contains(theMounts(free.out, "theirs"), " late "), "a namespace made without private propagation sees the late mount: "+granted(free.out)+free.err)
}

func TestA16FlagsOfMounts(t *testing.T) {
	flagged := func(list []mount) (weak []string) {
		for _, m := range list {
			device := strings.HasPrefix(m.at, "/dev/") && !strings.HasPrefix(m.at, "/dev/pts") && !strings.HasPrefix(m.at, "/dev/shm")
			mask := strings.HasPrefix(m.at, "/proc/") && (m.fs == "devtmpfs" || m.source == "udev")
			for _, option := range []string{"nosuid", "nodev", "noexec", "ro"} {
				want := false
				switch option {
				case "nosuid":
					want = !device && !mask
				case "nodev":
					want = !device && !mask && m.at != "/dev" && m.at != "/dev/pts"
				case "noexec":
					want = strings.HasPrefix(m.at, "/proc") && !mask
				case "ro":
					want = strings.HasPrefix(m.at, "/usr") || strings.HasPrefix(m.at, "/etc") || m.at == inside || strings.HasPrefix(m.at, "/proc/sys")
				}
				if want && !m.has(option) {
					weak = append(weak, m.at+" without "+option)
				}
			}
			if m.propagates {
				weak = append(weak, m.at+" propagates")
			}
		}
		return weak
	}
	for name, b := range map[string]*box{"strict": strict(t), "rootfs": rooted(t, newRootfs(t)), "judge": strict(t, "--preset", "judge")} {
		t.Run(name, func(t *testing.T) {
			b.t = t
			s := b.start("touch", "/made", "/usr/made", "/etc/made")
			list := mountsOf(t, s.pid)
			if weak := flagged(list); len(weak) > 0 {
				sort.Strings(weak)
				t.Errorf("mounts are weaker than they should be:\n%s", strings.Join(weak, "\n"))
			}
			for _, must := range []string{"/proc", "/proc/sys"} {
				if _, ok := mountAt(list, must); !ok {
					t.Errorf("%s is no mount inside", must)
				}
			}
			for _, at := range []string{"/made", "/usr/made", "/etc/made"} {
				if _, err := os.Lstat(proc(s.pid, "root"+at)); err == nil {
					t.Errorf("the probe could make %s", at)
				}
			}
		})
	}
	free := open(t, "--ns", "user,mount,pid").start("hold")
	weak := flagged(mountsOf(t, free.pid))
	control(t, len(weak) > 0, "the caller's own mounts have weaker flags")
}

// The receipt says that the root of a fresh tree is read-only; the second
// layer must not be what makes it so.
func TestA16RootIsReadOnlyWithoutLandlock(t *testing.T) {
	s := strict(t, "--no-landlock").start("touch", "/made", "/dev/made", "/var/made")
	for _, at := range []string{"/made", "/dev/made", "/var/made"} {
		if _, err := os.Lstat(proc(s.pid, "root"+at)); err == nil {
			t.Errorf("without Landlock the program makes %s in the sandbox's root", at)
		}
	}
	free := strict(t, "--no-landlock").start("touch", "/tmp/made")
	_, err := os.Lstat(proc(free.pid, "root/tmp/made"))
	control(t, err == nil, "a writable place can be written to")
}

func TestA17ChrootEscape(t *testing.T) {
	c := newCanary(t)
	for name, flags := range map[string][]string{
		"all layers":      nil,
		"namespaces only": {"--seccomp", "none", "--cap-add", "all", "--no-landlock"},
	} {
		t.Run(name, func(t *testing.T) {
			s := strict(t, flags...).start("escape", "/tmp/jail", c.secret())
			c.intact(s.out)
			if name == "namespaces only" && s.outcome("chroot") != "ok" {
				t.Errorf("the probe had no chroot to escape from: %s", s.out)
			}
			// The top of what it sees is still no directory of the host.
			var top, ours unix.Stat_t
			must(t, unix.Stat(proc(s.pid, "cwd"), &top))
			must(t, unix.Stat("/", &ours))
			if top.Dev == ours.Dev && top.Ino == ours.Ino {
				t.Error("the program stands in the host's root directory")
			}
		})
	}
	jail := t.TempDir()
	must(t, os.Mkdir(filepath.Join(jail, "tmp"), 0o777))
	r := unshared(t, 0).run("jail", jail, "/tmp/jail", c.secret())
	control(t, strings.Contains(r.out, c.token), "the same steps leave a chroot(2) jail: "+r.out+r.err)
}
