package containment

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestC19DeviceNodes(t *testing.T) {
	nodes := func(dir string) (list []string) {
		_ = filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
			if err == nil && e.Type()&fs.ModeDevice != 0 && strings.Contains(e.Name(), "node-") {
				list = append(list, name)
			}
			return nil
		})
		return list
	}
	granted := t.TempDir()
	must(t, os.Chmod(granted, 0o777))
	for name, flags := range map[string][]string{"all layers": nil, "namespaces alone": {"--seccomp", "none", "--no-landlock", "--cap-add", "mknod"}} {
		s := strict(t, append(flags, "--rw", granted)...).start("mknod", "/tmp", "/dev", "/dev/shm", granted)
		for _, dir := range []string{proc(s.pid, "root/tmp"), proc(s.pid, "root/dev"), granted} {
			if list := nodes(dir); len(list) > 0 {
				t.Errorf("%s: device nodes were made: %v", name, list)
			}
		}
		entries, err := os.ReadDir(proc(s.pid, "root/dev"))
		must(t, err)
		var have []string
		for _, e := range entries {
			have = append(have, e.Name())
		}
		want := []string{"fd", "full", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout", "tty", "urandom", "zero"}
		if !slices.Equal(have, want) {
			t.Errorf("%s: /dev holds %v, want %v", name, have, want)
		}
	}
	if !root() {
		unexercised(t, "only root makes device nodes, so there is no control without root")
	}
	naked(t).run("mknod", granted)
	control(t, len(nodes(granted)) > 0, "on the host root makes device nodes")
}

func TestC21CoreDumps(t *testing.T) {
	pattern, err := os.ReadFile("/proc/sys/kernel/core_pattern")
	must(t, err)
	if strings.ContainsAny(string(pattern), "|/@") {
		unexercised(t, "core files of this host do not go to the working directory")
	}
	dumped := func(b *box) bool {
		must(t, os.Chmod(b.dir, 0o777))
		b.before = []string{"/bin/sh", "-c", `ulimit -c unlimited; exec "$@"`, "sh"}
		r := b.run("abort")
		if r.code != 128+int(unix.SIGABRT) {
			t.Errorf("the probe did not abort, code %d: %s%s", r.code, r.out, r.err)
		}
		entries, err := os.ReadDir(b.dir)
		must(t, err)
		return len(entries) > 0
	}
	if dumped(strict(t, "--preset", "dev")) {
		t.Error("a core file was left in the granted directory")
	}
	var most unix.Rlimit
	must(t, unix.Getrlimit(unix.RLIMIT_CORE, &most))
	if most.Max == 0 {
		unexercised(t, "the tests themselves may write no core file")
	}
	control(t, dumped(naked(t)), "on the host the same program leaves a core file")
}

// speaking lists the files of /proc that a process has open and that are not
// the null device, which stands for what is masked.
func speaking(t *testing.T, pid int) (list []string) {
	t.Helper()
	held, err := descriptors(pid)
	must(t, err)
	for n, to := range held {
		var st unix.Stat_t
		must(t, unix.Stat(proc(pid, "fd/"+strconv.Itoa(n)), &st))
		if strings.HasPrefix(to, "/proc/") && (st.Mode&unix.S_IFMT != unix.S_IFCHR || st.Rdev != unix.Mkdev(1, 3)) {
			list = append(list, to)
		}
	}
	return list
}

