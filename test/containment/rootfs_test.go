package containment

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// newRootfs makes a directory tree with the places that the preset mounts on,
// writable for everybody, so that its author could be anybody.
func newRootfs(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "rootfs")
	for _, name := range []string{"proc", "dev", "sys", "tmp", "var/tmp", "run", "etc", "mnt"} {
		must(t, os.MkdirAll(filepath.Join(dir, name), 0o777))
		must(t, os.Chmod(filepath.Join(dir, name), 0o777))
	}
	return dir
}

// relinked replaces a directory of a rootfs by a symbolic link.
func relinked(t *testing.T, rootfs, name, target string) {
	t.Helper()
	at := filepath.Join(rootfs, name)
	must(t, os.RemoveAll(at))
	must(t, os.Symlink(target, at))
}

func TestA1SymlinkedMountTarget(t *testing.T) {
	for _, name := range []string{"proc", "dev", "sys", "tmp", "run", "etc", "mnt"} {
		for kind, to := range map[string]func(c *canary, rootfs string) string{
			"absolute": func(c *canary, _ string) string { return c.dir },
			"relative": func(c *canary, rootfs string) string {
				up, err := filepath.Rel(filepath.Join(rootfs), c.dir)
				must(t, err)
				return up
			},
			"above":    func(c *canary, _ string) string { return strings.Repeat("../", 40) + c.dir[1:] },
			"dangling": func(c *canary, _ string) string { return filepath.Join(c.dir, "made") },
			"loop":     func(*canary, string) string { return "/" + name },
		} {
			t.Run(name+" "+kind, func(t *testing.T) {
				c, rootfs := newCanary(t), newRootfs(t)
				relinked(t, rootfs, name, to(c, rootfs))
				before := hostMounts(t)
				b := rooted(t, rootfs, "--writable-rootfs")
				switch name {
				case "sys":
					b.flags = append(b.flags, "--sys", "/sys")
				case "etc":
					b.flags = append(b.flags, "--file", "/etc/made=x", "--ro-at", filepath.Join(bin, "probe"), "/etc/hosts")
				case "mnt":
					b.flags = append(b.flags, "--tmpfs", "/mnt")
				}
				r := b.run("touch", "/"+name+"/touched", "/"+name+"/secret")
				c.intact(r.out, r.err)
				if hostMounts(t) != before {
					t.Error("the host's mounts have changed")
				}
				// In other places the link may lead to a directory within the sandbox's own tree.
				if name == "proc" || name == "dev" {
					refused(t, r)
				}
				if kind == "loop" || kind == "dangling" {
					return // a careless runtime fails on these too: what counts is that nothing is made
				}
				naked(t).run("touch", filepath.Join(rootfs, name, "touched"))
				control(t, c.changed() != "", "write through the link of the fixture")
			})
		}
	}
}

func TestA3MaskOverFakeDevNull(t *testing.T) {
	rootfs, c := newRootfs(t), newCanary(t)
	must(t, os.Symlink(c.secret(), filepath.Join(rootfs, "dev/null")))
	s := rooted(t, rootfs).start("touch", "/proc/keys", "/dev/null")
	for _, name := range []string{"/proc/keys", "/proc/timer_list", "/dev/null"} {
		var st unix.Stat_t
		if err := unix.Stat(proc(s.pid, "root"+name), &st); err != nil {
			t.Fatal(err)
		}
		if st.Mode&unix.S_IFMT != unix.S_IFCHR || st.Rdev != unix.Mkdev(1, 3) {
			t.Errorf("%s inside is no null device: mode %o, device %#x", name, st.Mode, st.Rdev)
		}
	}
	if text, err := os.ReadFile(proc(s.pid, "root/proc/keys")); err == nil && len(text) > 0 {
		t.Errorf("/proc/keys can be read: %s", text)
	}
	s.end()
	c.intact(s.out)

	off := open(t, "--ns", "user,mount,pid", "--rootfs", rootfs, "--proc", "/proc")
	off.probe = inside
	free := off.start("hold")
	text, err := os.ReadFile(proc(free.pid, "root/proc/keys"))
	var st unix.Stat_t
	must(t, unix.Stat(proc(free.pid, "root/proc/keys"), &st))
	control(t, err == nil && st.Mode&unix.S_IFMT == unix.S_IFREG, "read /proc/keys where nothing is masked: "+string(text))
}

func TestA4TerminalRedirect(t *testing.T) {
	for _, name := range []string{"dev/pts", "dev/console", "dev/tty", "dev/ptmx"} {
		t.Run(name, func(t *testing.T) {
			rootfs, c := newRootfs(t), newCanary(t)
			relinked(t, rootfs, name, c.dir)
			before := hostMounts(t)
			r := rooted(t, rootfs, "--tty", "always").run("touch", "/"+name+"/touched")
			ran(t, r)
			c.intact(r.out)
			if hostMounts(t) != before {
				t.Error("the host's mounts have changed")
			}
			naked(t).run("touch", filepath.Join(rootfs, name, "touched"))
			control(t, c.changed() != "", "write through the link of the fixture")
		})
	}
}

