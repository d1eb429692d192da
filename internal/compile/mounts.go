package compile

import (
	"strings"
	"syscall"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/seed-0dbaba02/carrel/internal/host"
	"github.com/seed-0dbaba02/carrel/internal/launch"
	"github.com/seed-0dbaba02/carrel/internal/linux"
	"github.com/seed-0dbaba02/carrel/internal/source"
	"github.com/seed-0dbaba02/carrel/internal/spec"
)

// mounts builds what the program sees.
func (c *compiler) mounts() error {
	nothing := len(c.doc.OCI.Mounts) == 0 && len(c.doc.Ext.Entries) == 0 && c.doc.Ext.Root == spec.RootHost
	if nothing && c.news&linux.CloneNewns == 0 {
		return nil
	}
	from := c.doc.Origin(spec.FieldRootfs)
	if (c.news|c.join)&linux.CloneNewns == 0 {
		return &source.Error{From: from, Text: "mount: without a mount namespace of its own the program would change the host's", Hint: "add --ns mount"}
	}
	c.b.Asked(from)
	c.b.Do(launch.MountSetattr, "/ private", launch.I(atFDCWD), c.b.Str("/"), launch.I(atRecursive), c.attr(0, syscall.MS_PRIVATE), launch.I(sizeMountAttr))
	c.layer("mount.propagation", "nothing is propagated in or out", "mount_setattr(2): private, recursive", from)
	if err := c.root(); err != nil {
		return err
	}
	var failed error
	walk(c.doc, func(i int, e *spec.Entry) {
		if failed != nil {
			return
		}
		if e != nil {
			failed = c.entry(e)
			return
		}
		failed = c.mount(i)
	})
	if failed != nil {
		return failed
	}
	if err := c.masks(); err != nil {
		return err
	}
	c.sealRoot()
	return nil
}

// root lays the new root over the old one. Paths that begin at "/" keep meaning the old tree until pivot_root, because a
// process's root directory is below what is mounted on top of it.
func (c *compiler) root() error {
	b := &c.b
	switch c.doc.Ext.Root {
	case spec.RootHost:
		b.Do(launch.Chdir, "/", b.Str("/"))
		return nil
	case spec.RootFresh:
		if err := c.newFS("tmpfs", "/", rootOptions(c.doc), attrNOSUID|attrNODEV, slotRoot); err != nil {
			return err
		}
		c.layer("root", "an empty tree of its own", "tmpfs, pivot_root(2), read-only", c.doc.Origin(spec.FieldRootfs))
	case spec.RootDir:
		dir := c.doc.OCI.Root.Path
		if p := c.f.Find("", dir); p != nil && p.To != host.Directory {
			return &source.Error{From: c.doc.Origin(spec.FieldRootfs), Text: "use " + dir + " as the root: not a directory"}
		}
		attr := uint64(attrNOSUID | attrNODEV)
		if c.doc.OCI.Root.Readonly {
			attr |= attrRDONLY
		}
		c.sourceTree(dir, attr, true, c.mapped())
		b.Do(launch.MoveMount, dir+" as the root", launch.S(slotSource), b.Str(""), launch.I(atFDCWD), b.Str("/"), launch.I(moveMountFromEmpty))
		b.Do(launch.Fcntl, dir, launch.S(slotSource), launch.I(syscall.F_DUPFD_CLOEXEC), launch.I(0)).To(slotRoot)
		b.Do(launch.Close, dir, launch.S(slotSource))
		c.contain(dir)
		c.layer("root", dir, "pivot_root(2)", c.doc.Origin(spec.FieldRootfs))
		return nil
	}
	b.Do(launch.MoveMount, "the new root", launch.S(slotRoot), b.Str(""), launch.I(atFDCWD), b.Str("/"), launch.I(moveMountFromEmpty))
	if c.nested() {
		c.contain("the new root")
	} else {
		b.Do(launch.Fchdir, "the new root", launch.S(slotRoot))
		c.rootIn = true
	}
	return nil
}

// contain makes the new root this process's root while it is filled. Whoever can write to a rootfs or a granted directory may
// swap a directory in it for a link at any moment; now a link cannot lead anywhere else. The old tree is reached by
// descriptor only.
func (c *compiler) contain(subject string) {
	b := &c.b
	b.Do(launch.Openat, "the old root", launch.I(atFDCWD), b.Str("/"), launch.I(oPath|oCloexec), launch.I(0)).To(slotOld)
	b.Do(launch.Fchdir, subject, launch.S(slotRoot))
	b.Do(launch.Chroot, subject, b.Str("."))
	c.rootIn, c.contained = true, true
}

