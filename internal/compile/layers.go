package compile

import (
	"strconv"

	"github.com/seed-0dbaba02/carrel/internal/landlock"
	"github.com/seed-0dbaba02/carrel/internal/launch"
	"github.com/seed-0dbaba02/carrel/internal/linux"
	"github.com/seed-0dbaba02/carrel/internal/source"
	"github.com/seed-0dbaba02/carrel/internal/spec"
	"github.com/seed-0dbaba02/carrel/seccomp"
)

// landlock derives a second layer over the same file policy from what was mounted: a path that is reached round the mounts,
// through a leaked descriptor for instance, is still denied.
func (c *compiler) landlock(b *launch.Builder) error {
	want := c.doc.Ext.Landlock
	if !want.Enable {
		return nil
	}
	from := c.doc.Origin(spec.FieldLandlock)
	b.Asked(from)
	if c.f.LandlockABI == 0 {
		return c.missing("landlock", "apply Landlock", "this kernel has no Landlock, or it is not enabled at boot", from)
	}
	set := landlock.Strict()
	if !want.Scopes {
		set.Scoped = 0
	}
	set.Rules = c.rules()
	set, lost := landlock.Downgrade(set, c.f.LandlockABI)
	attr := set.Attr(c.f.LandlockABI)
	ruleset, path := slotRuleset, slotPath
	if c.p.NoInit {
		ruleset, path = slotSource, slotTarget // the only program's slots: the mounts are done with them
	}
	b.Do(launch.LandlockCreateRuleset, "Landlock", b.Raw(string(attr)), launch.I(len(attr)), launch.I(0)).To(ruleset)
	for i := range set.Rules {
		r := &set.Rules[i]
		b.Do(launch.Openat, r.Path, launch.I(atFDCWD), b.Str(r.Path), launch.I(oPath|oCloexec), launch.I(0)).To(path)
		b.Do(launch.PathBeneath, r.Path, launch.S(ruleset), launch.S(path), launch.I(uint64(r.Access)))
		b.Do(launch.Close, r.Path, launch.S(path))
	}
	b.Do(launch.LandlockRestrictSelf, "Landlock", launch.S(ruleset), launch.I(0))
	b.Do(launch.Close, "Landlock", launch.S(ruleset))
	how := "Landlock ABI " + strconv.Itoa(c.f.LandlockABI) + ", " + strconv.Itoa(len(set.Rules)) + " paths"
	for i := range lost {
		if lost[i].Weaker {
			how += "; this ABI does not know " + lost[i].Name
		}
	}
	c.layer("landlock", "files only as granted", how, from)
	return nil
}

// rules grants what the mounts show, place by place.
func (c *compiler) rules() []landlock.Rule {
	rules := make([]landlock.Rule, 0, len(c.lay.places)+2)
	for i := range c.lay.places {
		p := &c.lay.places[i]
		if c.lay.cover(p.target) != p || p.closed {
			continue // hidden by a later mount
		}
		r := landlock.Rule{Path: p.target, Access: landlock.ReadOnly}
		switch {
		case p.target == "/" && p.kind == placeOurs:
			r.Access = landlock.ReadDir
		case p.kind == placeKernel:
			r.Access = landlock.ReadFile | landlock.ReadDir | landlock.WriteFile | landlock.Truncate
		case p.rw:
			r.Access = landlock.ReadWrite
		}
		if c.isDev(p) {
			r.Access = landlock.ReadFile | landlock.ReadDir | landlock.WriteFile | landlock.Truncate | landlock.IoctlDev
		}
		if p.file {
			r.Access = r.Access.ForFile()
		}
		rules = append(rules, r)
		if c.isDev(p) {
			rules = append(rules, landlock.Rule{Path: p.target + "/shm", Access: landlock.ReadWrite})
		}
	}
	for i := range c.doc.Ext.Entries {
		e := &c.doc.Ext.Entries[i]
		if p := c.lay.cover(e.Path); e.Kind == spec.EntryFile && p.target == "/" && p.kind == placeOurs {
			rules = append(rules, landlock.Rule{Path: e.Path, Access: landlock.ReadOnlyFile})
		}
	}
	return rules
}

// isDev reports whether a place is the minimal /dev.
func (c *compiler) isDev(p *place) bool {
	for i := range c.doc.OCI.Mounts {
		m := &c.doc.OCI.Mounts[i]
		if m.Source == DevSource && c.lay.follow(m.Destination) == p.target {
			return p.kind == placeOurs
		}
	}
	return false
}

// filter loads the seccomp filter: the last privileged step.
func (c *compiler) filter(b *launch.Builder) error {
	from := c.doc.Origin(spec.FieldSeccomp)
	b.Asked(from)
	name, raw := c.doc.Ext.Seccomp, ""
	l := c.doc.OCI.Linux
	switch {
	case name == "default" && c.noCapabilities():
		var ok bool
		if raw, ok = seccomp.DefaultFilter(c.f.Arch); !ok {
			return &source.Error{From: from, Text: "load the seccomp filter: none is compiled for " + c.f.Arch}
		}
	case name == "default":
		f, err := c.compileFilter(seccomp.DefaultProfile())
		if err != nil {
			return &source.Error{From: from, Text: "compile the seccomp filter: " + err.Error()}
		}
		raw = f
	case l != nil && l.Seccomp != nil:
		p, warnings, err := seccomp.FromOCI(l.Seccomp)
		if err != nil {
			return &source.Error{From: from, Text: "read the seccomp profile: " + err.Error()}
		}
		for _, w := range warnings {
			c.p.Warnings = append(c.p.Warnings, source.Warning{From: from, Text: w.String()})
		}
		if raw, err = c.compileFilter(p); err != nil {
			return &source.Error{From: from, Text: "compile the seccomp filter: " + err.Error()}
		}
		name = "linux.seccomp"
	case name != "":
		return &source.Error{From: from, Text: "load the seccomp filter: there is no profile " + strconv.Quote(name), Hint: "the shipped one is default"}
	default:
		return nil
	}
	n := len(raw) / 8
	b.Do(launch.Seccomp, "seccomp filter, "+strconv.Itoa(n)+" instructions", launch.I(seccompModeFilter), launch.I(0), b.Counted(n, raw))
	c.layer("seccomp", "profile "+name, "filter of "+strconv.Itoa(n)+" instructions", from)
	return nil
}

func (c *compiler) noCapabilities() bool {
	caps := c.doc.OCI.Process.Capabilities
	return caps != nil && len(caps.Bounding) == 0
}

func (c *compiler) compileFilter(p *seccomp.Profile) (string, error) {
	t := seccomp.Target{Arch: c.f.Arch, Kernel: seccomp.Version{Major: c.f.Kernel.Major, Minor: c.f.Kernel.Minor}}
	if caps := c.doc.OCI.Process.Capabilities; caps != nil {
		t.Caps = caps.Bounding
	} else {
		for n := range linux.Capabilities {
			t.Caps = append(t.Caps, linux.OCICapability(n))
		}
	}
	f, err := seccomp.Compile(p, t)
	if err != nil {
		return "", err
	}
	return string(f.Bytes()), nil
}
