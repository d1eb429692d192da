package compile

import (
	"strconv"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/seed-0dbaba02/carrel/internal/launch"
	"github.com/seed-0dbaba02/carrel/internal/linux"
	"github.com/seed-0dbaba02/carrel/internal/plan"
	"github.com/seed-0dbaba02/carrel/internal/source"
	"github.com/seed-0dbaba02/carrel/internal/spec"
)

// ids maps the user namespace's ids and takes the program's own.
func (c *compiler) ids() error {
	l, from := c.doc.OCI.Linux, c.doc.Origin(spec.FieldIDs)
	c.timeOffsets() // before ids change: a process that changed its ids may not write its own /proc files
	c.b.Asked(from)
	if c.news&linux.CloneNewuser == 0 {
		if c.join&linux.CloneNewuser != 0 {
			return nil // whose ids are inside was decided by whoever made the namespace
		}
		if err := c.refuseHostRoot(from); err != nil {
			return err
		}
		c.switchIDs()
		return nil
	}
	switch c.doc.Ext.IDs.Mode {
	case spec.IDSelf:
		c.selfMap()
	case spec.IDRange, spec.IDHelper:
		if err := c.parentMap(l, from); err != nil {
			return err
		}
		c.switchIDs()
	default:
		return &source.Error{From: from, Text: "map ids: the document does not say how", Hint: "set ids.mode to self, range or helper"}
	}
	if n := c.doc.Ext.MaxUserNS; n != nil {
		c.writeProc("/proc/sys/user/max_user_namespaces", strconv.Itoa(*n))
		c.layer("namespace.user.nested", strconv.Itoa(*n)+" may be made inside", "sysctl user.max_user_namespaces of the new namespace", from)
	}
	return nil
}

// refuseHostRoot holds the floor that the host's uid 0 is never inside unless the user said so.
func (c *compiler) refuseHostRoot(from source.Origin) error {
	u := &c.doc.OCI.Process.User
	if !c.f.HostRoot || c.doc.Ext.AllowHostRoot || u.UID != 0 && c.noCapabilities() {
		return nil
	}
	return &source.Error{From: from, Text: "run as the host's root: uid 0 inside would be uid 0 outside", Hint: "make a user namespace, or say --allow-host-root"}
}

// writeProc writes a short text into a file below /proc.
func (c *compiler) writeProc(path, text string) {
	b := &c.b
	b.Do(launch.Openat, path, launch.I(atFDCWD), b.Str(path), launch.I(1|oCloexec), launch.I(0)).To(slotFS)
	b.Do(launch.Write, path, launch.S(slotFS), b.Str(text), launch.I(len(text)))
	b.Do(launch.Close, path, launch.S(slotFS))
}

// selfMap maps one id, which the child may do itself once it has given up setgroups(2).
func (c *compiler) selfMap() {
	l, from := c.doc.OCI.Linux, c.doc.Origin(spec.FieldIDs)
	if c.doc.Ext.IDs.Setgroups == "deny" {
		c.writeProc("/proc/self/setgroups", "deny")
	}
	c.writeProc("/proc/self/uid_map", plan.MapText(lines(l.UIDMappings)))
	c.writeProc("/proc/self/gid_map", plan.MapText(lines(l.GIDMappings)))
	c.layer("ids", mapWords(l.UIDMappings), "/proc/self/uid_map and gid_map, written by the child", from)
	asked, how := "supplementary groups cannot be changed", "/proc/self/setgroups: deny"
	if n := len(c.f.Groups); n > 0 {
		how += "; " + strconv.Itoa(n) + " of the caller's stay in force, shown as nobody; --subids drops them"
	}
	c.layer("ids.groups", asked, how, from)
}

// parentMap lets the parent write ranges.
func (c *compiler) parentMap(l *specs.Linux, from source.Origin) error {
	m := &plan.IDMap{UID: lines(l.UIDMappings), GID: lines(l.GIDMappings), From: from}
	how := "uid_map and gid_map, written by the parent"
	if c.doc.Ext.IDs.Mode == spec.IDHelper {
		if c.f.NewUIDMap == "" || c.f.NewGIDMap == "" {
			return &source.Error{From: from, Text: "map ids: newuidmap or newgidmap was not found, owned by root, in /usr/bin", Hint: "install the package uidmap, or run without --subids", Host: true}
		}
		m.Helper, m.UIDHelper, m.GIDHelper = true, c.f.NewUIDMap, c.f.NewGIDMap
		how = "newuidmap(1) and newgidmap(1)"
	}
	if !c.doc.Ext.AllowHostRoot && c.f.HostRoot {
		for _, r := range m.UID {
			if r.Outside == 0 && r.Count > 0 {
				return &source.Error{From: from, Text: "map ids: the range from " + strconv.Itoa(r.Outside) + " would put the host's uid 0 inside", Hint: "choose another --root-range, or say --allow-host-root"}
			}
		}
	}
	c.p.IDMap = m
	c.b.Do(launch.Sync, "id maps", launch.I(plan.StageIDs), launch.H(launch.HostReport))
	c.layer("ids", mapWords(l.UIDMappings), how, from)
	return nil
}

