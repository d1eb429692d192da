package supervisor

import (
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/seed-0dbaba02/carrel/internal/launch"
	"github.com/seed-0dbaba02/carrel/internal/linux"
	"github.com/seed-0dbaba02/carrel/internal/plan"
	"github.com/seed-0dbaba02/carrel/internal/terminal"
)

const nsGetNstype = 0xb703 // NS_GET_NSTYPE, ioctl_ns(2)

// openNamespace opens a namespace file and makes sure that it is of the kind that was asked for.
func (st *starter) openNamespace(i int, d *plan.Desc) error {
	op := "open the " + d.NS + " namespace " + d.Path
	if err := st.step(op); err != nil {
		return err
	}
	fd, err := unix.Open(d.Path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &SetupError{Op: op, Errno: errno(err), From: d.From, Hint: "name a file such as /proc/PID/ns/" + linux.ProcName(d.NS)}
	}
	st.opened = append(st.opened, fd)
	st.host[launch.HostFirst+i] = fd
	kind, err := unix.IoctlRetInt(fd, nsGetNstype)
	if err != nil {
		return &SetupError{Op: op, From: d.From, Cause: "it is not a namespace file"}
	}
	if uint64(uint32(kind)) != d.CloneFlag {
		return &SetupError{Op: op, From: d.From, Cause: "it is a namespace of another kind"}
	}
	return nil
}

// join enters existing namespaces in this thread, so that the child is born in them. The child does it itself when a user or
// time namespace is among them.
func (st *starter) join() error {
	for i := range st.p.Descs {
		if d := &st.p.Descs[i]; d.Kind == plan.DescNamespace && d.CloneFlag&(linux.CloneNewuser|linux.CloneNewtime) != 0 {
			return nil
		}
	}
	for i := range st.p.Descs {
		d := &st.p.Descs[i]
		if d.Kind != plan.DescNamespace {
			continue
		}
		op := "enter the " + d.NS + " namespace " + d.Path
		if err := st.step(op); err != nil {
			return err
		}
		if d.CloneFlag == linux.CloneNewns {
			if err := unix.Unshare(unix.CLONE_FS); err != nil {
				return &SetupError{Op: op, Errno: errno(err), From: d.From}
			}
		}
		if err := unix.Setns(st.host[launch.HostFirst+i], int(d.CloneFlag)); err != nil {
			cause, hint := explain(launch.Setns, errno(err))
			return &SetupError{Kind: KindHost, Op: op, Errno: errno(err), From: d.From, Cause: cause, Hint: hint}
		}
	}
	return nil
}

// openTerminal makes a pty of the host for a program that has no devpts of its own.
func (st *starter) openTerminal(i int, d *plan.Desc) error {
	const op = "make a terminal"
	if err := st.step(op); err != nil {
		return err
	}
	master, slave, err := terminal.OpenHost()
	if err != nil {
		return &SetupError{Op: op, Errno: errno(err), From: d.From, Hint: "run with --tty=never"}
	}
	st.s.Master = master
	st.adopt()
	st.opened = append(st.opened, slave)
	st.host[launch.HostFirst+i] = slave
	return nil
}

// fetchTerminal takes the supervisor's side of the terminal that the child made in its own devpts.
func (st *starter) fetchTerminal() error {
	const op = "fetch the terminal"
	if err := st.step(op); err != nil {
		return err
	}
	fd, err := unix.PidfdGetfd(st.l.Pidfd, st.l.SlotValue(st.p.PTY.Slot), 0)
	if err != nil {
		return &SetupError{Kind: KindHost, Op: op, Errno: errno(err), Hint: "a security module forbids it (kernel.yama.ptrace_scope=3?); run with --tty=never"}
	}
	unix.CloseOnExec(fd)
	st.s.Master = fd
	st.adopt()
	return nil
}

// adopt gives the program's terminal the settings and the size of the caller's, where there is one.
func (st *starter) adopt() {
	for fd, on := range st.p.PTY.Stdio {
		if on && terminal.IsTerminal(fd) {
			_ = terminal.Adopt(st.s.Master, fd) // a terminal with default settings is no reason not to start
			return
		}
	}
}

// mapIDs writes the child's id maps, or lets newuidmap(1) do it.
func (st *starter) mapIDs() error {
	m := st.p.IDMap
	if m.Helper {
		return st.mapByTool(m)
	}
	dir := "/proc/" + strconv.Itoa(st.l.PID) + "/"
	for _, f := range [2]struct {
		name  string
		lines []plan.IDLine
	}{{"uid_map", m.UID}, {"gid_map", m.GID}} {
		if err := st.step("write " + f.name); err != nil {
			return err
		}
		if err := writeOnce(dir+f.name, plan.MapText(f.lines)); err != nil {
			return &SetupError{Kind: KindHost, Op: "write " + f.name, Errno: errno(err), From: m.From, Hint: "mapping ranges needs CAP_SETUID and CAP_SETGID over all of them"}
		}
	}
	return nil
}

