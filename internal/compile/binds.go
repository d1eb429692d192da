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

// sourceTree leaves a detached copy of a host path's mounts in slotSource, with the attributes set throughout. Granted trees
// of a root caller come from the parent, id-mapped, because the child no longer has root's access to them.
func (c *compiler) sourceTree(path string, attr uint64, dir, mapped bool) {
	b := &c.b
	if mapped {
		c.p.Descs = append(c.p.Descs, plan.Desc{Kind: plan.DescTree, Path: path, Attr: attr, File: !dir, From: c.origin()})
		b.Do(launch.Recv, path, launch.H(launch.HostSocket)).To(slotSource)
		c.trees++
		return
	}
	recursive := uint64(0)
	if dir {
		recursive = atRecursive
	}
	from, name := launch.I(atFDCWD), path
	if c.contained {
		from, name = launch.S(slotOld), below("/", path)
		if name == "" {
			name = "."
		}
	}
	b.Do(launch.Openat2, path, from, b.Str(name), b.Words(oPath|oCloexec, 0, resolveNoSymlinks|resolveNoMagiclinks), launch.I(sizeOpenHow)).To(slotTarget)
	b.Do(launch.OpenTree, path, launch.S(slotTarget), b.Str(""), launch.I(openTreeClone|openTreeCloexec|atEmptyPath|recursive)).To(slotSource)
	b.Do(launch.Close, path, launch.S(slotTarget))
	if attr != 0 {
		b.Do(launch.MountSetattr, path, launch.S(slotSource), b.Str(""), launch.I(atEmptyPath|recursive), c.attr(attr, 0), launch.I(sizeMountAttr))
	}
}

// mapped reports whether grants must be id-mapped: the caller is root, and root's ids mean nothing inside.
func (c *compiler) mapped() bool { return c.doc.Ext.IDs.Mode == spec.IDRange && c.f.HostRoot }

func (c *compiler) origin() source.Origin {
	if n := len(c.b.Origins); n > 0 {
		return c.b.Origins[c.b.Current()]
	}
	return source.Origin{}
}

// bind places a host path.
func (c *compiler) bind(m *specs.Mount, t spot) {
	p := c.f.Find("", m.Source)
	src, dir := m.Source, p.To == host.Directory
	if p.Real != "" {
		src = p.Real
	}
	set := attributes(m.Options)
	if p.To == host.Device {
		set &^= attrNODEV
	}
	b := &c.b
	granted := contains(c.doc.Ext.Grants, m.Destination)
	if t.trusted && !granted && !c.contained {
		b.Do(launch.Mount, m.Destination, b.Str(src), b.Str(t.rel), launch.I(0), launch.I(syscall.MS_BIND|syscall.MS_REC), launch.I(0))
		if set != 0 {
			b.Do(launch.MountSetattr, m.Destination, launch.I(atFDCWD), b.Str(t.rel), launch.I(atRecursive), c.attr(set, 0), launch.I(sizeMountAttr))
		}
		return
	}
	if t.trusted {
		c.sourceTree(src, set, dir, granted && c.mapped())
		c.attach(m.Destination, t)
		return
	}
	// slotTarget is needed to open the source: open the mount point last.
	b.Do(launch.Close, m.Destination, launch.S(slotTarget))
	c.sourceTree(src, set, dir, granted && c.mapped())
	c.openInside(m.Destination, t.rel)
	c.attach(m.Destination, t)
}
