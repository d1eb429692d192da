package view

import (
	"strconv"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/seed-0dbaba02/carrel/internal/host"
	"github.com/seed-0dbaba02/carrel/internal/source"
	"github.com/seed-0dbaba02/carrel/internal/spec"
	"github.com/seed-0dbaba02/carrel/policy"
)

// rootRange is the subordinate range that stands for ids 0 and up when the caller is the host's root.
var rootRange = policy.Range{First: 100000, Count: 65536}

// initialUserNS is what the link of the initial user namespace reads: its inode number is fixed (include/linux/proc_ns.h).
const initialUserNS = "user:[4026531837]"

const hostRootHint = "pass --allow-host-root if that is what you want"

func (b *builder) ids() error {
	b.field(spec.FieldIDs, "subids", "root-range", "uid", "gid")
	b.doc.Ext.AllowHostRoot = isTrue(b.p.AllowHostRoot)
	f, p := b.env.Facts, b.p
	switch {
	case b.ns[nsUser].state != nsNew:
		return b.keepIDs()
	case isTrue(p.Subids):
		return b.subordinateIDs()
	case f.HostRoot:
		return b.rangeIDs()
	case p.RootRange != nil:
		return &source.Error{From: b.origin("root-range"), Text: "map a range of host ids: only the host's root may choose one",
			Hint: "use --subids for the ranges of /etc/subuid"}
	}
	uid, gid := value(p.UID, f.UID), value(p.GID, f.GID)
	b.setUser(uid, gid)
	b.linux.UIDMappings = []specs.LinuxIDMapping{{ContainerID: uint32(uid), HostID: uint32(f.UID), Size: 1}}
	b.linux.GIDMappings = []specs.LinuxIDMapping{{ContainerID: uint32(gid), HostID: uint32(f.GID), Size: 1}}
	b.doc.Ext.IDs = spec.IDs{Mode: spec.IDSelf, Setgroups: "deny"}
	return nil
}

// keepIDs is for a user namespace that is shared or joined: there is nothing to map.
func (b *builder) keepIDs() error {
	f, p := b.env.Facts, b.p
	for _, word := range [...]string{"subids", "root-range"} {
		if o := p.From.Of(word); !o.IsZero() && (isTrue(p.Subids) || p.RootRange != nil) {
			return &source.Error{From: o, Text: "map ids: the user namespace is not a new one", Hint: "do not share or join user"}
		}
	}
	uid, gid := value(p.UID, f.UID), value(p.GID, f.GID)
	if b.ns[nsUser].state == nsShared && f.UID != 0 && (uid != f.UID || gid != f.GID) {
		return &source.Error{From: b.origin("uid"), Text: "become uid " + strconv.Itoa(uid) + ", gid " + strconv.Itoa(gid) +
			": an ordinary user needs a user namespace for that", Hint: "do not share user"}
	}
	b.setUser(uid, gid)
	if f.UID == 0 {
		b.doc.Ext.IDs.Setgroups = "clear"
	}
	if b.preset.open && p.UID == nil && p.GID == nil {
		b.doc.Ext.IDs.Setgroups = ""
	}
	if !f.HostRoot || b.doc.Ext.AllowHostRoot || uid != 0 && gid != 0 && len(p.CapAdd) == 0 {
		return nil
	}
	if b.ns[nsUser].state == nsShared {
		hint := hostRootHint
		if b.preset.open {
			hint = "add --ns user, or " + hostRootHint
		}
		return &source.Error{From: b.ns[nsUser].from, Text: "share the user namespace with the host's root: the program would be root on the host", Hint: hint}
	}
	at := b.look("", b.ns[nsUser].path)
	if at.Kind != host.Symlink || at.Target == initialUserNS || at.Target == "" {
		return &source.Error{From: b.ns[nsUser].from, Text: "join namespace user: the program may be root on the host", Hint: hostRootHint}
	}
	return nil
}

