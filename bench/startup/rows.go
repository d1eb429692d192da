package main

import (
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
		asked := bwrapFlags(s.path("home"), s.path("work"), filterFD)
		rs = append(rs, launcher(rowBwrap, append([]string{p}, asked...)...),
			launcher(rowBwrap1, append([]string{p, "--as-pid-1"}, asked...)...))
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
