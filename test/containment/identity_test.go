package containment

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestB8SetUserIDGain(t *testing.T) {
	if !root() {
		unexercised(t, "only root can make a set-user-ID program of another user")
	}
	dir := t.TempDir()
	for at := dir; at != os.TempDir() && at != "/"; at = filepath.Dir(at) {
		must(t, os.Chmod(at, 0o755))
	}
	suid := filepath.Join(dir, "suid-probe")
	copyProbe(t, suid)
	must(t, os.Chmod(suid, 0o755|os.ModeSetuid))
	caps := filepath.Join(dir, "caps-probe")
	copyProbe(t, caps)
	setFileCaps(t, caps)
	for _, program := range []string{suid, caps} {
		for name, flags := range map[string][]string{
			"all layers": nil, "no_new_privs off": {"--allow-new-privs", "--no-landlock", "--seccomp", "none"}, "no seccomp": {"--seccomp", "none", "--no-landlock"},
		} {
			b := strict(t, append(flags, "--uid", "1000", "--gid", "1000", "--ro", dir)...)
			s := b.start("become", program, "-tag=TAG", "-hold", "hold")
			// The program is another one now: find it by what it executes.
			if uid := status(t, s.pid, "Uid"); uid != "101000 101000 101000 101000" {
				t.Errorf("%s, %s: user ids are %s", filepath.Base(program), name, uid)
			}
			for _, set := range []string{"CapPrm", "CapEff"} {
				if got := status(t, s.pid, set); strings.Trim(got, "0") != "" {
					t.Errorf("%s, %s: %s is %s", filepath.Base(program), name, set, got)
				}
			}
		}
		b := naked(t)
		b.before = []string{"/usr/bin/setpriv", "--reuid", "65534", "--clear-groups", "--"}
		b.dir = "/"
		s := b.start("become", program, "-tag=TAG", "-hold", "hold")
		gained := strings.Fields(status(t, s.pid, "Uid"))[1] == "0" || strings.Trim(status(t, s.pid, "CapEff"), "0") != ""
		control(t, gained, "on the host the program gives its privilege: "+status(t, s.pid, "Uid"))
	}
}

// setFileCaps gives a file cap_setuid=ep, as setcap(8) does; see vfs_cap_data in linux/capability.h.
func setFileCaps(t *testing.T, name string) {
	t.Helper()
	data := make([]byte, 20)
	data[0], data[3] = 1, 2 // effective; revision 2
	data[4] = 1 << 7        // CAP_SETUID permitted
	must(t, unix.Setxattr(name, "security.capability", data, 0))
}

func TestB9Capabilities(t *testing.T) {
	sets := []string{"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}
	for name, flags := range map[string][]string{"strict": nil, "judge": {"--preset", "judge"}, "uid 0": {"--uid", "0", "--gid", "0"}, "all namespaces shared but user": {"--share", "net,ipc,uts"}} {
		s := strict(t, flags...).start("threads")
		for _, task := range tasks(t, s.pid) {
			for _, set := range sets {
				if got := statusIn(t, task, set); strings.Trim(got, "0") != "" {
					t.Errorf("%s: %s is %s", name, set, got)
				}
			}
			if got := statusIn(t, task, "NoNewPrivs"); got != "1" {
				t.Errorf("%s: NoNewPrivs is %s", name, got)
			}
		}
		for _, pid := range sandboxed(t, s.pid) {
			if got := status(t, pid, "CapEff"); strings.Trim(got, "0") != "" {
				t.Errorf("%s: process %d of the sandbox has capabilities %s", name, pid, got)
			}
		}
	}
	s := strict(t, "--cap-add", "net_raw").start("hold")
	control(t, strings.HasSuffix(status(t, s.pid, "CapEff"), "2000"), "a capability that was asked for is seen: "+status(t, s.pid, "CapEff"))
}

// tasks lists the status files of a process's threads.
func tasks(t *testing.T, pid int) []string {
	t.Helper()
	files, err := filepath.Glob(proc(pid, "task/*/status"))
	if err != nil || len(files) == 0 {
		t.Fatalf("threads of %d: %v", pid, err)
	}
	return files
}

func TestB11HostRootIsNotInside(t *testing.T) {
	s := strict(t, "--uid", "0", "--gid", "0").start("hold")
	for _, id := range strings.Fields(status(t, s.pid, "Uid") + " " + status(t, s.pid, "Gid")) {
		if id == "0" {
			t.Errorf("root inside is an id of the host's root: Uid %s, Gid %s", status(t, s.pid, "Uid"), status(t, s.pid, "Gid"))
		}
	}
	if groups := status(t, s.pid, "Groups"); root() && groups != "" {
		t.Errorf("root's supplementary groups are inside: %s", groups)
	}
	refused(t, strict(t, "--root-range", "0:65536").run("hold"))
	if !root() {
		unexercised(t, "only root can let the host's root in, so there is no control without root")
	}
	refused(t, strict(t, "--share", "user").run("hold"))
	free := strict(t, "--share", "user", "--allow-host-root").start("hold")
	control(t, strings.HasPrefix(status(t, free.pid, "Uid"), "0 "), "with the flag that says so the host's root is inside")
}

// What root grants for writing is written as root: a set-user-ID file there
// would be root for every user of the host who can reach it.
func TestB11NoSetUserIDFileForTheHost(t *testing.T) {
	planted := func(b *box, dir string) (found []string) {
		b.run("sesame", filepath.Join(dir, "sesame"))
		entries, err := os.ReadDir(dir)
		must(t, err)
		for _, e := range entries {
			info, err := e.Info()
			must(t, err)
			if info.Mode()&os.ModeSetuid != 0 {
				found = append(found, e.Name())
			}
		}
		return found
	}
	dir := t.TempDir()
	if found := planted(strict(t, "--rw", dir), dir); len(found) > 0 {
		t.Errorf("the program has left set-user-ID files of the caller on the host: %v", found)
	}
	dir = t.TempDir()
	found := planted(naked(t), dir)
	control(t, len(found) > 0, "outside the sandbox such a file can be made")
}

func TestB14HelperFromPath(t *testing.T) {
	c := newCanary(t)
	hostile := t.TempDir()
	marker := filepath.Join(c.dir, "marker")
	for _, name := range []string{"newuidmap", "newgidmap", "mount", "ip", "getent", "id", "probe"} {
		at := filepath.Join(hostile, name)
		write(t, at, "#!/bin/sh\necho ran >> "+marker+"\nexit 1\n")
		must(t, os.Chmod(at, 0o755))
	}
	for _, flags := range [][]string{nil, {"--subids"}} {
		b := strict(t, flags...)
		b.dir = hostile
		b.env = append(b.env, "PATH="+hostile+":.:"+os.Getenv("PATH"))
		r := b.run("hold")
		if r.code != 0 && strings.Contains(r.err, "/etc/subuid") {
			t.Log("not exercised: --subids, since this user has no range in /etc/subuid")
			continue
		}
		ran(t, r)
		c.intact()
	}
	command := exec.Command("/bin/sh", "-c", "newuidmap")
	command.Env = []string{"PATH=" + hostile + ":/bin"}
	_ = command.Run()
	control(t, c.changed() != "", "a launcher that goes by PATH runs the hostile program")
}
