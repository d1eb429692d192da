package view

import (
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/seed-0dbaba02/carrel/internal/host"
	"github.com/seed-0dbaba02/carrel/internal/source"
	"github.com/seed-0dbaba02/carrel/internal/spec"
)

// devSource is the source of the one mount that stands for a minimal /dev; the compiler knows what goes into it.
const devSource = "carrel.dev"

func bindRO() []string     { return []string{"rbind", "rro", "rnosuid", "rnodev"} }
func bindRW() []string     { return []string{"rbind", "rnosuid", "rnodev"} }
func bindDevice() []string { return []string{"rbind", "rnosuid", "rnoexec"} }

// root lays down what the preset shows: the fresh root, a rootfs or the caller's own root.
func (b *builder) root() error {
	b.field(spec.FieldRootfs, "rootfs", "writable-rootfs")
	if b.ns[nsMount].state != nsNew {
		return b.foreignRoot()
	}
	if b.p.Rootfs != "" {
		return b.dirRoot()
	}
	if isTrue(b.p.WritableRootfs) {
		return &source.Error{From: b.origin("writable-rootfs"), Text: "write to the rootfs: there is none", Hint: "name it with --rootfs DIR"}
	}
	if b.preset.open {
		b.doc.Ext.Root = spec.RootHost
		if b.ns[nsPID].state == nsNew {
			b.mount(b.origin(""), proc("/proc")) // with the old one the program would see processes that it cannot name
		}
		return nil
	}
	return b.freshRoot()
}

// foreignRoot is for a mount namespace that is shared or joined: mounting there would change what others see.
func (b *builder) foreignRoot() error {
	b.doc.Ext.Root = spec.RootHost
	what := "shared"
	if b.ns[nsMount].state == nsJoined {
		what = "joined"
	}
	if b.p.Rootfs != "" {
		return &source.Error{From: b.origin("rootfs"), Text: "use a rootfs: the mount namespace is " + what, Hint: "do not share or join mount"}
	}
	if len(b.p.FS) > 0 {
		e := b.p.FS[0]
		return &source.Error{From: e.From, Text: string(e.Kind) + " " + quoted(e.Path) + ": the mount namespace is " + what + ", so nothing can be mounted",
			Hint: "do not share or join mount"}
	}
	if !b.preset.open {
		b.home, _ = variable(b.env.Environ, "HOME")
		b.warn(b.ns[nsMount].from, "the mount namespace is "+what+": the program sees those files, and no view of the preset is made")
	}
	return nil
}

func (b *builder) freshRoot() error {
	o := b.origin("")
	b.doc.OCI.Root = &specs.Root{Path: "rootfs", Readonly: true} // OCI wants a path; what lies at "/" is the first mount
	b.mount(o, specs.Mount{Destination: "/", Type: "tmpfs", Source: "tmpfs",
		Options: []string{"nosuid", "nodev", "mode=0755", "size=" + strconv.Itoa(rootTmpfs)}})
	for _, name := range hostDirs {
		at := b.look("", name)
		switch {
		case at.Kind == host.Symlink && at.Target != "":
			b.entry(spec.Entry{Kind: spec.EntrySymlink, Path: name, Target: at.Target, From: o})
		case at.Kind == host.Directory:
			b.mount(o, specs.Mount{Destination: name, Type: "bind", Source: name, Options: bindRO()})
		}
	}
	b.procAndDev(o)
	b.mount(o, b.scratch("/tmp", "1777"))
	b.entry(spec.Entry{Kind: spec.EntryDir, Path: "/var", Mode: 0o755, From: o})
	b.mount(o, b.scratch("/var/tmp", "1777"))
	b.entry(spec.Entry{Kind: spec.EntryDir, Path: "/run", Mode: 0o755, From: o})
	b.entry(spec.Entry{Kind: spec.EntrySymlink, Path: "/var/run", Target: "/run", From: o})
	b.makeHome(o)
	return b.resolver()
}

// procAndDev mounts /proc and the minimal /dev. A pid namespace that is shared has its proc already: the host's.
func (b *builder) procAndDev(o source.Origin) {
	if b.ns[nsPID].state == nsShared {
		b.mount(o, hostProc("/proc"))
	} else {
		b.mount(o, proc("/proc"))
	}
	b.mount(o, specs.Mount{Destination: "/dev", Type: "tmpfs", Source: devSource, Options: []string{"nosuid", "noexec", "mode=0755"}})
}

func proc(at string) specs.Mount {
	return specs.Mount{Destination: at, Type: "proc", Source: "proc", Options: []string{"nosuid", "nodev", "noexec"}}
}

func hostProc(at string) specs.Mount {
	return specs.Mount{Destination: at, Type: "bind", Source: "/proc", Options: []string{"rbind", "rnosuid", "rnodev", "rnoexec"}}
}

// scratch is an empty writable place in memory.
func (b *builder) scratch(at, mode string) specs.Mount {
	options := []string{"nosuid", "nodev", "mode=" + mode}
	if b.preset.tmpfs > 0 {
		options = append(options, "size="+strconv.FormatInt(b.preset.tmpfs, 10))
	}
	return specs.Mount{Destination: at, Type: "tmpfs", Source: "tmpfs", Options: b.owned(options)}
}

