package compile

import (
	"syscall"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/seed-0dbaba02/carrel/internal/host"
	"github.com/seed-0dbaba02/carrel/internal/launch"
	"github.com/seed-0dbaba02/carrel/internal/plan"
	"github.com/seed-0dbaba02/carrel/internal/source"
	"github.com/seed-0dbaba02/carrel/internal/spec"
)

// devNodes are the devices of a minimal /dev: those that every program may expect and that hold no data of the host.
var devNodes = [...]string{"null", "zero", "full", "random", "urandom", "tty"}

// devLinks are its symbolic links, target first.
var devLinks = [...][2]string{
	{"/proc/self/fd", "fd"}, {"/proc/self/fd/0", "stdin"}, {"/proc/self/fd/1", "stdout"}, {"/proc/self/fd/2", "stderr"}, {"pts/ptmx", "ptmx"},
}

const shmOptions = "mode=1777"

// devices makes a minimal /dev. In a fresh root its entries lie in that root; elsewhere it is a tmpfs, filled by descriptor.
func (c *compiler) devices(m *specs.Mount, target string, t spot) error {
	c.p.PTY.Slot = -1
	if t.trusted && c.lay.cover(target).target == "/" {
		c.deviceEntries(t.rel + "/")
		return nil
	}
	if err := c.newFS("tmpfs", m.Destination, []string{"mode=0755", "size=64k"}, attrNOSUID|attrNOEXEC, slotSource); err != nil {
		return err
	}
	if !c.contained {
		c.attach(m.Destination, t)
		c.deviceEntries(t.rel + "/")
		return nil
	}
	c.attachWith(m.Destination, t, func() { c.deviceEntries("") })
	return nil
}

// deviceEntries makes what lies in a minimal /dev; at is its path with a slash, or empty in the directory itself.
func (c *compiler) deviceEntries(at string) {
	b := &c.b
	for _, name := range devNodes {
		// A node in a place where only the kernel looks: bound, not made, because mknod(2) needs the host's root.
		b.Do(launch.Mknodat, "/dev/"+name, launch.I(atFDCWD), b.Str(at+name), launch.I(syscall.S_IFREG|0o666), launch.I(0)).Accept(syscall.EEXIST)
		c.bindDevice(name, at+name, "/dev/"+name)
	}
	for _, l := range devLinks {
		b.Do(launch.Symlinkat, "/dev/"+l[1], b.Str(l[0]), launch.I(atFDCWD), b.Str(at+l[1])).Accept(syscall.EEXIST)
	}
	b.Do(launch.Mkdirat, "/dev/pts", launch.I(atFDCWD), b.Str(at+"pts"), launch.I(0o755)).Accept(syscall.EEXIST)
	b.Do(launch.Mount, "/dev/pts", b.Str("devpts"), b.Str(at+"pts"), b.Str("devpts"), launch.I(syscall.MS_NOSUID|syscall.MS_NOEXEC), b.Str("newinstance,ptmxmode=0666,mode=0620"))
	b.Do(launch.Mkdirat, "/dev/shm", launch.I(atFDCWD), b.Str(at+"shm"), launch.I(0o755)).Accept(syscall.EEXIST)
	b.Do(launch.Mount, "/dev/shm", b.Str("tmpfs"), b.Str(at+"shm"), b.Str("tmpfs"), launch.I(syscall.MS_NOSUID|syscall.MS_NODEV), b.Str(shmOptions))
	if c.wantTerminal() {
		c.openTerminal(at)
	}
}

// bindDevice puts a device of the host at a path of the new tree.
func (c *compiler) bindDevice(name, rel, subject string) {
	b := &c.b
	if !c.contained {
		b.Do(launch.Mount, subject, b.Str("/dev/"+name), b.Str(rel), launch.I(0), launch.I(syscall.MS_BIND), launch.I(0))
		return
	}
	b.Do(launch.OpenTree, subject, launch.S(slotOld), b.Str("dev/"+name), launch.I(openTreeClone|openTreeCloexec)).To(slotSource)
	b.Do(launch.MoveMount, subject, launch.S(slotSource), b.Str(""), launch.I(atFDCWD), b.Str(rel), launch.I(moveMountFromEmpty))
	b.Do(launch.Close, subject, launch.S(slotSource))
}

// wantTerminal reports whether the program gets a terminal of its own.
func (c *compiler) wantTerminal() bool { return c.doc.OCI.Process.Terminal }

// openTerminal makes a pty in the new devpts while its path is still at hand; the parent fetches the master.
func (c *compiler) openTerminal(at string) {
	b := &c.b
	from := c.doc.Origin(spec.FieldTerminal)
	b.Do(launch.Openat, "/dev/ptmx", launch.I(atFDCWD), b.Str(at+"pts/ptmx"), launch.I(syscall.O_RDWR|oNoctty|oCloexec), launch.I(0)).To(slotMaster)
	b.Do(launch.Ioctl, "unlock the terminal", launch.S(slotMaster), launch.I(ioctlTIOCSPTLCK), b.Words(0))
	b.Do(launch.Ioctl, "the terminal", launch.S(slotMaster), launch.I(ioctlTIOCGPTPEER), launch.I(syscall.O_RDWR|oNoctty|oCloexec)).To(slotTerminal)
	c.p.PTY.Slot, c.ownTerminal = slotMaster, true
	c.layer("terminal", "a terminal of its own", "pty in its own devpts, relayed", from)
}

