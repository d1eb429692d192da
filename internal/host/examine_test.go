package host

import (
	"encoding/json"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-0dbaba02/carrel/internal/linux"
)

func TestExamine(t *testing.T) {
	r, err := Examine("")
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for _, c := range r.Checks {
		if seen[c.Name] || c.Name == "" || c.Detail == "" {
			t.Errorf("%+v: a name twice, or nothing said", c)
		}
		seen[c.Name] = true
		wellFormed(t, &c)
	}
	for _, n := range linux.Namespaces {
		if !seen[n.Name+" namespace"] {
			t.Errorf("nothing is said of the %s namespace", n.Name)
		}
	}
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(data, &back); err != nil || len(back.Checks) != len(r.Checks) {
		t.Errorf("read back %s, %v", data, err)
	}
	var ws syscall.WaitStatus
	if pid, err := syscall.Wait4(-1, &ws, syscall.WNOHANG, nil); err != syscall.ECHILD {
		t.Errorf("a child is left behind: %d, %v", pid, err)
	}
	t.Log("\n" + r.Text())
}

func wellFormed(t *testing.T, c *Check) {
	t.Helper()
	if (c.State == OK) != (c.Fix == "") {
		t.Errorf("%s is %s with the fix %q", c.Name, c.State, c.Fix)
	}
	if strings.ContainsAny(c.Detail+c.Fix, "\n") || strings.HasSuffix(c.Fix, ".") {
		t.Errorf("%s: not one line, or with a period: %q, %q", c.Name, c.Detail, c.Fix)
	}
}

// TestNamespaceChecks feeds the checks the kernel's possible answers.
func TestNamespaceChecks(t *testing.T) {
	answer := func(user, inUser, alone syscall.Errno) func(outer, inner uint64) syscall.Errno {
		return func(outer, inner uint64) syscall.Errno {
			switch {
			case inner == 0:
				return user
			case outer != 0:
				return inUser
			}
			return alone
		}
	}
	for _, c := range []struct {
		name      string
		files     map[string]string
		uid       int
		try       func(outer, inner uint64) syscall.Errno
		user, pid State
		detail    string
	}{
		{"all", nil, 1001, answer(0, 0, 1), OK, OK, "made"},
		{"none for users", map[string]string{"/proc/self/status": plainUser, "kernel.unprivileged_userns_clone": "0"}, 1001,
			answer(syscall.EPERM, syscall.EPERM, syscall.EPERM), Absent, Absent, "kernel.unprivileged_userns_clone"},
		{"only root's", map[string]string{"/proc/self/status": rootUser, "user.max_user_namespaces": "0"}, 0,
			answer(syscall.ENOSPC, syscall.ENOSPC, 0), Absent, Limited, "user.max_user_namespaces is 0"},
		{"ubuntu", map[string]string{"/proc/self/status": plainUser, "kernel.apparmor_restrict_unprivileged_userns": "1"}, 1001,
			answer(0, syscall.EPERM, syscall.EPERM), Limited, Absent, "without power: kernel.apparmor"},
		{"unknown", map[string]string{"/proc/self/status": rootUser}, 0, answer(syscall.EIO, syscall.EIO, syscall.EIO), Absent, Absent, "EIO"},
	} {
		r := &Report{Facts: &Facts{UID: c.uid}}
		fakeTree(t, c.files).checkNamespaces(r, c.try)
		user, pid := r.Find("user namespace"), r.Find("pid namespace")
		if user == nil || pid == nil || user.State != c.user || pid.State != c.pid || !strings.Contains(user.Detail, c.detail) {
			t.Errorf("%s: %+v %+v", c.name, user, pid)
			continue
		}
		for i := range r.Checks {
			wellFormed(t, &r.Checks[i])
		}
	}
}