func TestC22KernelInformation(t *testing.T) {
	secretive := []string{"/proc/kmsg", "/proc/kcore", "/proc/kpagecount", "/proc/kpageflags", "/proc/slabinfo", "/proc/vmallocinfo",
		"/proc/pagetypeinfo", "/proc/timer_list", "/proc/keys", "/proc/sched_debug", "/proc/latency_stats", "/proc/interrupts", "/dev/kmsg", "/dev/mem"}
	for name, b := range map[string]*box{"strict": strict(t), "rootfs": rooted(t, newRootfs(t)), "no landlock": strict(t, "--no-landlock", "--seccomp", "none")} {
		b.t = t
		s := b.start(append([]string{"peek"}, secretive...)...)
		for _, to := range speaking(t, s.pid) {
			t.Errorf("%s: %s is open", name, to)
		}
		for _, file := range []string{"kcore", "keys", "timer_list", "interrupts", "sched_debug"} {
			var st unix.Stat_t
			if unix.Stat(proc(s.pid, "root/proc/"+file), &st) != nil {
				continue // this kernel has none
			}
			if st.Mode&unix.S_IFMT != unix.S_IFCHR || st.Rdev != unix.Mkdev(1, 3) {
				t.Errorf("%s: /proc/%s is not masked", name, file)
			}
		}
		for _, dir := range []string{"sys", "boot", "run/systemd", "var/log", "proc/acpi", "proc/scsi"} {
			if entries, err := os.ReadDir(proc(s.pid, "root/"+dir)); err == nil && len(entries) > 0 {
				t.Errorf("%s: /%s holds %d entries", name, dir, len(entries))
			}
		}
	}
	free := naked(t).start(append([]string{"peek"}, secretive...)...)
	control(t, len(speaking(t, free.pid)) > 0, "on the host some of these open: "+free.out)
}

func TestC23HostNamesAndClocks(t *testing.T) {
	host, err := os.Hostname()
	must(t, err)
	offset := func() time.Duration {
		var wall, boot unix.Timespec
		must(t, unix.ClockGettime(unix.CLOCK_REALTIME, &wall))
		must(t, unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot))
		return time.Duration(wall.Nano() - boot.Nano())
	}
	before := offset()
	for _, flags := range [][]string{nil, {"--seccomp", "none", "--cap-add", "all"}, {"--share", "uts,time"}} {
		ran(t, strict(t, flags...).run("names"))
	}
	if now, err := os.Hostname(); err != nil || now != host {
		t.Errorf("the host is now called %s, %v", now, err)
	}
	if moved := offset() - before; moved > time.Second || moved < -time.Second {
		t.Errorf("the host's clock was moved by %v", moved)
	}
	s := strict(t).run("names")
	denied(t, s, "sethostname", "setdomainname", "clock_settime", "settimeofday", "adjtimex")
	free := strict(t, "--seccomp", "none", "--cap-add", "sys_admin").run("names")
	control(t, free.outcome("sethostname") == "ok", "with the capability and no filter the program changes its own host name: "+free.out)

	p := strict(t).start("persona")
	text, err := os.ReadFile(proc(p.pid, "personality"))
	must(t, err)
	if strings.TrimSpace(string(text)) != "00000000" {
		t.Errorf("the personality is %s", text)
	}
	loose := strict(t, "--seccomp", "none").start("persona")
	text, err = os.ReadFile(proc(loose.pid, "personality"))
	must(t, err)
	control(t, strings.TrimSpace(string(text)) == "00400000", "without the filter the personality changes")
}

// Landlock has no right for what belongs to a file besides its contents: the
// read-only mount must hold these.
func TestC24LandlockGaps(t *testing.T) {
	make := func() (dir string) {
		dir = t.TempDir()
		must(t, os.Chmod(dir, 0o777))
		write(t, filepath.Join(dir, "file"), "content\n")
		must(t, os.Chmod(filepath.Join(dir, "file"), 0o666))
		return dir
	}
	state := func(dir string) string {
		var st unix.Stat_t
		at := filepath.Join(dir, "file")
		if unix.Stat(at, &st) != nil {
			return "gone"
		}
		size, _ := unix.Listxattr(at, nil)
		return fingerprint(t, dir) + time.Unix(st.Mtim.Unix()).String() + " " + string(rune('0'+size))
	}
	for name, flags := range map[string][]string{"all layers": nil, "no landlock": {"--no-landlock"}, "no seccomp": {"--seccomp", "none"}} {
		dir := make()
		before := state(dir)
		ran(t, strict(t, append(flags, "--ro", dir)...).run("modes", filepath.Join(dir, "file")))
		if now := state(dir); now != before {
			t.Errorf("%s: a file that is granted read-only was changed:\n%s\nbecame\n%s", name, before, now)
		}
	}
	dir := make()
	before := state(dir)
	strict(t, "--rw", dir).run("modes", filepath.Join(dir, "file"))
	control(t, state(dir) != before, "where it is granted for writing the file is changed")
}