// switchIDs takes the ids that the program shall have. Changing ids clears the parent death signal.
func (c *compiler) switchIDs() {
	u := &c.doc.OCI.Process.User
	b := &c.b
	if c.doc.Ext.IDs.Setgroups == "clear" {
		groups := make([]byte, 0, 4*len(u.AdditionalGids))
		for _, g := range u.AdditionalGids {
			groups = append(groups, byte(g), byte(g>>8), byte(g>>16), byte(g>>24))
		}
		arg := launch.I(0)
		if len(groups) > 0 {
			arg = b.Raw(string(groups))
		}
		b.Do(launch.Setgroups, "supplementary groups", launch.I(len(u.AdditionalGids)), arg)
		c.layer("ids.groups", "none of the caller's", "setgroups(2)", c.doc.Origin(spec.FieldIDs))
	}
	if c.news&linux.CloneNewuser == 0 && int(u.UID) == c.f.UID && int(u.GID) == c.f.GID {
		return
	}
	if c.doc.Ext.IDs.Mode == spec.IDHelper {
		return // the caller's own id is mapped: the child has it already
	}
	b.Do(launch.Setresgid, "gid "+strconv.Itoa(int(u.GID)), launch.I(u.GID), launch.I(u.GID), launch.I(u.GID))
	b.Do(launch.Setresuid, "uid "+strconv.Itoa(int(u.UID)), launch.I(u.UID), launch.I(u.UID), launch.I(u.UID))
	// Changing ids also makes the memory undumpable, which is the parent's too while the launch lasts, and without which this
	// process may not write its own files below /proc nor enter its payload's namespaces.
	b.Do(launch.Prctl, "memory dumpable", launch.I(prSetDumpable), launch.I(1), launch.I(0), launch.I(0), launch.I(0))
	if c.doc.Ext.DieWithParent {
		c.dieWithParent()
	}
}

func lines(maps []specs.LinuxIDMapping) []plan.IDLine {
	out := make([]plan.IDLine, len(maps))
	for i, m := range maps {
		out[i] = plan.IDLine{Inside: int(m.ContainerID), Outside: int(m.HostID), Count: int(m.Size)}
	}
	return out
}

// mapWords says what a map means.
func mapWords(maps []specs.LinuxIDMapping) string {
	var b []byte
	for i, m := range maps {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = strconv.AppendUint(b, uint64(m.ContainerID), 10)
		b = append(b, " inside is "...)
		b = strconv.AppendUint(b, uint64(m.HostID), 10)
		b = append(b, " outside"...)
		if m.Size > 1 {
			b = append(b, ", "...)
			b = strconv.AppendUint(b, uint64(m.Size), 10)
			b = append(b, " ids"...)
		}
	}
	return string(b)
}

// joins enters existing namespaces in the child. That is needed only together with an existing user namespace, or a time
// namespace; all others are entered by the parent's thread before the clone.
func (c *compiler) joins() error {
	b := &c.b
	if c.join&(linux.CloneNewuser|linux.CloneNewtime) != 0 {
		for i, d := range c.p.Descs {
			if d.Kind != plan.DescNamespace {
				continue
			}
			b.Asked(d.From)
			b.Do(launch.Setns, d.NS+" namespace "+d.Path, launch.H(launch.HostFirst+i), launch.I(d.CloneFlag))
		}
		if c.doc.Ext.DieWithParent {
			c.dieWithParent()
		}
		if c.unshared != 0 {
			b.Asked(c.doc.Origin(spec.FieldNamespaces))
			b.Do(launch.Unshare, "namespaces", launch.I(c.unshared))
		}
		if c.join&linux.CloneNewuser != 0 && c.doc.Ext.IDs.Mode != spec.IDSelf {
			c.b.Asked(c.doc.Origin(spec.FieldIDs))
		}
	}
	return nil
}

// timeOffsets shifts the clocks of a new time namespace before anything enters it.
func (c *compiler) timeOffsets() {
	l := c.doc.OCI.Linux
	if c.news&linux.CloneNewtime == 0 || l == nil || len(l.TimeOffsets) == 0 {
		return
	}
	c.b.Asked(c.doc.Origin(spec.FieldTime))
	for _, clock := range [2]string{"monotonic", "boottime"} {
		if o, ok := l.TimeOffsets[clock]; ok {
			c.writeProc("/proc/self/timens_offsets", clock+" "+strconv.FormatInt(o.Secs, 10)+" "+strconv.FormatUint(uint64(o.Nanosecs), 10)+"\n")
			c.layer("namespace.time."+clock, "shifted by "+strconv.FormatInt(o.Secs, 10)+" s", "/proc/self/timens_offsets; the wall clock stays the host's", c.doc.Origin(spec.FieldTime))
		}
	}
}
