package host

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// plant makes a tree; a name that ends in / is a folder, "a->b" a link, "|name" a FIFO, "*name" an executable file.
func plant(t *testing.T, root string, names ...string) {
	t.Helper()
	for _, name := range names {
		var err error
		if link, target, ok := strings.Cut(name, "->"); ok {
			err = os.Symlink(target, root+"/"+link)
		} else if fifo, ok := strings.CutPrefix(name, "|"); ok {
			err = syscall.Mkfifo(root+"/"+fifo, 0o600)
		} else if program, ok := strings.CutPrefix(name, "*"); ok {
			err = os.WriteFile(root+"/"+program, nil, 0o755)
		} else if strings.HasSuffix(name, "/") {
			err = os.Mkdir(root+"/"+name, 0o755)
		} else {
			err = os.WriteFile(root+"/"+name, []byte("content of "+name), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// realTemp is a temporary folder by its name without links, because tests compare names.
func realTemp(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// hostile is a rootfs whose links try to leave it.
var hostile = []string{
	"usr/", "usr/bin/", "*usr/bin/sh", "bin->usr/bin", "etc/", "|etc/passwd", "etc/group", "up->../../../../../etc", "abs->/etc",
	"proc->/proc", "loop->loop", "a->b", "b->a", "dir/", "dir/back->..", "dir/deep->../usr/./bin/../bin/sh", "dangling->/no/such",
	"slash->/", "dots->dir/../etc/group", "tofile->etc/group",
}

func TestLookInsideRootfs(t *testing.T) {
	root := realTemp(t)
	plant(t, root, hostile...)
	for _, want := range []Path{
		{Name: "/", Kind: Directory, Real: "/", To: Directory},
		{Name: "/bin/sh", Kind: Regular, Real: "/usr/bin/sh", To: Regular, Exec: true},
		{Name: "/bin", Kind: Symlink, Target: "usr/bin", Real: "/usr/bin", To: Directory},
		{Name: "/up/group", Kind: Regular, Real: "/etc/group", To: Regular},
		{Name: "/abs/group", Kind: Regular, Real: "/etc/group", To: Regular},
		{Name: "/abs", Kind: Symlink, Target: "/etc", Real: "/etc", To: Directory},
		{Name: "/etc/passwd", Kind: Other, Real: "/etc/passwd", To: Other},
		{Name: "/proc", Kind: Symlink, Target: "/proc", Err: int(syscall.ELOOP), Real: "/proc"},
		{Name: "/proc/self/status", Err: int(syscall.ELOOP), Real: "/proc/self/status"},
		{Name: "/a", Kind: Symlink, Target: "b", Err: int(syscall.ELOOP), Real: "/a"},
		{Name: "/dir/back/../../etc/group", Kind: Regular, Real: "/etc/group", To: Regular},
		{Name: "/dir/deep", Kind: Symlink, Target: "../usr/./bin/../bin/sh", Real: "/usr/bin/sh", To: Regular, Exec: true},
		{Name: "/dangling", Kind: Symlink, Target: "/no/such", Real: "/no/such"},
		{Name: "/dangling/x", Real: "/no/such/x"},
		{Name: "/slash/slash/dots", Kind: Symlink, Target: "dir/../etc/group", Real: "/etc/group", To: Regular},
		{Name: "/tofile/x", Real: "/etc/group/x"},
		{Name: "/etc//./group/", Kind: Regular, Real: "/etc/group", To: Regular},
		{Name: "/missing/../etc"},
		{Name: "/../../etc/group", Kind: Regular, Real: "/etc/group", To: Regular},
		{Name: "etc", Err: int(syscall.EINVAL)},
		{Name: "/etc/gr\x00oup", Real: "/etc/gr\x00oup", Err: int(syscall.EINVAL)},
	} {
		want.Root = root
		if got := Look(root, want.Name); !samePath(got, want) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", want.Name, got, want)
		}
	}
	if p := Look(root+"/nothing", "/etc"); p.Kind != Missing || p.Err != 0 {
		t.Errorf("in a rootfs that does not exist: %+v", p)
	}
}

func samePath(a, b Path) bool {
	a.Names, b.Names = nil, nil
	return a.Root == b.Root && a.Name == b.Name && a.Kind == b.Kind && a.Real == b.Real && a.Target == b.Target &&
		a.To == b.To && a.Exec == b.Exec && a.Err == b.Err && a.Untrusted == b.Untrusted
}

func TestLookOnHost(t *testing.T) {
	dir := realTemp(t)
	plant(t, dir, "file", "folder/", "*program", "link->folder", "chain->link", "folder/x", "|fifo", "self->self", "away->/etc/passwd")
	for _, want := range []Path{
		{Name: dir + "/file", Kind: Regular, Real: dir + "/file", To: Regular},
		{Name: dir + "/program", Kind: Regular, Real: dir + "/program", To: Regular, Exec: true},
		{Name: dir + "/fifo", Kind: Other, Real: dir + "/fifo", To: Other},
		{Name: dir + "/gone/x", Real: dir + "/gone/x"},
		{Name: dir + "/link", Kind: Symlink, Target: "folder", Real: dir + "/folder", To: Directory, Untrusted: dir + "/link"},
		{Name: dir + "/chain/x", Kind: Regular, Real: dir + "/folder/x", To: Regular, Untrusted: dir + "/chain"},
		{Name: dir + "/self", Kind: Symlink, Target: "self", Real: dir + "/self", Err: int(syscall.ELOOP), Untrusted: dir + "/self"},
		{Name: dir + "/away", Kind: Symlink, Target: "/etc/passwd", Real: "/etc/passwd", To: Regular, Untrusted: dir + "/away"},
		{Name: "/dev/null", Kind: Device, Real: "/dev/null", To: Device},
	} {
		if got := Look("", want.Name); !samePath(got, want) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", want.Name, got, want)
		}
	}
}

// TestLookAgreesWithKernel compares the answers for the host's own links with stat(2) and realpath(3).
func TestLookAgreesWithKernel(t *testing.T) {
	exercised := false
	for _, name := range []string{"/bin", "/bin/sh", "/lib", "/usr/bin/awk", "/etc/localtime", "/var/run", "/etc/alternatives/awk"} {
		want, err := filepath.EvalSymlinks(name)
		if err != nil {
			continue
		}
		got := Look("", name)
		if got.Real != want || got.Untrusted != "" || got.Err != 0 {
			t.Errorf("%s: got %+v, want real %s and trusted", name, got, want)
		}
		exercised = exercised || got.Real != name
	}
	if !exercised {
		t.Log("not exercised: this host has no link in the usual places")
	}
}

func TestSystemLink(t *testing.T) {
	for name, want := range map[string]bool{
		"/bin": true, "/anything": true, "/usr/local/x/y": true, "/etc/mtab": true, "/lib64/ld": true, "/lib32/x": true, "/opt/a": true,
		"/nix/var/x": true, "/var/run": true, "/var/lock": true, "/var/lib/x": false, "/home/u/bin": false, "/tmp/usr": false,
		"/var/run2": false, "/run/x": false, "/proc/self": false, "/root/x": false,
	} {
		if got := systemLink(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestLookDenied(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("not exercised: nothing is closed to root")
	}
	dir := realTemp(t)
	plant(t, dir, "closed/", "closed/x")
	if err := os.Chmod(dir+"/closed", 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir+"/closed", 0o700) })
	if p := Look("", dir+"/closed/x"); p.Err != int(syscall.EACCES) || p.Kind != Missing {
		t.Errorf("got %+v", p)
	}
}

func TestReadSmall(t *testing.T) {
	root := realTemp(t)
	plant(t, root, hostile...)
	if data, err := ReadSmall(root, "/up/group"); err != nil || string(data) != "content of etc/group" {
		t.Errorf("got %q, %v", data, err)
	}
	for name, want := range map[string]error{
		"/etc/passwd": ErrNotRegular, "/usr": ErrNotRegular, "/none": syscall.ENOENT, "/loop": syscall.ELOOP, "/proc/version": syscall.ELOOP,
	} {
		if data, err := ReadSmall(root, name); !errors.Is(err, want) {
			t.Errorf("%s: got %q, %v, want %v", name, data, err, want)
		}
	}
	if _, err := ReadSmall("", "/dev/null"); !errors.Is(err, ErrNotRegular) {
		t.Errorf("/dev/null: %v", err)
	}
	if _, err := ReadSmall("/", "/proc/self/cwd/x"); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("a magic link: %v, want ELOOP", err)
	}
	for size, want := range map[int]error{0: nil, MaxSmall: nil, MaxSmall + 1: syscall.EFBIG} {
		name := root + "/big"
		if err := os.WriteFile(name, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		data, err := ReadSmall("", name)
		if !errors.Is(err, want) || want == nil && len(data) != size {
			t.Errorf("%d bytes: got %d, %v", size, len(data), err)
		}
	}
}

func TestList(t *testing.T) {
	root := realTemp(t)
	plant(t, root, "d/", "d/b", "d/a", "d/c->x", "link->/d", "file", "full/")
	for _, name := range []string{"/d", "/link"} {
		names, err := List(root, name)
		if err != nil || !slices.Equal(names, []string{"a", "b", "c"}) {
			t.Errorf("%s: got %q, %v", name, names, err)
		}
	}
	if _, err := List(root, "/file"); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("a file: %v", err)
	}
	const limit = 50
	for i := range limit {
		plant(t, root, "full/"+strconv.Itoa(i))
	}
	if names, err := listAtMost("", root+"/full", limit); err != nil || len(names) != limit {
		t.Errorf("a full folder: %d names, %v", len(names), err)
	}
	plant(t, root, "full/x")
	if names, err := listAtMost("", root+"/full", limit); !errors.Is(err, syscall.E2BIG) {
		t.Errorf("one too many: %d names, %v", len(names), err)
	}
}
