package view

import (
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/seed-0dbaba02/carrel/internal/host"
	"github.com/seed-0dbaba02/carrel/internal/linux"
	"github.com/seed-0dbaba02/carrel/internal/source"
	"github.com/seed-0dbaba02/carrel/internal/spec"
)

type hostRlimit = host.Rlimit

// defaultProfile is the name of the seccomp profile that carrel ships.
const defaultProfile = "default"

// privileges decides capabilities, no_new_privs, the filter, Landlock, descriptors and the terminal.
func (b *builder) privileges() error {
	if err := b.capabilities(); err != nil {
		return err
	}
	if err := b.seccomp(); err != nil {
		return err
	}
	closed, ext, p := !b.preset.open, &b.doc.Ext, b.p
	b.field(spec.FieldNoNewPrivs, "no-new-privs")
	b.proc.NoNewPrivileges = closed
	if p.NNP != nil {
		b.proc.NoNewPrivileges = *p.NNP
	}
	b.landlock()
	b.field(spec.FieldFDs, "fd")
	ext.CloseFDs = closed
	ext.FDs = p.FDs
	b.field(spec.FieldTerminal, "tty")
	switch p.TTY {
	case "always":
		b.proc.Terminal = true
	case "never":
	default:
		b.proc.Terminal = closed && b.env.Facts.Terminals[0]
	}
	ext.NewSession = closed || b.proc.Terminal
	ext.BestEffort = isTrue(p.BestEffort)
	return nil
}

func (b *builder) capabilities() error {
	b.field(spec.FieldCapabilities, "cap-add")
	if b.preset.open && len(b.p.CapAdd) == 0 {
		return nil
	}
	var on [len(linux.Capabilities)]bool
	last := b.env.Facts.LastCap
	if last <= 0 || last >= len(on) {
		last = len(on) - 1
	}
	for _, name := range b.p.CapAdd {
		if name == "all" {
			for n := range last + 1 {
				on[n] = true
			}
			continue
		}
		n := linux.Capability(name)
		if n < 0 {
			return &source.Error{From: b.origin("cap-add"), Text: "unknown capability " + strconv.Quote(name)}
		}
		if n > last {
			return &source.Error{From: b.origin("cap-add"), Text: "add capability " + name + ": this kernel does not know it"}
		}
		on[n] = true
	}
	names := []string{}
	for n := range on {
		if on[n] {
			names = append(names, linux.OCICapability(n))
		}
	}
	b.proc.Capabilities = &specs.LinuxCapabilities{Bounding: names, Effective: names, Inheritable: names, Permitted: names, Ambient: names}
	b.doc.Ext.LockCaps = true
	if sysAdmin := linux.Capability("sys_admin"); b.ns[nsUser].state == nsNew && !on[sysAdmin] {
		b.doc.Ext.MaxUserNS = new(int) // none: a second lock beside the filter's
	}
	return nil
}

func (b *builder) seccomp() error {
	b.field(spec.FieldSeccomp, "seccomp")
	name, from := b.p.Seccomp, b.origin("seccomp")
	switch {
	case name == "none" || name == "" && b.preset.open:
		return nil
	case name == "" || name == defaultProfile:
		b.doc.Ext.Seccomp = defaultProfile
		return nil
	case !strings.Contains(name, "/") && !strings.HasSuffix(name, ".json"):
		e := &source.Error{From: from, Text: "unknown seccomp profile " + strconv.Quote(name), Hint: "the names are default and none; a file is written with a slash or ends in .json"}
		return e
	case b.env.Profile == nil:
		return &source.Error{From: from, Text: "read seccomp profile " + quoted(name) + ": files are not read here"}
	}
	profile, err := b.env.Profile(b.absolute(name))
	if err != nil {
		return &source.Error{From: from, Text: err.Error()}
	}
	b.linux.Seccomp = profile
	return nil
}

func (b *builder) landlock() {
	b.field(spec.FieldLandlock, "landlock", "no-landlock")
	on := !b.preset.open
	if b.p.Landlock != nil {
		on = *b.p.Landlock
	}
	if on && b.ns[nsMount].state != nsNew {
		b.warn(b.ns[nsMount].from, "Landlock is off: its rules follow the view of the preset, and there is none")
		on = false
	}
	b.doc.Ext.Landlock = spec.Landlock{Enable: on, Scopes: on}
}

// names sets the host and domain name and the clock offsets.
func (b *builder) names() error {
	p := b.p
	b.field(spec.FieldHostname, "hostname")
	b.field(spec.FieldDomainname, "domainname")
	b.field(spec.FieldTime, "boottime-offset", "monotonic-offset")
	if p.Hostname != "" || p.Domainname != "" {
		if b.ns[nsUTS].state != nsNew {
			word := "hostname"
			if p.Hostname == "" {
				word = "domainname"
			}
			return &source.Error{From: b.origin(word), Text: "set " + word + ": the uts namespace is not a new one", Hint: "do not share or join uts"}
		}
		b.doc.OCI.Hostname, b.doc.OCI.Domainname = p.Hostname, p.Domainname
	}
	if b.doc.OCI.Hostname == "" && !b.preset.open && b.ns[nsUTS].state == nsNew {
		b.doc.OCI.Hostname = "carrel" // the host's name is the host's business
	}
	if p.BoottimeOffset == nil && p.MonotonicOffset == nil {
		return nil
	}
	if b.ns[nsTime].state != nsNew {
		word := "boottime-offset"
		if p.BoottimeOffset == nil {
			word = "monotonic-offset"
		}
		return &source.Error{From: b.origin(word), Text: "set " + word + ": the time namespace is not a new one", Hint: "do not share or join time"}
	}
	offsets := make(map[string]specs.LinuxTimeOffset, 2)
	if o := p.BoottimeOffset; o != nil {
		offsets["boottime"] = specs.LinuxTimeOffset{Secs: o.Seconds, Nanosecs: o.Nanos}
	}
	if o := p.MonotonicOffset; o != nil {
		offsets["monotonic"] = specs.LinuxTimeOffset{Secs: o.Seconds, Nanosecs: o.Nanos}
	}
	b.linux.TimeOffsets = offsets
	return nil
}