func TestOtherChecks(t *testing.T) {
	docker := map[string]string{"/proc/self/status": filtered, "/proc/self/mountinfo": inDocker, "/.dockerenv": ""}
	for _, c := range []struct {
		name  string
		files map[string]string
		facts Facts
		check func(t tree, r *Report)
		row   string
		state State
		words string
	}{
		{"old kernel", nil, Facts{Kernel: Version{5, 4}}, tree.checkKernel, "kernel", Absent, "older than 5.12"},
		{"new kernel", nil, Facts{Kernel: Version{7, 0}, Arch: "arm64"}, tree.checkKernel, "kernel", OK, "linux 7.0 on arm64"},
		{"masked", docker, Facts{}, tree.checkProc, "proc", Limited, "/proc/bus"},
		{"no proc", nil, Facts{}, tree.checkProc, "proc", Absent, "no proc"},
		{"whole", map[string]string{"/proc/self/status": plainUser, "/proc/self/mountinfo": wholeProc}, Facts{}, tree.checkProc, "proc", OK, "full view"},
		{"abi 2", nil, Facts{LandlockABI: 2}, tree.checkLandlock, "landlock", Limited, "truncate, tcp ports, ioctl"},
		{"abi 7", nil, Facts{LandlockABI: 7}, tree.checkLandlock, "landlock", OK, "until linux 7.2: unix sockets that have a path, udp ports"},
		{"abi 10", nil, Facts{LandlockABI: 10}, tree.checkLandlock, "landlock", OK, "not guarded by any abi: chmod"},
		{"tiocsti", map[string]string{"dev.tty.legacy_tiocsti": "1"}, Facts{}, tree.checkTerminal, "terminal", Limited, "is 1"},
		{"no tiocsti", map[string]string{"dev.tty.legacy_tiocsti": "0"}, Facts{}, tree.checkTerminal, "terminal", OK, "is 0"},
		{"old tty", nil, Facts{}, tree.checkTerminal, "terminal", Limited, "has no"},
		{"docker", docker, Facts{}, tree.checkSurroundings, "container", OK, "docker container, under a seccomp filter"},
		{"yama", map[string]string{"kernel.yama.ptrace_scope": "2"}, Facts{}, tree.checkSurroundings, "ptrace", OK, "only administrators"},
		{"modules", map[string]string{"/sys/kernel/security/lsm": "capability,landlock\n"}, Facts{}, tree.checkSurroundings, "security modules", OK, "capability, landlock"},
		{"cgroup 1", map[string]string{"/proc/self/mountinfo": onRoot + "30 21 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw\n"}, Facts{}, tree.checkSurroundings, "cgroups", OK, "version 1"},
		{"cgroup 2", map[string]string{"/proc/self/mountinfo": onRoot + "30 21 0:30 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n", "/sys/fs/cgroup/cgroup.controllers": "cpu memory\n"},
			Facts{}, tree.checkSurroundings, "cgroups", OK, "version 2 with cpu memory"},
		{"no cgroup", nil, Facts{}, tree.checkSurroundings, "cgroups", OK, "no hierarchy"},
		{"no ranges", nil, Facts{UID: 1001}, func(_ tree, r *Report) { checkIDs(r, nil) }, "subordinate ids", Limited, "0 uids and 0 gids"},
		{"no mapper", nil, Facts{UID: 1001, SubUIDs: []Range{{1, 1}}, SubGIDs: []Range{{1, 2}}}, func(_ tree, r *Report) { checkIDs(r, nil) },
			"subordinate ids", Limited, "newuidmap or newgidmap is missing"},
		{"unreadable", nil, Facts{}, func(_ tree, r *Report) { checkIDs(r, syscall.EACCES) }, "subordinate ids", Absent, "permission denied"},
	} {
		r := &Report{Facts: &c.facts}
		c.check(fakeTree(t, c.files), r)
		row := r.Find(c.row)
		if row == nil || row.State != c.state || !strings.Contains(row.Detail, c.words) {
			t.Errorf("%s: %+v", c.name, row)
			continue
		}
		wellFormed(t, row)
	}
}

func TestText(t *testing.T) {
	r := &Report{Checks: []Check{{"kernel", OK, "linux 6.18", ""}, {"user namespace", Absent, "switched off", "as root: switch it on"}}}
	want := "ok       kernel          linux 6.18\n" +
		"missing  user namespace  switched off\n" +
		"                         fix: as root: switch it on\n"
	if got := r.Text(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