// rangeIDs maps a range that a privileged parent writes.
func (b *builder) rangeIDs() error {
	r, from := rootRange, b.origin("root-range")
	if b.p.RootRange != nil {
		r = *b.p.RootRange
	}
	if r.First == 0 && !b.doc.Ext.AllowHostRoot {
		return &source.Error{From: from, Text: "map the range " + strconv.Itoa(r.First) + ":" + strconv.Itoa(r.Count) +
			": the host's uid 0 would be inside", Hint: "choose a range such as 100000:65536, or " + hostRootHint}
	}
	uid, gid := value(b.p.UID, 0), value(b.p.GID, 0)
	if uid >= r.Count || gid >= r.Count {
		return &source.Error{From: b.origin("uid"), Text: "become uid " + strconv.Itoa(uid) + ", gid " + strconv.Itoa(gid) +
			": the range has only the ids 0 to " + strconv.Itoa(r.Count-1), Hint: "choose a larger --root-range"}
	}
	b.setUser(uid, gid)
	b.linux.UIDMappings = []specs.LinuxIDMapping{{ContainerID: 0, HostID: uint32(r.First), Size: uint32(r.Count)}}
	b.linux.GIDMappings = []specs.LinuxIDMapping{{ContainerID: 0, HostID: uint32(r.First), Size: uint32(r.Count)}}
	b.doc.Ext.IDs = spec.IDs{Mode: spec.IDRange, Setgroups: "clear"}
	return nil
}

// subordinateIDs maps whole ranges of /etc/subuid and /etc/subgid.
func (b *builder) subordinateIDs() error {
	f, from := b.env.Facts, b.origin("subids")
	if b.p.RootRange != nil {
		return &source.Error{From: b.origin("root-range"), Text: "map a range of host ids: --subids already says which", Hint: "name one of the two"}
	}
	if len(f.SubUIDs) == 0 || len(f.SubGIDs) == 0 {
		return &source.Error{From: from, Text: "map subordinate ids: /etc/subuid and /etc/subgid give this user none",
			Hint: "as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER", Host: true}
	}
	if f.HostRoot && !b.doc.Ext.AllowHostRoot && (coversZero(f.SubUIDs) || coversZero(f.SubGIDs)) {
		return &source.Error{From: from, Text: "map subordinate ids: the host's uid 0 would be inside", Hint: hostRootHint}
	}
	own := f.UID
	if f.HostRoot {
		own = -1 // the host's root itself stays out
	}
	uid, gid := value(b.p.UID, f.UID), value(b.p.GID, f.GID)
	b.setUser(uid, gid)
	b.linux.UIDMappings = ranges(f.SubUIDs, uid, own)
	if own >= 0 {
		own = f.GID
	}
	b.linux.GIDMappings = ranges(f.SubGIDs, gid, own)
	if f.HostRoot {
		b.doc.Ext.IDs = spec.IDs{Mode: spec.IDRange, Setgroups: "clear"}
		return nil
	}
	if f.NewUIDMap == "" || f.NewGIDMap == "" {
		return &source.Error{From: from, Text: "map subordinate ids: newuidmap and newgidmap are not installed",
			Hint: "install the package uidmap or shadow-utils", Host: true}
	}
	b.doc.Ext.IDs = spec.IDs{Mode: spec.IDHelper, Setgroups: "clear"}
	return nil
}

// ranges lays host ranges over the ids inside, in order, leaving the id inside to the caller's own when own is not negative.
func ranges(from []host.Range, inside, own int) []specs.LinuxIDMapping {
	var out []specs.LinuxIDMapping
	next, placed := 0, own < 0
	add := func(hostID, n int) {
		if n > 0 {
			out = append(out, specs.LinuxIDMapping{ContainerID: uint32(next), HostID: uint32(hostID), Size: uint32(n)})
			next += n
		}
	}
	for _, r := range from {
		first, count := r.First, r.Count
		if !placed && next+count >= inside {
			before := inside - next
			add(first, before)
			add(own, 1)
			placed, first, count = true, first+before, count-before
		}
		add(first, count)
	}
	if !placed {
		next = inside
		add(own, 1)
	}
	return out
}

func coversZero(list []host.Range) bool {
	for _, r := range list {
		if r.First == 0 {
			return true
		}
	}
	return false
}

func (b *builder) setUser(uid, gid int) {
	b.proc.User = specs.User{UID: uint32(uid), GID: uint32(gid)}
}

func value(p *int, otherwise int) int {
	if p != nil {
		return *p
	}
	return otherwise
}