// nested reports whether something will lie below a bind of host files, so that a path to it leads through a directory that
// others can change.
func (c *compiler) nested() bool {
	found := false
	l := newLayout(c.doc)
	walk(c.doc, func(i int, e *spec.Entry) {
		if e != nil {
			if e.Kind == spec.EntrySymlink {
				l.links = append(l.links, *e)
			}
			return
		}
		m := &c.doc.OCI.Mounts[i]
		target := l.follow(m.Destination)
		found = found || target != "/" && l.cover(target).kind == placeBind && !isBind(m)
		l.add(m, target)
	})
	return found
}

func rootOptions(d *spec.Doc) []string {
	for i := range d.OCI.Mounts {
		if d.OCI.Mounts[i].Destination == "/" {
			return d.OCI.Mounts[i].Options
		}
	}
	return []string{"mode=0755"}
}

// newFS makes a detached file system with fsopen(2); options that are mount attributes are left out.
func (c *compiler) newFS(kind, subject string, options []string, attr uint64, slot int) error {
	b := &c.b
	b.Do(launch.Fsopen, kind+" for "+subject, b.Str(kind), launch.I(1)).To(slotFS)
	for _, o := range options {
		if _, ok := attribute(o); ok || propagation(o) {
			continue
		}
		key, value, found := strings.Cut(o, "=")
		if !found {
			b.Do(launch.Fsconfig, o+" for "+subject, launch.S(slotFS), launch.I(fsconfigFlag), b.Str(o), launch.I(0), launch.I(0))
			continue
		}
		b.Do(launch.Fsconfig, o+" for "+subject, launch.S(slotFS), launch.I(fsconfigString), b.Str(key), b.Str(value), launch.I(0))
	}
	b.Do(launch.Fsconfig, kind+" for "+subject, launch.S(slotFS), launch.I(fsconfigCreate), launch.I(0), launch.I(0), launch.I(0))
	b.Do(launch.Fsmount, kind+" for "+subject, launch.S(slotFS), launch.I(1), launch.I(attr)).To(slot)
	b.Do(launch.Close, kind+" for "+subject, launch.S(slotFS))
	return nil
}

// attr puts struct mount_attr into the data.
func (c *compiler) attr(set, propagation uint64) launch.Arg {
	return c.b.Words(set, 0, propagation, 0)
}

// attribute translates a mount option of the runtime-spec into a mount attribute.
func attribute(option string) (set uint64, ok bool) {
	switch option {
	case "ro", "rro":
		return attrRDONLY, true
	case "nosuid", "rnosuid":
		return attrNOSUID, true
	case "nodev", "rnodev":
		return attrNODEV, true
	case "noexec", "rnoexec":
		return attrNOEXEC, true
	case "noatime":
		return attrNOATIME, true
	case "nosymfollow":
		return attrNOSYMFOLLOW, true
	case "rw", "rrw", "suid", "dev", "exec", "defaults", "bind", "rbind", "async", "atime", "relatime", "diratime":
		return 0, true
	}
	return 0, false
}

func propagation(option string) bool {
	switch option {
	case "private", "rprivate", "slave", "rslave", "shared", "rshared", "unbindable", "runbindable":
		return true
	}
	return false
}

func attributes(options []string) (set uint64) {
	for _, o := range options {
		if s, ok := attribute(o); ok {
			set |= s
		}
	}
	return set
}

// mount places mount number i.
func (c *compiler) mount(i int) error {
	m, from := &c.doc.OCI.Mounts[i], c.doc.MountOrigin(i)
	if m.Destination == "/" {
		return nil // the root itself; see root
	}
	if !strings.HasPrefix(m.Destination, "/") {
		return &source.Error{From: from, Text: "mount " + m.Destination + ": the target is not an absolute path"}
	}
	c.b.Asked(from)
	target := c.lay.follow(m.Destination)
	dir, skip, err := c.directoryWanted(m, target, from)
	if err != nil || skip {
		return err
	}
	t, err := c.target(m.Destination, target, dir, from)
	if err != nil {
		return err
	}
	switch {
	case m.Type == "tmpfs" && m.Source == DevSource:
		err = c.devices(m, target, t)
	case isBind(m):
		c.bind(m, t)
	default:
		err = c.fresh(m, t, from)
	}
	c.lay.add(m, target).file = !dir
	c.mountLayer(m, from)
	return err
}

func (c *compiler) mountLayer(m *specs.Mount, from source.Origin) {
	how := m.Type
	asked := "a new " + m.Type
	if isBind(m) {
		how, asked = "bind mount, recursive", "the host's "+m.Source
	}
	if m.Source == DevSource {
		how, asked = "tmpfs, bind mounts of single devices, own devpts", "a minimal /dev"
	}
	if readonly(m) {
		asked += ", read-only"
	} else {
		asked += ", writable"
	}
	c.layer("mount "+m.Destination, asked, how, from)
}

