package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// leg is one user's table.
type leg struct {
	Name   string
	Rows   []*result
	Memory []memory
	uid    int
}

// column is a statistic over the rounds, in microseconds or in faults.
type column struct{ Min, P10, Median, Mean float64 }

// result is what ab says about a row. CPU and Faults are absent from a row
// that measures itself.
type result struct {
	Name     string
	Failures int
	Checked  bool
	Output   string `json:"Output,omitempty"` // of the check; put into words in Sees
	Wall     column
	CPU      *column
	Faults   *column
	Sees     string // what the payload sees of its isolation
}

func (l *leg) result(name string) *result {
	for _, r := range l.Rows {
		if r.Name == name {
			return r
		}
	}
	return nil
}

// as puts what makes a command run as the user of the leg before its arguments.
func (s *stage) as(l *leg, argv []string) *exec.Cmd {
	switch {
	case l.uid != 0 && s.ordinaryByRoot:
		argv = append([]string{"setpriv", "--reuid", strconv.Itoa(l.uid), "--regid", strconv.Itoa(s.gid), "--clear-groups", "--"}, argv...)
	case l.uid == 0:
		if script := unmountScript(); script != "" {
			argv = append([]string{"unshare", "--mount", "--propagation", "private", "sh", "-ec", script + `exec "$@"`, "sh"}, argv...)
		}
	}
	c := exec.CommandContext(s.ctx, argv[0], argv[1:]...)
	c.Dir = s.path("work")
	c.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + s.path("home"), "LANG=C"}
	return c
}

// unmountScript hides a cgroup2 mount that lies among cgroup v1 mounts, from
// the leg alone: crun refuses that layout.
func unmountScript() string {
	text, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return ""
	}
	script := ""
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 2 && f[2] == "cgroup2" && strings.HasPrefix(f[1], "/sys/fs/cgroup/") {
			script += "umount '" + f[1] + "'; "
		}
	}
	return script
}

// ab runs the harness over rows.
func (s *stage) ab(l *leg, rows []row, more ...string) ([]*result, error) {
	argv := append([]string{s.path("ab"), "--json", "-f", strconv.Itoa(filterFD) + "=" + s.path("filter")}, more...)
	for _, r := range rows {
		argv = append(argv, r.args()...)
	}
	c := s.as(l, argv)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		if said := strings.TrimSpace(stderr.String()); said != "" {
			return nil, errors.New(strings.ReplaceAll(said, "\n", "; "))
		}
		return nil, err
	}
	var answer struct{ Rows []*result }
	if err := json.Unmarshal(out, &answer); err != nil {
		return nil, fmt.Errorf("read the answer of ab: %w", err)
	}
	return answer.Rows, nil
}

// measure tries each row alone, so that one that does not work is named and
// left out, and then times the others together.
func (s *stage) measure(l *leg) error {
	var good []row
	for _, r := range s.rows(l) {
		if _, err := s.ab(l, []row{r}, "-n", "1", "-w", "0"); err != nil {
			s.note("%s (%s): %v", r.name, l.Name, err)
			continue
		}
		good = append(good, r)
	}
	if len(good) == 0 || good[0].name != rowFloor {
		return errors.New("run /bin/true: see above: " + strings.Join(s.Notes, "; "))
	}
	var err error
	if l.Rows, err = s.ab(l, good, "-n", strconv.Itoa(s.rounds), "-g", strconv.Itoa(s.gap)); err != nil {
		return err
	}
	host := l.Rows[0].Output
	for _, r := range l.Rows {
		r.Sees, r.Output = sees(r.Output, host), ""
	}
	l.Memory = s.memory(l, good)
	return nil
}

// sees puts the answer of the probe into words: host is the probe's answer
// without a sandbox.
func sees(probe, host string) string {
	if !strings.HasPrefix(probe, "ran\n") {
		return ""
	}
	fresh := 0
	status := map[string]string{}
	for line := range strings.Lines(probe) {
		line = strings.TrimSpace(line)
		name, value, _ := strings.Cut(line, ":")
		if strings.HasPrefix(value, "[") {
			if !strings.Contains(host, line+"\n") {
				fresh++
			}
			continue
		}
		status[name] = strings.TrimSpace(value)
	}
	words := []string{strconv.Itoa(fresh) + " ns"}
	if status["CapPrm"] != "" && strings.Trim(status["CapPrm"]+status["CapBnd"], "0") == "" {
		words = append(words, "no caps")
	} else if status["CapPrm"] != "" && strings.Trim(status["CapPrm"], "0") == "" {
		words = append(words, "caps in the bounding set only")
	} else {
		words = append(words, "caps")
	}
	if status["NoNewPrivs"] == "1" {
		words = append(words, "nnp")
	}
	if status["Seccomp"] == "2" {
		words = append(words, "seccomp")
	}
	return strings.Join(words, ", ")
}

// nullIsWhole refuses a /dev/null that is not root's or not open to all. OCI runtimes give their standard streams to the
// sandbox's user, so a benchmark that hands them the device would take it from the whole machine.
func nullIsWhole() error {
	var st syscall.Stat_t
	if err := syscall.Stat(os.DevNull, &st); err != nil {
		return fmt.Errorf("look at %s: %w", os.DevNull, err)
	}
	if st.Mode != syscall.S_IFCHR|0o666 || st.Uid != 0 || st.Gid != 0 || st.Rdev != 1<<8|3 {
		return fmt.Errorf("look at %s: it is mode %#o of %d:%d, device %#x, instead of a character device 1:3 with mode 0666 of 0:0",
			os.DevNull, st.Mode, st.Uid, st.Gid, st.Rdev)
	}
	return nil
}
