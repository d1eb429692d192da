package host

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestProbe(t *testing.T) {
	f, err := Probe()
	if err != nil {
		t.Fatal(err)
	}
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		t.Fatal(err)
	}
	release := unix.ByteSliceToString(u.Release[:])
	if want := itoa(f.Kernel.Major) + "." + itoa(f.Kernel.Minor); !strings.HasPrefix(release, want) {
		t.Errorf("kernel %s, uname says %s", want, release)
	}
	groups, err := os.Getgroups()
	if err != nil {
		t.Fatal(err)
	}
	if f.UID != os.Geteuid() || f.GID != os.Getegid() || !slices.Equal(f.Groups, groups) {
		t.Errorf("ids %d %d %v", f.UID, f.GID, f.Groups)
	}
	if text, err := os.ReadFile("/proc/sys/kernel/cap_last_cap"); err != nil {
		t.Logf("not exercised: last capability: %v", err)
	} else if strings.TrimSpace(string(text)) != itoa(f.LastCap) {
		t.Errorf("last capability %d, the kernel says %s", f.LastCap, text)
	}
	for i := range f.Rlimits {
		var limit unix.Rlimit
		if err := unix.Getrlimit(i, &limit); err != nil {
			t.Fatal(err)
		}
		if (f.Rlimits[i] != Rlimit{limit.Cur, limit.Max}) {
			t.Errorf("limit %d: %v, want %v", i, f.Rlimits[i], limit)
		}
	}
	_, err = os.Lstat("/proc/self/ns/time")
	if f.TimeNS != (err == nil) {
		t.Errorf("time namespaces: %v, %v", f.TimeNS, err)
	}
	data, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	var back Facts
	if err := json.Unmarshal(data, &back); err != nil || back.Kernel != f.Kernel || back.Rlimits != f.Rlimits {
		t.Errorf("read back %s as %+v, %v", data, back, err)
	}
}

func TestTerminals(t *testing.T) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("not exercised: no pseudoterminal: %v", err)
	}
	defer master.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if !isTerminal(int(master.Fd())) || isTerminal(int(null.Fd())) || isTerminal(-1) {
		t.Error("a pseudoterminal, the null device and nothing are told apart wrongly")
	}
}

func TestParseVersion(t *testing.T) {
	for text, want := range map[string]Version{
		"6.18.44-fc-v595": {6, 18}, "7.1-rc3": {7, 1}, "5.10": {5, 10}, "6": {6, 0}, "": {}, "x.y": {}, "4.15.0-213-generic": {4, 15},
		"99999999999999999999.1": {999999999, 0},
	} {
		if got := parseVersion(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestIsIdentity(t *testing.T) {
	for text, want := range map[string]bool{
		"         0          0 4294967295\n": true, "0 0 4294967295": true,
		"         0       1001          1\n": false, "0 0 4294967294\n": false, "": false, "0 0 42949672955": false, "00 0 4294967295": false,
		"0 0 4294967295\n1 1 1\n": false, "1 0 4294967295\n": false, "0 0": false, "0 04294967295": false,
	} {
		if got := isIdentity([]byte(text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestSubIDs(t *testing.T) {
	root := realTemp(t)
	plant(t, root, "etc/")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(root+"/etc/"+name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := &Facts{UID: 1001}
	if err := subIDs(root, f); err != nil || f.SubUIDs != nil || f.SubGIDs != nil {
		t.Errorf("without files: %+v, %v", f, err)
	}
	write("passwd", "root:x:0:0::/root:/bin/sh\n:x:1001:1::/:/x\nbroken\nana:x:1001:1001::/home/ana:/bin/sh\nbob:x:1002:1002::/:/\n")
	write("subuid", "bob:1:2\nana:100000:65536\n1001:300000:10\nana:x:1\nana:1:0\nana:4294967290:10\nanabel:5:5\n10011:6:6\nana:7\n  ana:400000:1")
	write("subgid", "ana:200000:65536\n")
	if err := subIDs(root, f); err != nil {
		t.Fatal(err)
	}
	if want := []Range{{100000, 65536}, {300000, 10}, {400000, 1}}; !reflect.DeepEqual(f.SubUIDs, want) {
		t.Errorf("uids %v, want %v", f.SubUIDs, want)
	}
	if want := []Range{{200000, 65536}}; !reflect.DeepEqual(f.SubGIDs, want) {
		t.Errorf("gids %v, want %v", f.SubGIDs, want)
	}
	nobody := &Facts{UID: 7}
	if err := subIDs(root, nobody); err != nil || nobody.SubUIDs != nil {
		t.Errorf("another user: %+v, %v", nobody, err)
	}
	if err := os.Remove(root + "/etc/subuid"); err != nil {
		t.Fatal(err)
	}
	plant(t, root, "|etc/subuid")
	if err := subIDs(root, f); err == nil {
		t.Error("a FIFO was taken for a file of ranges")
	}
}

func TestMapper(t *testing.T) {
	f := &Facts{UID: os.Geteuid()}
	if err := SubIDs(f); err != nil {
		t.Fatal(err)
	}
	if f.NewUIDMap == "" {
		t.Log("not exercised: newuidmap is not installed")
	} else if !strings.HasPrefix(f.NewUIDMap, "/") || !onlyRootWrites(f.NewUIDMap) {
		t.Errorf("newuidmap at %s", f.NewUIDMap)
	}
	// One that others can change must not be taken.
	dir := realTemp(t)
	plant(t, dir, "*newuidmap")
	if onlyRootWrites(dir + "/newuidmap") {
		t.Errorf("a program below %s, which everybody writes to, counts as root's own", strconv.Quote(dir))
	}
}

func TestPathname(t *testing.T) {
	for name, want := range map[string]string{
		"/": "/", "//": "/", "/a/": "/a", "/a/./b": "/a/b", "/a//b": "/a/b", "/a/../b": "/b", "/..": "/", "/a/..": "/", "/../a": "/a", "/a/.": "/a", "/.../b": "/.../b",
	} {
		if got := clean(name); got != want {
			t.Errorf("clean %q: %q, want %q", name, got, want)
		}
	}
}
