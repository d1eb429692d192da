package compile

import (
	"strconv"
	"syscall"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/seed-0dbaba02/carrel/internal/host"
	"github.com/seed-0dbaba02/carrel/internal/launch"
	"github.com/seed-0dbaba02/carrel/internal/source"
	"github.com/seed-0dbaba02/carrel/internal/spec"
)

// entry makes a symbolic link, a directory or a file, or hides a path.
func (c *compiler) entry(e *spec.Entry) error {
	c.b.Asked(e.From)
	target := c.lay.follow(e.Path)
	if e.Kind == spec.EntrySymlink { // the link itself may replace one of ours
		target = join(c.lay.follow(parent(e.Path)), e.Path[len(parent(e.Path)):])
		target = clean(target)
	}
	p := c.lay.cover(target)
	if e.Kind == spec.EntryHide {
		return c.hide(e, target, p)
	}
	if e.Kind == spec.EntryFile && p.kind != placeOurs {
		return c.fileOver(e, target)
	}
	if p.kind != placeOurs {
		if e.Kind == spec.EntryDir && c.exists(target) == host.Directory {
			return nil
		}
		return &source.Error{From: e.From, Text: "make " + string(e.Kind) + " " + e.Path + ": its directory belongs to the host", Hint: "put a --tmpfs over the directory first; carrel makes nothing in a directory of the host"}
	}
	c.parents(p, target)
	rel := below("/", target)
	switch e.Kind {
	case spec.EntrySymlink:
		c.b.Do(launch.Symlinkat, e.Path, c.b.Str(e.Target), launch.I(atFDCWD), c.b.Str(rel))
		c.lay.links = append(c.lay.links, *e)
	case spec.EntryDir:
		c.mkdir(target, mode(e.Mode, 0o755))
	case spec.EntryFile:
		c.writeFile(e, launch.I(atFDCWD), rel)
	default:
		return &source.Error{From: e.From, Text: "make " + e.Path + ": no such kind of entry: " + string(e.Kind)}
	}
	return nil
}

func mode(asked, otherwise uint32) uint32 {
	if asked == 0 {
		return otherwise
	}
	return asked
}

// exists says what is at a path of the tree so far.
func (c *compiler) exists(target string) host.Kind {
	root, name, ok := c.lay.behind(target)
	if !ok {
		return host.Missing
	}
	k, _ := kindOf(c.f, root, name)
	return k
}

// writeFile writes a new file in a tree of our own.
func (c *compiler) writeFile(e *spec.Entry, dir launch.Arg, rel string) {
	b := &c.b
	flags := uint64(syscall.O_WRONLY | syscall.O_CREAT | syscall.O_TRUNC | oNofollow | oCloexec)
	b.Do(launch.Openat, e.Path, dir, b.Str(rel), launch.I(flags), launch.I(mode(e.Mode, 0o644))).To(slotFS)
	if len(e.Data) > 0 {
		b.Do(launch.Write, e.Path, launch.S(slotFS), b.Raw(e.Data), launch.I(len(e.Data)))
	}
	b.Do(launch.Close, e.Path, launch.S(slotFS))
}

// scratchDir makes, once, a tmpfs that only this launch sees, for files that are mounted elsewhere. It lies on top of "/",
// where no path leads that begins at a directory below it, and is taken down when the tree is complete.
func (c *compiler) scratchDir() {
	if c.scratch {
		return
	}
	c.scratch = true
	_ = c.newFS("tmpfs", "single files", []string{"mode=0755"}, attrNOSUID|attrNODEV, slotScratch)
	c.b.Do(launch.MoveMount, "single files", launch.S(slotScratch), c.b.Str(""), launch.I(atFDCWD), c.b.Str("/"), launch.I(moveMountFromEmpty))
}

