package main

import (
	"os"
	"strconv"
	"strings"
)

// Names of rows that targets refer to.
const (
	rowFloor   = "vfork + exec /bin/true"
	rowEmpty   = "empty Go program"
	rowVersion = "carrel version"
	rowCarrel  = "carrel run"
	rowLimit   = "C limit"
	rowBwrap   = "bwrap"
	rowBwrap1  = "bwrap --as-pid-1"
	rowUnshare = "unshare(1)"
	rowCrun    = "crun run"
	rowRunc    = "runc run"

	rowCrunBare = "crun run, no seccomp"
)

// filterFD is the descriptor on which every row finds the seccomp filter open:
// bwrap wants it so, and so every row pays for the open.
const filterFD = 9

// probe shows that the payload ran, and in what.
const probe = `echo ran
for n in user mnt pid net ipc uts cgroup time; do readlink /proc/self/ns/$n; done
grep -E '^(CapPrm|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status`

// row is one command to measure, and the command that checks it.
type row struct {
	name  string
	argv  []string
	token string
	check []string
	meter bool
}

// args is the row as arguments of ab.
func (r row) args() []string {
	if r.meter {
		return append([]string{"@=", r.name}, r.argv...)
	}
	a := append([]string{"@@", r.name}, r.argv...)
	if r.check != nil {
		a = append(append(a, "@?", r.token), r.check...)
	}
	return a
}

// launcher is a row whose command line ends with the payload.
func launcher(name string, prefix ...string) row {
	with := func(payload ...string) []string { return append(append([]string{}, prefix...), payload...) }
	return row{name: name, argv: with("/bin/true"), token: "ran", check: with("/bin/sh", "-c", probe)}
}

// rows are the commands of a leg whose programs are there.
func (s *stage) rows(l *leg) []row {
	rs := []row{launcher(rowFloor), {name: rowEmpty, argv: []string{s.path("empty")}}}
	if p := s.tools["carrel"]; p != "" {
		v := []string{p, "version"}
		rs = append(rs, row{name: rowVersion, argv: v, token: "carrel", check: v}, launcher(rowCarrel, p, "run", "--"))
	}
	rs = append(rs, launcher(rowLimit, s.path("climit")))
	if p := s.tools["bwrap"]; p != "" {
		rs = append(rs, launcher(rowBwrap, s.bwrap(p)...), launcher(rowBwrap1, s.bwrap(p, "--as-pid-1")...))
	}
	if p := s.tools["unshare"]; p != "" {
		rs = append(rs, launcher(rowUnshare, p, "--user", "--map-current-user", "--mount", "--pid", "--net", "--ipc",
			"--uts", "--cgroup", "--time", "--fork", "--mount-proc", "--kill-child", "--"))
	}
	if l.uid == 0 {
		for _, name := range []string{"crun", "runc"} {
			if p := s.tools[name]; p != "" {
				rs = append(rs, row{name: name + " run", argv: s.oci(name, p, "payload"), token: "ran", check: s.oci(name, p, "probe")})
			}
		}
		// Both compile their filter at each start; this row shows what that takes.
		if p := s.tools["crun"]; p != "" {
			rs = append(rs, row{name: rowCrunBare, argv: s.oci("crun", p, "payload-bare"), token: "ran", check: s.oci("crun", p, "probe-bare")})
		}
	}
	for _, m := range s.meters {
		name, command, _ := strings.Cut(m, "=")
		rs = append(rs, row{name: name, argv: strings.Fields(command), meter: true})
	}
	return rs
}

// bwrap asks for what the strict preset has. bwrap knows no time namespace, no
// rlimits, no securebits and no Landlock, so it does less.
func (s *stage) bwrap(path string, more ...string) []string {
	a := []string{path, "--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup",
		"--hostname", "sandbox", "--new-session", "--die-with-parent", "--cap-drop", "ALL", "--clearenv",
		"--setenv", "PATH", "/usr/bin:/bin:/usr/sbin:/sbin", "--setenv", "HOME", s.path("home"),
		"--ro-bind", "/usr", "/usr", "--ro-bind", "/etc", "/etc"}
	for _, d := range []string{"/bin", "/sbin", "/lib", "/lib32", "/lib64"} {
		if to, err := os.Readlink(d); err == nil {
			a = append(a, "--symlink", to, d)
		} else if _, err := os.Stat(d); err == nil {
			a = append(a, "--ro-bind", d, d)
		}
	}
	a = append(a, "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--tmpfs", "/run", "--tmpfs", s.path("home"),
		"--ro-bind", s.path("work"), s.path("work"), "--chdir", s.path("work"), "--seccomp", strconv.Itoa(filterFD))
	return append(a, more...)
}