func TestA6FakeProc(t *testing.T) {
	rootfs, c := newRootfs(t), newCanary(t)
	for _, name := range []string{"self/attr/exec", "self/uid_map", "self/setgroups", "1/mounts", "sysrq-trigger", "keys"} {
		write(t, filepath.Join(rootfs, "proc", name), "fake\n")
	}
	must(t, os.Symlink(c.dir, filepath.Join(rootfs, "proc/sys")))
	must(t, os.Symlink(c.secret(), filepath.Join(rootfs, "proc/timer_list")))
	before := fingerprint(t, rootfs)
	b := rooted(t, rootfs)
	before = strings.TrimSpace(before)
	s := b.start("touch", "/proc/sys/touched", "/proc/sysrq-trigger")
	if !isProc(t, s.pid) {
		t.Error("/proc inside is no proc file system")
	}
	if m, ok := mountAt(mountsOf(t, s.pid), "/proc/sys"); !ok || m.fs != "proc" || !m.has("ro") {
		t.Errorf("/proc/sys inside is %+v", m)
	}
	s.end()
	c.intact(s.out)
	must(t, os.Remove(filepath.Join(rootfs, inside)))
	if now := strings.TrimSpace(fingerprint(t, rootfs)); now != before {
		t.Errorf("the rootfs was written to:\n%s\nbecame\n%s", before, now)
	}

	copyProbe(t, filepath.Join(rootfs, inside))
	off := open(t, "--ns", "user,mount", "--rootfs", rootfs, "--writable-rootfs")
	off.probe = inside
	free := off.start("hold")
	control(t, !isProc(t, free.pid), "a rootfs shows its fake /proc where nothing is mounted over it")
}

func isProc(t *testing.T, pid int) bool {
	t.Helper()
	var fs unix.Statfs_t
	must(t, unix.Statfs(proc(pid, "root/proc"), &fs))
	return fs.Type == unix.PROC_SUPER_MAGIC
}

func mountAt(list []mount, at string) (found mount, ok bool) {
	for _, m := range list {
		if m.at == at {
			found, ok = m, true
		}
	}
	return found, ok
}

func TestA7MountPointCreation(t *testing.T) {
	for kind, to := range map[string]string{"absolute": "", "above": "above", "old root": "/oldroot", "proc": "/proc/self/root"} {
		for _, flag := range []string{"--ro-at", "--tmpfs", "--dir", "--file", "--symlink", "--hide"} {
			t.Run(kind+" "+flag, func(t *testing.T) {
				rootfs, c := newRootfs(t), newCanary(t)
				target := to
				switch to {
				case "":
					target = c.dir
				case "above":
					target = strings.Repeat("../", 40) + c.dir[1:]
				case "/oldroot", "/proc/self/root":
					target += c.dir
				}
				must(t, os.Symlink(target, filepath.Join(rootfs, "link")))
				words := map[string][]string{
					"--ro-at": {"--ro-at", filepath.Join(bin, "probe"), "/link/a/b"}, "--tmpfs": {"--tmpfs", "/link/a/b"}, "--dir": {"--dir", "/link/a/b"},
					"--file": {"--file", "/link/a/b=x"}, "--symlink": {"--symlink", "/x", "/link/a/b"}, "--hide": {"--hide", "/link/secret"},
				}[flag]
				r := rooted(t, rootfs, append(words, "--writable-rootfs")...).run("hold")
				c.intact(r.out)
				if r.code != 0 { // otherwise it was made within the sandbox's own tree
					refused(t, r)
				}
				if kind == "old root" || kind == "proc" {
					return // these two lead somewhere during the set-up alone
				}
				naked(t).run("plant", filepath.Join(rootfs, "link/a/b"))
				control(t, c.changed() != "", "make a mount point through the link of the fixture")
			})
		}
	}
}

func TestA9VolumeBecomesALink(t *testing.T) {
	for _, flag := range []string{"--rw", "--ro", "--rw-at"} {
		t.Run(flag, func(t *testing.T) {
			c, volume := newCanary(t), t.TempDir()
			data := filepath.Join(volume, "data")
			must(t, os.Mkdir(data, 0o777))
			first := strict(t, "--rw", volume).run("relink", data, c.dir)
			ran(t, first)
			if link, err := os.Readlink(data); err != nil || link != c.dir {
				t.Fatalf("the first run did not plant its link: %v\n%s", err, first.out)
			}
			words := []string{flag, data}
			if flag == "--rw-at" {
				words = append(words, data)
			}
			second := strict(t, words...).run("touch", data+"/touched", data+"/secret")
			c.intact(second.out)
			refused(t, second)
			leaked := strict(t, words...).run("cat", data+"/secret")
			c.intact(leaked.out)
		})
	}
	t.Run("working directory", func(t *testing.T) {
		c, volume := newCanary(t), t.TempDir()
		data := filepath.Join(volume, "data")
		must(t, os.Symlink(c.dir, data))
		b := strict(t)
		b.flags = append(b.flags, "--workdir", data)
		r := b.run("cat", "secret", data+"/secret")
		c.intact(r.out)
	})
	c := newCanary(t)
	strict(t, "--rw", c.dir).run("touch", c.secret())
	control(t, c.changed() != "", "write to the canary where it is granted by its own name")
}