// owned lets a file system in memory belong to the program's ids, where another id makes the mount.
func (b *builder) owned(options []string) []string {
	if b.doc.Ext.IDs.Mode == spec.IDSelf || b.ns[nsUser].state == nsJoined {
		return options // the program's id makes them, or what it is called inside is not known here
	}
	if uid := b.proc.User.UID; uid != 0 {
		options = append(options, "uid="+strconv.FormatUint(uint64(uid), 10))
	}
	if gid := b.proc.User.GID; gid != 0 {
		options = append(options, "gid="+strconv.FormatUint(uint64(gid), 10))
	}
	return options
}

// makeHome makes an empty home directory, unless it is no path of its own or something that is shown already.
func (b *builder) makeHome(o source.Origin) {
	home, ok := variable(b.env.Environ, "HOME")
	if !ok || home == "" || home[0] != '/' {
		b.home = "/"
		return
	}
	home = tidy(home)
	if hasDotDot(home) || home == "/" {
		b.home = "/"
		return
	}
	b.home, b.real = home, home
	if at := b.look("", home); at.Real != "" {
		b.real = at.Real
	}
	if in(home, "/proc") || in(home, "/sys") || in(home, "/run") || b.coversStep(home) {
		return
	}
	if s := b.cover(home); s.link != "" || s.hidden || s.mount > 1 && (s.rest == "" || !b.scratchAt(s.mount-1)) {
		return
	}
	b.mount(o, b.scratch(home, "0700"))
}

// scratchAt reports whether a mount is an empty place in memory, in which directories can be made.
func (b *builder) scratchAt(i int) bool {
	m := &b.doc.OCI.Mounts[i]
	return m.Type == "tmpfs" && m.Source != devSource
}

// resolver shows the host's resolv.conf where the network is the host's and /etc has only a link into a place that is empty
// inside. It holds addresses of name servers and nothing else.
func (b *builder) resolver() error {
	if b.ns[nsNet].state == nsNew {
		return nil
	}
	const name = "/etc/resolv.conf"
	at := b.look("", name)
	if at.Kind != host.Symlink || at.To != host.Regular || at.Real == "" || at.Untrusted != "" {
		return nil
	}
	inside := b.place(name)
	if inside.kind != host.Missing || inside.path == "" || b.cover(inside.path).mount != 1 {
		return nil
	}
	b.mount(b.ns[nsNet].from, specs.Mount{Destination: inside.path, Type: "bind", Source: at.Real, Options: bindRO()})
	return nil
}

// dirRoot uses a directory as the root. What the preset adds to it is optional: a rootfs may lack the mount point.
func (b *builder) dirRoot() error {
	o := b.origin("rootfs")
	name := b.absolute(b.p.Rootfs)
	at := b.look("", name)
	if e := refuse("use rootfs", name, &at); e != nil {
		e.From = o
		return e
	}
	if at.To != host.Directory {
		return &source.Error{From: o, Text: "use rootfs " + quoted(name) + ": not a directory"}
	}
	b.rootfs = realName(&at)
	b.doc.Ext.Root = spec.RootDir
	b.doc.OCI.Root = &specs.Root{Path: b.rootfs, Readonly: !isTrue(b.p.WritableRootfs)}
	b.doc.Ext.Grants = append(b.doc.Ext.Grants, "/")
	p := b.origin("")
	if b.preset.open {
		return nil
	}
	b.procAndDev(p)
	b.mount(p, b.scratch("/tmp", "1777"))
	b.mount(p, b.scratch("/var/tmp", "1777"))
	b.mount(p, b.scratch("/run", "0755"))
	b.keepPresent(o)
	b.home = "/"
	if b.proc.User.UID == 0 && b.place("/root").kind == host.Directory {
		b.home = "/root"
	}
	return nil
}

// keepPresent takes out the mounts for which the rootfs has no mount point. The others stay optional: what is there may be a
// link, and then the compiler decides.
func (b *builder) keepPresent(o source.Origin) {
	mounts, from := b.doc.OCI.Mounts, b.doc.From.Mounts
	b.doc.OCI.Mounts, b.doc.From.Mounts = mounts[:0], from[:0]
	for i := range mounts {
		name := mounts[i].Destination
		if b.look(b.rootfs, name).Kind == host.Missing {
			if name == "/proc" || name == "/dev" {
				b.warn(o, "the rootfs has no "+name+", so the program has none")
			}
			continue
		}
		b.mount(from[i], mounts[i])
		b.doc.Ext.Optional = append(b.doc.Ext.Optional, name)
	}
}

// settle ends what depends on the mounts: the paths to mask and to protect below /proc and /sys.
func (b *builder) settle() error {
	if b.preset.open {
		return nil
	}
	var masked, readonly []string
	sys := false
	for i := range b.doc.OCI.Mounts {
		switch b.doc.OCI.Mounts[i].Destination {
		case "/proc":
			masked, readonly = maskedPaths, readonlyPaths
		case "/sys":
			sys = true
		}
	}
	if sys {
		masked = append(append([]string(nil), masked...), maskedSys...)
	}
	b.linux.MaskedPaths, b.linux.ReadonlyPaths = masked, readonly
	return nil
}

func (b *builder) mount(o source.Origin, m specs.Mount) {
	b.doc.OCI.Mounts = append(b.doc.OCI.Mounts, m)
	b.doc.From.Mounts = append(b.doc.From.Mounts, o)
}

func (b *builder) entry(e spec.Entry) {
	e.At = len(b.doc.OCI.Mounts)
	b.doc.Ext.Entries = append(b.doc.Ext.Entries, e)
}

func variable(environ []string, name string) (string, bool) {
	for i := len(environ) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(environ[i], name); ok && v != "" && v[0] == '=' {
			return v[1:], true
		}
	}
	return "", false
}