// directoryWanted says whether a mount needs a directory to lie on, and whether an optional mount is to be left out because
// the rootfs has no place for it.
func (c *compiler) directoryWanted(m *specs.Mount, target string, from source.Origin) (dir, skip bool, err error) {
	dir = true
	if isBind(m) {
		p := c.f.Find("", m.Source)
		if p == nil || p.Kind == host.Missing {
			return false, false, &source.Error{From: from, Text: "bind " + m.Source + ": no such file or directory"}
		}
		dir = p.To == host.Directory
	}
	root, name, behind := c.lay.behind(target)
	if !behind || !contains(c.doc.Ext.Optional, m.Destination) {
		return dir, false, nil
	}
	if p := c.f.Find(root, name); p == nil || p.Kind == host.Missing {
		c.p.Warnings = append(c.p.Warnings, source.Warning{From: from, Text: "the rootfs has no " + m.Destination + ", so nothing is mounted there"})
		return dir, true, nil
	}
	return dir, false, nil
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// spot is a prepared mount point: a path that may be used as it is, or a descriptor in slotTarget.
type spot struct {
	rel     string // relative to the working directory, which is the top of the new tree
	trusted bool   // nobody else can have put a link there
}

// target makes sure that there is something to mount on. In trees of our own it is made; in the host's or a rootfs it must be
// there already, and is opened in a way that cannot leave the tree.
func (c *compiler) target(asked, target string, dir bool, from source.Origin) (spot, error) {
	p := c.lay.cover(target)
	rel := below("/", target)
	if rel == "" {
		rel = "."
	}
	if p.kind == placeKernel {
		return spot{rel, true}, nil
	}
	if p.kind == placeOurs {
		c.parents(p, target)
		if dir {
			c.mkdir(target, 0o755)
		} else {
			c.b.Do(launch.Mknodat, asked, launch.I(atFDCWD), c.b.Str(rel), launch.I(syscall.S_IFREG|0o444), launch.I(0)).Accept(syscall.EEXIST)
		}
		return spot{rel, true}, nil
	}
	root, name, _ := c.lay.behind(target)
	if err := c.checkTarget(asked, root, name, dir, from); err != nil {
		return spot{}, err
	}
	c.openInside(asked, rel)
	return spot{rel, false}, nil
}

// checkTarget refuses by name what mount would refuse by errno.
func (c *compiler) checkTarget(asked, root, name string, dir bool, from source.Origin) error {
	f := c.f.Find(root, name)
	where := name
	if root != "" {
		where = root + name
	}
	switch {
	case f == nil || f.Kind == host.Missing:
		return &source.Error{From: from, Text: "mount " + asked + ": there is no " + where + " to mount on", Hint: "create it first; carrel makes nothing in a directory of the host"}
	case f.Kind == host.Symlink && root != "" && (asked == "/proc" || asked == "/dev" || asked == "/sys"):
		return &source.Error{From: from, Text: "mount " + asked + ": " + where + " is a symbolic link in the rootfs", Hint: "make it a directory"}
	case dir && f.To != host.Directory && f.Kind != host.Directory:
		return &source.Error{From: from, Text: "mount " + asked + ": " + where + " is not a directory"}
	case !dir && f.To == host.Directory:
		return &source.Error{From: from, Text: "mount " + asked + ": " + where + " is a directory, and the source is not"}
	}
	return nil
}

// openInside opens a path of the new tree, never leaving it, into slotTarget.
func (c *compiler) openInside(asked, rel string) {
	c.b.Do(launch.Openat2, asked, launch.I(atFDCWD), c.b.Str(rel), c.b.Words(oPath|oCloexec, 0, resolveInRoot|resolveNoMagiclinks), launch.I(sizeOpenHow)).To(slotTarget)
}

// parents makes the directories between a place of our own and a path in it.
func (c *compiler) parents(p *place, target string) {
	rel := below(p.target, parent(target))
	dir := p.target
	for rel != "" {
		var name string
		name, rel, _ = strings.Cut(rel, "/")
		dir = join(dir, name)
		c.mkdir(dir, 0o755)
	}
}

// mkdir makes a directory in a tree of our own, once.
func (c *compiler) mkdir(target string, mode uint32) {
	if target == "/" || contains(c.lay.dirs, target) {
		return
	}
	c.lay.dirs = append(c.lay.dirs, target)
	rel := below("/", target)
	c.b.Do(launch.Mkdirat, target, launch.I(atFDCWD), c.b.Str(rel), launch.I(mode)).Accept(syscall.EEXIST)
}

// attach puts the detached mount in slotSource onto a prepared spot.
func (c *compiler) attach(subject string, t spot) { c.attachWith(subject, t, nil) }

// attachWith does the same, and makes what inside asks for with the new mount as its working directory: held by descriptor,
// it stays the right one whatever happens to the path.
func (c *compiler) attachWith(subject string, t spot, inside func()) {
	b := &c.b
	if t.trusted {
		b.Do(launch.MoveMount, subject, launch.S(slotSource), b.Str(""), launch.I(atFDCWD), b.Str(t.rel), launch.I(moveMountFromEmpty))
	} else {
		b.Do(launch.MoveMount, subject, launch.S(slotSource), b.Str(""), launch.S(slotTarget), b.Str(""), launch.I(moveMountFromEmpty|moveMountToEmpty))
		b.Do(launch.Close, subject, launch.S(slotTarget))
	}
	if inside != nil {
		b.Do(launch.Fcntl, subject, launch.S(slotSource), launch.I(syscall.F_DUPFD_CLOEXEC), launch.I(0)).To(slotInside)
		b.Do(launch.Close, subject, launch.S(slotSource))
		b.Do(launch.Fchdir, subject, launch.S(slotInside))
		inside()
		b.Do(launch.Fchdir, "the new root", launch.S(slotRoot))
		b.Do(launch.Close, subject, launch.S(slotInside))
		return
	}
	b.Do(launch.Close, subject, launch.S(slotSource))
}

// fresh mounts a new file system.
func (c *compiler) fresh(m *specs.Mount, t spot, from source.Origin) error {
	b, set := &c.b, attributes(m.Options)
	if !t.trusted {
		if err := c.newFS(m.Type, m.Destination, m.Options, set, slotSource); err != nil {
			return err
		}
		if c.contained && m.Type == "proc" {
			c.maskedProc = true
			c.attachWith(m.Destination, t, func() { c.maskBelow(m.Destination) })
			return nil
		}
		c.attach(m.Destination, t)
		return nil
	}
	var data []string
	for _, o := range m.Options {
		if _, ok := attribute(o); !ok && !propagation(o) {
			data = append(data, o)
		}
	}
	for _, o := range data {
		if strings.ContainsRune(o, ',') {
			return &source.Error{From: from, Text: "mount " + m.Destination + ": option " + o + " holds a comma"}
		}
	}
	arg := launch.I(0)
	if len(data) > 0 {
		arg = b.Str(strings.Join(data, ","))
	}
	name := m.Source
	if name == "" {
		name = m.Type
	}
	b.Do(launch.Mount, m.Destination, b.Str(name), b.Str(t.rel), b.Str(m.Type), launch.I(mountFlags(set)), arg)
	return nil
}

// mountFlags turns attributes into the flags of mount(2).
func mountFlags(set uint64) (flags uint64) {
	for _, p := range [...][2]uint64{{attrRDONLY, syscall.MS_RDONLY}, {attrNOSUID, syscall.MS_NOSUID}, {attrNODEV, syscall.MS_NODEV}, {attrNOEXEC, syscall.MS_NOEXEC}, {attrNOATIME, syscall.MS_NOATIME}} {
		if set&p[0] != 0 {
			flags |= p[1]
		}
	}
	return flags
}

// sealRoot makes an own root read-only and enters it.
func (c *compiler) sealRoot() {
	b := &c.b
	b.Asked(c.doc.Origin(spec.FieldRootfs))
	c.dropScratch()
	if !c.rootIn {
		return
	}
	if c.doc.Ext.Root == spec.RootFresh && c.doc.OCI.Root != nil && c.doc.OCI.Root.Readonly {
		b.Do(launch.MountSetattr, "/ read-only", launch.I(atFDCWD), b.Str("."), launch.I(0), c.attr(attrRDONLY, 0), launch.I(sizeMountAttr))
	}
	if c.contained {
		b.Do(launch.Fchdir, "the old root", launch.S(slotOld))
		b.Do(launch.Chroot, "the old root", b.Str("."))
		b.Do(launch.Fchdir, "the new root", launch.S(slotRoot))
	}
	b.Do(launch.PivotRoot, "the new root", b.Str("."), b.Str("."))
	if c.p.NoInit {
		c.dropOldRoot()
	}
}

// dropOldRoot detaches the host's tree, which pivot_root left on top of the new one.
func (c *compiler) dropOldRoot() {
	c.b.Asked(c.doc.Origin(spec.FieldRootfs))
	c.b.Do(launch.Umount2, "the old root", c.b.Str("."), launch.I(mntDetach))
}