// writeOnce writes a file of /proc in one write(2), as the kernel demands.
func writeOnce(path, text string) error {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	_, err = unix.Write(fd, []byte(text))
	if e := unix.Close(fd); err == nil {
		err = e
	}
	return err
}

// mapByTool runs newuidmap(1) and newgidmap(1), by the absolute, checked path and with an empty environment.
func (st *starter) mapByTool(m *plan.IDMap) error {
	for _, t := range [2]struct {
		path  string
		lines []plan.IDLine
	}{{m.UIDHelper, m.UID}, {m.GIDHelper, m.GID}} {
		if err := st.step("run " + t.path); err != nil {
			return err
		}
		argv := []string{t.path, strconv.Itoa(st.l.PID)}
		for _, l := range t.lines {
			argv = append(argv, strconv.Itoa(l.Inside), strconv.Itoa(l.Outside), strconv.Itoa(l.Count))
		}
		said, ok, err := runTool(argv)
		if err != nil {
			return &SetupError{Kind: KindHost, Op: "run " + t.path, Errno: errno(err), From: m.From}
		}
		if !ok {
			return &SetupError{Kind: KindHost, Op: "run " + t.path, From: m.From, Cause: said, Hint: "give this user a line in /etc/subuid and /etc/subgid, or run without --subids"}
		}
	}
	return nil
}

// runTool runs a program to its end and returns the last line that it wrote to its standard error.
func runTool(argv []string) (said string, ok bool, err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return "", false, err
	}
	defer r.Close()
	p, err := os.StartProcess(argv[0], argv, &os.ProcAttr{Env: []string{}, Files: []*os.File{nil, nil, w}})
	_ = w.Close()
	if err != nil {
		return "", false, err
	}
	buf := make([]byte, 4096)
	n, _ := r.Read(buf)
	state, err := p.Wait()
	if err != nil {
		return "", false, err
	}
	return strings.TrimSpace(string(buf[:n])), state.Success(), nil
}

// sendTrees makes id-mapped copies of the granted trees and hands them to the child.
func (st *starter) sendTrees() error {
	userns := -1
	for i := range st.p.Descs {
		d := &st.p.Descs[i]
		if d.Kind != plan.DescTree {
			continue
		}
		if err := st.step("map the ids of " + d.Path); err != nil {
			return err
		}
		if userns < 0 {
			var err error
			if userns, err = unix.Open("/proc/"+strconv.Itoa(st.l.PID)+"/ns/user", unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
				return &SetupError{Op: "open the sandbox's user namespace", Errno: errno(err)}
			}
			defer unix.Close(userns)
		}
		tree, err := mappedTree(d, userns)
		if err != nil {
			return err
		}
		err = unix.Sendmsg(st.socket[0], []byte{0}, unix.UnixRights(tree), nil, unix.MSG_NOSIGNAL)
		_ = unix.Close(tree)
		if err != nil {
			return &SetupError{Op: "hand over " + d.Path, Errno: errno(err), From: d.From}
		}
	}
	return nil
}

// mappedTree makes a detached copy of a mount tree on which the sandbox's ids stand for the ids on disk.
func mappedTree(d *plan.Desc, userns int) (int, error) {
	how := &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS}
	src, err := unix.Openat2(unix.AT_FDCWD, d.Path, how)
	if err != nil {
		return -1, &SetupError{Op: "open " + d.Path, Errno: errno(err), From: d.From}
	}
	defer unix.Close(src)
	recursive := uint(unix.AT_RECURSIVE)
	if d.File {
		recursive = 0
	}
	tree, err := unix.OpenTree(src, "", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_EMPTY_PATH|recursive)
	if err != nil {
		return -1, &SetupError{Kind: KindHost, Op: "copy the mount " + d.Path, Errno: errno(err), From: d.From, Hint: "granting as root needs CAP_SYS_ADMIN"}
	}
	attr := &unix.MountAttr{Attr_set: d.Attr | unix.MOUNT_ATTR_IDMAP, Propagation: unix.MS_PRIVATE, Userns_fd: uint64(userns)}
	if err := unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH|recursive, attr); err != nil {
		_ = unix.Close(tree)
		e := &SetupError{Kind: KindHost, Op: "map the ids of " + d.Path, Errno: errno(err), From: d.From}
		if e.Errno == syscall.EINVAL || e.Errno == syscall.EOPNOTSUPP {
			e.Cause = "its file system, or one mounted below it, has no id-mapped mounts, so root's files could not be told from others' inside"
			e.Hint = "grant another directory, start carrel as an ordinary user, or say --allow-host-root with --share user"
		}
		return -1, e
	}
	return tree, nil
}

// payloadPID finds the program's process: init's only child, or the first process itself.
func (st *starter) payloadPID() int {
	if st.p.NoInit {
		return st.l.PID
	}
	pid := strconv.Itoa(st.l.PID)
	text, err := os.ReadFile("/proc/" + pid + "/task/" + pid + "/children")
	if err != nil {
		return st.l.PID
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return st.l.PID
	}
	return n
}
