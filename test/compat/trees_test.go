package compat

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// minbase is where a Debian tree made by debootstrap is kept between runs: it takes minutes and a mirror to make one.
const minbase = "/var/cache/carrel-test/minbase"

// debian returns a Debian tree that root made, making it first where this is root and the tool is there.
func debian(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("CARREL_TEST_ROOTFS"); dir != "" {
		return dir
	}
	info, err := os.Stat(filepath.Join(minbase, "usr/bin/apt-get"))
	if err == nil {
		if owner := info.Sys().(*syscall.Stat_t).Uid; owner != 0 {
			t.Fatalf("%s belongs to uid %d and not to root", minbase, owner)
		}
		return minbase
	}
	if os.Geteuid() != 0 {
		t.Skip("not exercised: there is no Debian tree at " + minbase + "; the tests make one as root")
	}
	need(t, "debootstrap")
	if err := os.MkdirAll(filepath.Dir(minbase), 0o755); err != nil {
		t.Fatal(err)
	}
	scratch, err := os.MkdirTemp(filepath.Dir(minbase), "new-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(scratch)
	made := exec.Command("debootstrap", "--variant=minbase", "stable", filepath.Join(scratch, "tree"))
	if out, err := made.CombinedOutput(); err != nil {
		t.Skipf("not exercised: debootstrap: %v: %s", err, tail(string(out)))
	}
	if err := os.Rename(filepath.Join(scratch, "tree"), minbase); err != nil {
		t.Fatal(err)
	}
	return minbase
}

// tree runs a script in a root of its own.
func (p *place) tree(root, script string, flags ...string) string {
	p.t.Helper()
	argv := append([]string{carrel, "run", "--rootfs", root}, flags...)
	out, err := p.run(append(argv, "--", "/bin/sh", "-ec", script)...)
	if err != nil {
		p.t.Fatalf("a false denial: %v", err)
	}
	return out
}

func TestDebootstrapTree(t *testing.T) {
	root := debian(t)
	p := newPlace(t, map[string]string{"note": "from the host\n"})
	version, err := os.ReadFile(filepath.Join(root, "etc/debian_version"))
	if err != nil {
		t.Fatal(err)
	}
	got := p.tree(root, `cat /etc/debian_version; dpkg-query -W -f '${Package} ${Status}\n' base-files; perl -e 'print 6 * 7, "\n"'; bash -c 'echo $BASH_VERSION' | grep -c .
ls / | grep -c usr; id -u >/dev/null; apt-get --version | grep -c '^apt '; getent passwd root | cut -d: -f1; cat /mnt/note; touch /tmp/x && ls /tmp; touch /etc/x 2>/dev/null || echo read-only`,
		"--ro-at", p.dir, "/mnt")
	want := strings.TrimSpace(string(version)) + "\nbase-files install ok installed\n42\n1\n1\n1\nroot\nfrom the host\nx\nread-only\n"
	if got != want {
		t.Errorf("in the tree it prints\n%s\nwant\n%s", got, want)
	}
}

// TestChrootDirectory makes a directory with bash, ls and their libraries, as introductions to chroot(1) do.
func TestChrootDirectory(t *testing.T) {
	need(t, "bash", "ls", "ldd")
	p := newPlace(t, nil)
	p.outside(`mkdir -p root/bin root/lib root/lib64 root/proc root/dev root/tmp; for b in bash ls cat; do cp "$(command -v $b)" root/bin/
for l in $(ldd "$(command -v $b)" | grep -o '/[^ )]*'); do mkdir -p "root/$(dirname $l)"; cp -L "$l" "root/$l"; done; done; ln -s bash root/bin/sh; echo done`)
	got := p.tree(filepath.Join(p.dir, "root"), `/bin/bash -c 'echo hello from $0 in $PWD; ls /; [ -e /usr/bin/env ] || echo nothing of the host; for i in {1..3}; do echo -n $i; done; echo; ls /proc | grep -c self' 2>/dev/null || ls /proc/self/exe`)
	if !strings.HasPrefix(got, "hello from /bin/bash in /\nbin\ndev\nlib\nlib64\nproc\ntmp\n") || !strings.Contains(got, "nothing of the host\n123\n") {
		t.Errorf("in the directory it prints\n%s", got)
	}
}

func TestBusyboxRootfs(t *testing.T) {
	need(t, "busybox")
	p := newPlace(t, nil)
	p.outside(`mkdir -p root/bin root/proc root/dev root/tmp root/etc; cp "$(command -v busybox)" root/bin/busybox; ln -s busybox root/bin/sh; echo 'root:x:0:0::/:/bin/sh' >root/etc/passwd; echo done`)
	got := p.tree(filepath.Join(p.dir, "root"), `busybox mkdir /tmp/bin; busybox --install -s /tmp/bin; export PATH=/tmp/bin; ls -d /[a-z]*; ps | wc -l; echo words >/tmp/f; md5sum /tmp/f; find / -xdev -type f | sort; mount | grep -c ' / '`, "--env", "PATH=/bin")
	if !strings.HasPrefix(got, "/bin\n/dev\n/etc\n/proc\n/tmp\n") || !strings.Contains(got, "/bin/busybox\n/etc/passwd\n") {
		t.Errorf("in the directory it prints\n%s", got)
	}
}