func TestA11HostRunsRootfsCode(t *testing.T) {
	rootfs, c := newRootfs(t), newCanary(t)
	marker := filepath.Join(c.dir, "marker")
	script := "#!/bin/sh\necho ran >> " + marker + "\n"
	for _, dir := range []string{"bin", "usr/bin", "sbin", "usr/sbin"} {
		for _, name := range []string{"newuidmap", "newgidmap", "xz", "unpigz", "sh", "ldconfig", "mount", "ip"} {
			at := filepath.Join(rootfs, dir, name)
			write(t, at, script)
			must(t, os.Chmod(at, 0o755))
		}
	}
	for _, name := range []string{"lib/libnss_files.so.2", "lib64/ld-linux-x86-64.so.2", "etc/ld.so.preload"} {
		write(t, filepath.Join(rootfs, name), script)
	}
	b := rooted(t, rootfs)
	b.env = append(b.env, "PATH="+filepath.Join(rootfs, "bin")+":"+os.Getenv("PATH"), "LD_PRELOAD="+filepath.Join(rootfs, "lib/libnss_files.so.2"))
	if strace, err := exec.LookPath("strace"); err == nil {
		trace := filepath.Join(t.TempDir(), "trace")
		b.before = []string{strace, "-f", "-qq", "-o", trace, "-e", "trace=execve,execveat"}
		r := b.run("hold")
		ran(t, r)
		text, err := os.ReadFile(trace)
		must(t, err)
		for line := range strings.Lines(string(text)) {
			known := strings.Contains(line, `"`+filepath.Join(bin, "carrel")+`"`) || strings.Contains(line, `execve("`+inside+`"`) || strings.Contains(line, `, "", [`)
			if strings.Contains(line, "execve") && !known && !strings.Contains(line, "resumed") {
				t.Errorf("carrel executed something else: %s", line)
			}
		}
		b.before = nil
	} else {
		t.Log("not exercised: the list of executed programs needs strace")
	}
	ran(t, b.run("hold"))
	c.intact()
	must(t, exec.Command(filepath.Join(rootfs, "bin/xz")).Run())
	control(t, c.changed() != "", "the fake programs leave their mark when they are run")
}

func TestA12HostileEtcFiles(t *testing.T) {
	rootfs := newRootfs(t)
	c := newCanary(t)
	fifo := filepath.Join(rootfs, "etc/passwd")
	must(t, unix.Mkfifo(fifo, 0o666))
	must(t, os.Chmod(fifo, 0o666))
	must(t, os.Symlink(c.secret(), filepath.Join(rootfs, "etc/group")))
	must(t, os.Symlink("/dev/zero", filepath.Join(rootfs, "etc/resolv.conf")))
	huge := filepath.Join(rootfs, "etc/hosts")
	write(t, huge, "")
	must(t, os.Truncate(huge, 10<<30))
	must(t, os.MkdirAll(filepath.Join(rootfs, "etc/nsswitch.conf"), 0o755))
	for _, flags := range [][]string{nil, {"--share", "net"}, {"--uid", "0"}, {"--tty", "always"}} {
		r := rooted(t, rootfs, flags...).run("hold")
		ran(t, r)
	}
	c.intact()
	command := rooted(t, rootfs).command(newTag(), false, []string{"hold"})
	must(t, command.Run())
	if usage := command.ProcessState.SysUsage().(*syscall.Rusage); usage.Maxrss > 64<<10 {
		t.Errorf("carrel took %d KiB of memory", usage.Maxrss)
	}
	if reads(fifo) {
		t.Error("somebody still reads the FIFO")
	}

	reader := exec.Command("cat", fifo)
	must(t, reader.Start())
	control(t, until(func() bool { return reads(fifo) }), "a reader of the FIFO hangs, and shows")
	_ = reader.Process.Kill()
	_ = reader.Wait()
}

// reads reports whether a process has a FIFO open for reading, or waits to.
func reads(fifo string) bool {
	fd, err := unix.Open(fifo, unix.O_WRONLY|unix.O_NONBLOCK, 0)
	if err == nil {
		_ = unix.Close(fd)
	}
	return err == nil
}