// terminal starts the session. With a terminal of its own, process 1 leads the session and the program is its foreground
// job, so that Ctrl-Z can stop it: a session leader's own process group is orphaned, and such groups are not stopped.
func (c *compiler) terminal() error {
	b := &c.b
	c.p.KeepFDs, c.terminalReady = c.doc.Ext.FDs, true
	if !c.wantTerminal() {
		return nil
	}
	from := c.doc.Origin(spec.FieldTerminal)
	b.Asked(from)
	c.p.PTY.Want = true
	c.p.PTY.Stdio = c.f.Terminals
	if c.p.PTY.Stdio == [3]bool{} {
		c.p.PTY.Stdio = [3]bool{true, true, true}
	}
	if !c.ownTerminal { // there is no devpts of its own
		c.p.PTY.Slot = -1
		c.p.PTY.Host = launch.HostFirst + len(c.p.Descs)
		c.p.Descs = append(c.p.Descs, plan.Desc{Kind: plan.DescTerminal, From: from})
		c.layer("terminal", "a terminal of its own", "pty of the host's devpts, relayed", from)
	} else {
		b.Do(launch.Sync, "the terminal", launch.I(plan.StagePTY), launch.H(launch.HostReport))
		b.Do(launch.Close, "the terminal's other end", launch.S(slotMaster))
	}
	b.Do(launch.Setsid, "session")
	b.Do(launch.Ioctl, "controlling terminal", c.terminalArg(), launch.I(ioctlTIOCSCTTY), launch.I(0))
	return nil
}

func (c *compiler) terminalArg() launch.Arg {
	if c.p.PTY.Slot >= 0 {
		return launch.S(slotTerminal)
	}
	return launch.H(c.p.PTY.Host)
}

// stdio puts the terminal in the place of the caller's, and makes the program its foreground job.
func (c *compiler) stdio(b *launch.Builder) {
	if !c.p.PTY.Want {
		if c.doc.Ext.NewSession {
			b.Asked(c.doc.Origin(spec.FieldTerminal))
			b.Do(launch.Setsid, "session")
		}
		return
	}
	b.Asked(c.doc.Origin(spec.FieldTerminal))
	if !c.p.NoInit {
		b.Do(launch.Setpgid, "process group", launch.I(0), launch.I(0))
		// The first process of a new pid namespace is 1, so its first child is 2.
		b.Do(launch.Ioctl, "foreground job", c.terminalArg(), launch.I(ioctlTIOCSPGRP), b.Words(2))
	}
	for fd, on := range c.p.PTY.Stdio {
		if on {
			b.Do(launch.Dup3, "descriptor of the terminal", c.terminalArg(), launch.I(fd), launch.I(0))
		}
	}
}

// masks hides and freezes what the runtime-spec names, where it exists.
func (c *compiler) masks() error {
	if c.doc.OCI.Linux != nil && !c.maskedProc {
		c.maskBelow("")
	}
	return nil
}

// maskBelow does that for the paths below top, by paths relative to top; all paths for an empty top.
func (c *compiler) maskBelow(top string) {
	l := c.doc.OCI.Linux
	c.b.Asked(source.Origin{})
	n := 0
	for _, name := range l.MaskedPaths {
		if rel, ok := c.maskable(top, name); ok {
			c.mask(name, rel)
			n++
		}
	}
	for _, name := range l.ReadonlyPaths {
		if rel, ok := c.maskable(top, name); ok {
			c.b.Do(launch.Mount, name, c.b.Str(rel), c.b.Str(rel), launch.I(0), launch.I(syscall.MS_BIND|syscall.MS_REC), launch.I(0))
			c.b.Do(launch.MountSetattr, name, launch.I(atFDCWD), c.b.Str(rel), launch.I(atRecursive), c.attr(attrRDONLY|attrNOSUID|attrNODEV|attrNOEXEC, 0), launch.I(sizeMountAttr))
			n++
		}
	}
	if n > 0 {
		c.layer("mount.proc", "kernel settings and memory out of reach", "masked and read-only paths below /proc", source.Origin{})
	}
}

// maskable reports whether a path is there to be masked, and its path relative to the working directory: it exists on the
// host, and a kernel file system lies there.
func (c *compiler) maskable(top, name string) (rel string, ok bool) {
	if top == "" {
		if c.lay.cover(name).kind != placeKernel {
			return "", false
		}
		rel = below("/", name)
	} else if rel = below(top, name); !within(top, name) || rel == "" {
		return "", false
	}
	_, ok = kindOf(c.f, "", name)
	return rel, ok
}

func (c *compiler) mask(name, rel string) {
	if k, _ := kindOf(c.f, "", name); k == host.Directory {
		c.b.Do(launch.Mount, name, c.b.Str("tmpfs"), c.b.Str(rel), c.b.Str("tmpfs"), launch.I(syscall.MS_RDONLY|syscall.MS_NOSUID|syscall.MS_NODEV|syscall.MS_NOEXEC), c.b.Str("size=4k,nr_inodes=2"))
		return
	}
	c.bindDevice("null", rel, name)
}