// dropScratch takes that tmpfs down; what was mounted from it stays.
func (c *compiler) dropScratch() {
	if !c.scratch {
		return
	}
	c.b.Do(launch.Fchdir, "single files", launch.S(slotScratch))
	c.b.Do(launch.Umount2, "single files", c.b.Str("."), launch.I(mntDetach))
	if c.rootIn {
		c.b.Do(launch.Fchdir, "the new root", launch.S(slotRoot))
	} else {
		c.b.Do(launch.Chdir, "/", c.b.Str("/"))
	}
	c.b.Do(launch.Close, "single files", launch.S(slotScratch))
}

// fileOver puts a file with given content over one of the host's, which stays as it is.
func (c *compiler) fileOver(e *spec.Entry, target string) error {
	t, err := c.target(e.Path, target, false, e.From)
	if err != nil {
		return err
	}
	if !t.trusted {
		c.b.Do(launch.Close, e.Path, launch.S(slotTarget))
	}
	c.scratchDir()
	c.files++
	name := "file" + strconv.Itoa(c.files)
	c.writeFile(e, launch.S(slotScratch), name)
	c.cover(e.Path, name, t, attrNOSUID|attrNODEV)
	c.lay.places = append(c.lay.places, place{target: target, kind: placeKernel, rw: true, file: true})
	c.layer("mount "+e.Path, "a file of its own", "bind mount of a file in memory", e.From)
	return nil
}

// cover binds a file of the scratch directory over a spot.
func (c *compiler) cover(subject, name string, t spot, attr uint64) {
	b := &c.b
	b.Do(launch.OpenTree, subject, launch.S(slotScratch), b.Str(name), launch.I(openTreeClone|openTreeCloexec)).To(slotSource)
	b.Do(launch.MountSetattr, subject, launch.S(slotSource), b.Str(""), launch.I(atEmptyPath), c.attr(attr, 0), launch.I(sizeMountAttr))
	if !t.trusted {
		c.openInside(subject, t.rel)
	}
	c.attach(subject, t)
}

// hide makes a path unreadable and, where the program could otherwise create it, uncreatable, without touching the host.
func (c *compiler) hide(e *spec.Entry, target string, p *place) error {
	kind := c.exists(target)
	c.layer("hide "+e.Path, "neither readable nor creatable", "an unreadable mount over it, or a read-only directory around it", e.From)
	switch {
	case p.kind == placeOurs:
		return c.hideOurs(e, target, p)
	case kind == host.Missing && !p.rw:
		return nil // it is not there, and nothing can be created in a read-only place
	case p.rw && p.kind == placeBind:
		return c.hideWritable(e, target, p, kind)
	case kind == host.Missing:
		return &source.Error{From: e.From, Text: "hide " + e.Path + ": it does not exist, and its directory is writable", Hint: "grant the directory by --rw, or make the rootfs read-only"}
	}
	return c.hideMount(e, target, kind == host.Directory)
}

// hideOurs reserves a name in a tmpfs of our own.
func (c *compiler) hideOurs(e *spec.Entry, target string, p *place) error {
	if target == p.target {
		c.mountHidden(e.Path, spot{below("/", target), true}, true)
		return nil
	}
	c.parents(p, target)
	dir := contains(c.lay.dirs, target)
	rel := below("/", target)
	if !dir {
		c.b.Do(launch.Mknodat, e.Path, launch.I(atFDCWD), c.b.Str(rel), launch.I(syscall.S_IFREG), launch.I(0)).Accept(syscall.EEXIST)
	}
	c.mountHidden(e.Path, spot{rel, true}, dir)
	return nil
}

// hideMount lays an unreadable file or directory over an existing path.
func (c *compiler) hideMount(e *spec.Entry, target string, dir bool) error {
	t, err := c.target(e.Path, target, dir, e.From)
	if err != nil {
		return err
	}
	c.mountHidden(e.Path, t, dir)
	c.lay.places = append(c.lay.places, place{target: target, kind: placeKernel, closed: true})
	return nil
}

// mountHidden lays an empty read-only directory, or a file that nobody may open, over a spot.
func (c *compiler) mountHidden(subject string, t spot, dir bool) {
	b := &c.b
	const attr = attrRDONLY | attrNOSUID | attrNODEV | attrNOEXEC
	if dir {
		if t.trusted {
			b.Do(launch.Mount, subject, b.Str("tmpfs"), b.Str(t.rel), b.Str("tmpfs"), launch.I(mountFlags(attr)), b.Str("mode=0,size=4k,nr_inodes=2"))
			return
		}
		b.Do(launch.Close, subject, launch.S(slotTarget))
		_ = c.newFS("tmpfs", subject, []string{"mode=0", "size=4k", "nr_inodes=2"}, attr, slotSource)
		c.openInside(subject, t.rel)
		c.attach(subject, t)
		return
	}
	if !t.trusted {
		b.Do(launch.Close, subject, launch.S(slotTarget))
	}
	c.scratchDir()
	if !c.hidden {
		c.hidden = true
		b.Do(launch.Mknodat, "the hidden file", launch.S(slotScratch), b.Str("hidden"), launch.I(syscall.S_IFREG), launch.I(0))
	}
	c.cover(subject, "hidden", t, attr)
}

// hideWritable hides a path in a tree that the program may write to. Every directory between the grant and the path becomes a
// mount of its own, because a mount point can be neither renamed nor removed; and where the path does not exist, the deepest
// directory that does is made read-only, with all that it holds mounted writable again, so that no new name can appear in it.
func (c *compiler) hideWritable(e *spec.Entry, target string, p *place, kind host.Kind) error {
	grant, src := p.target, p.source
	dir, missing := parent(target), kind == host.Missing
	for missing && dir != grant && dir != "/" && c.exists(dir) != host.Directory {
		dir = parent(dir)
	}
	chain := []string{}
	for d := dir; d != grant && within(grant, d); d = parent(d) {
		chain = append(chain, d)
	}
	for i := len(chain) - 1; i >= 0; i-- {
		if missing && i == 0 {
			break
		}
		if err := c.rebind(chain[i], join(src, below(grant, chain[i])), "rw", e.From); err != nil {
			return err
		}
	}
	if !missing {
		return c.hideMount(e, target, kind == host.Directory)
	}
	from := join(src, below(grant, dir))
	f := c.f.Find("", from)
	if f == nil || f.Kind != host.Directory {
		return &source.Error{From: e.From, Text: "hide " + e.Path + ": " + from + " cannot be listed"}
	}
	if err := c.rebind(dir, from, "ro", e.From); err != nil {
		return err
	}
	for _, name := range f.Names {
		if at := c.f.Find("", join(from, name)); at != nil && at.Kind == host.Symlink {
			continue // nothing is written through the link itself, and a read-only directory keeps it in place
		}
		if err := c.rebind(join(dir, name), join(from, name), "rw", e.From); err != nil {
			return err
		}
	}
	c.p.Warnings = append(c.p.Warnings, source.Warning{From: e.From, Text: "no new names can be made in " + dir + " while " + e.Path + " is hidden: that is what keeps it from being created"})
	return nil
}

// rebind mounts part of a granted tree onto itself.
func (c *compiler) rebind(target, src, access string, from source.Origin) error {
	m := &specs.Mount{Type: "bind", Source: src, Destination: target, Options: []string{"rbind", access, "nosuid", "nodev"}}
	k, ok := kindOf(c.f, "", src)
	if !ok {
		return &source.Error{From: from, Text: "bind " + src + ": no such file or directory"}
	}
	t, err := c.target(target, target, k == host.Directory, from)
	if err != nil {
		return err
	}
	set := attributes(m.Options)
	c.b.Do(launch.Close, target, launch.S(slotTarget))
	c.sourceTree(src, set, k == host.Directory, c.mapped())
	c.openInside(target, t.rel)
	c.attach(target, t)
	c.lay.add(m, target).file = k != host.Directory
	return nil
}
