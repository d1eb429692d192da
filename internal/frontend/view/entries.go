package view

import (
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/seed-0dbaba02/carrel/internal/host"
	"github.com/seed-0dbaba02/carrel/internal/source"
	"github.com/seed-0dbaba02/carrel/internal/spec"
	"github.com/seed-0dbaba02/carrel/policy"
)

// maxEntries bounds what one run may ask for: each is several system calls in the child.
const maxEntries = 20000

// entries lays what the user asked for over the preset, in the order given.
func (b *builder) entries() error {
	if len(b.p.FS) > maxEntries {
		return &source.Error{From: b.p.FS[maxEntries].From, Text: "more than " + strconv.Itoa(maxEntries) + " file system entries"}
	}
	for i := range b.p.FS {
		e := &b.p.FS[i]
		if err := b.oneEntry(e); err != nil {
			err.From = e.From
			return err
		}
	}
	return b.checkWorkdir()
}

func (b *builder) oneEntry(e *policy.Entry) *source.Error {
	if e.Path == "" {
		return &source.Error{Text: string(e.Kind) + ": the path is empty"}
	}
	path := b.absolute(e.Path)
	if path == "/" {
		return &source.Error{Text: string(e.Kind) + " /: the root itself is not an entry", Hint: "name what is needed below it, or use --rootfs DIR for a root of your own"}
	}
	switch e.Kind {
	case policy.RO, policy.RW, policy.Dev:
		return b.bindEntry(e, path)
	case policy.Tmpfs:
		return b.mountEntry(e, path, b.tmpfs(e))
	case policy.Proc:
		if b.ns[nsPID].state == nsShared {
			return b.mountEntry(e, path, hostProc(path))
		}
		return b.mountEntry(e, path, proc(path))
	case policy.Sys:
		return b.mountEntry(e, path, specs.Mount{Type: "bind", Source: "/sys", Options: append(bindRO(), "rnoexec")})
	case policy.Hide:
		b.entry(spec.Entry{Kind: spec.EntryHide, Path: b.hidden(path), From: e.From})
		return nil
	case policy.Symlink, policy.Dir, policy.File:
		return b.makeEntry(e, path)
	}
	return &source.Error{Text: "unknown kind of entry " + strconv.Quote(string(e.Kind))}
}

func (b *builder) tmpfs(e *policy.Entry) specs.Mount {
	options := []string{"nosuid", "nodev", "mode=0755"}
	if size := max(e.Size, 0); size > 0 {
		options = append(options, "size="+strconv.FormatInt(size, 10))
	} else if b.preset.tmpfs > 0 {
		options = append(options, "size="+strconv.FormatInt(b.preset.tmpfs, 10))
	}
	return specs.Mount{Type: "tmpfs", Source: "tmpfs", Options: b.owned(options)}
}

func (b *builder) bindEntry(e *policy.Entry, path string) *source.Error {
	from := path
	if e.Source != "" {
		from = b.absolute(e.Source)
	}
	at := b.look("", from)
	if err := refuse("bind", from, &at); err != nil {
		if at.Kind == host.Missing && at.Err == 0 {
			err.Hint = missingHint(e, from)
		}
		return err
	}
	options := bindRO()
	switch e.Kind {
	case policy.RW:
		options = bindRW()
	case policy.Dev:
		if options = bindDevice(); at.To != host.Device && at.To != host.Directory {
			return &source.Error{Text: "bind " + quoted(from) + ": not a device", Hint: "use --ro or --rw for what is not a device"}
		}
	default:
		if at.To == host.Device {
			return &source.Error{Text: "bind " + quoted(from) + ": a device cannot be opened below --ro and --rw", Hint: "use --dev " + quoted(from)}
		}
	}
	if err := b.mountEntry(e, path, specs.Mount{Type: "bind", Source: realName(&at), Options: options}); err != nil {
		return err
	}
	if e.Kind != policy.Dev {
		last := len(b.doc.OCI.Mounts) - 1
		b.doc.Ext.Grants = append(b.doc.Ext.Grants, b.doc.OCI.Mounts[last].Destination)
	}
	return nil
}

func missingHint(e *policy.Entry, from string) string {
	if strings.Contains(from, ":/") {
		return "a path is literal; to show it elsewhere write --" + string(e.Kind) + "-at HOST INSIDE"
	}
	return ""
}

// mountEntry adds a mount after checking that there is, or can be, something to mount on.
func (b *builder) mountEntry(e *policy.Entry, path string, m specs.Mount) *source.Error {
	target, err := b.target(e, path, b.isDir(&m))
	if err != nil {
		return err
	}
	m.Destination = target
	b.mount(e.From, m)
	return nil
}

func (b *builder) isDir(m *specs.Mount) bool {
	return m.Type != "bind" || b.look("", m.Source).To == host.Directory
}

// target returns the path to mount on, without links. Where the sandbox makes its own directories anything goes; in what
// belongs to somebody else the mount point must be there, because making one would leave it behind.
func (b *builder) target(e *policy.Entry, path string, dir bool) (string, *source.Error) {
	doing := string(e.Kind) + " " + quoted(path)
	at := b.place(path)
	if at.err != 0 {
		return "", &source.Error{Text: doing + ": " + why(&host.Path{Err: at.err})}
	}
	if at.path == "/" {
		return "", &source.Error{Text: doing + ": the path leads to the root"}
	}
	if at.kind == host.Missing {
		if owner := b.owner(at.path); owner != "" {
			return "", &source.Error{Text: doing + ": no such file or directory to mount on in " + quoted(owner), Hint: "make it there first, or choose a place of the sandbox's own"}
		}
		return at.path, nil
	}
	if isDir := at.kind == host.Directory; isDir != dir && !b.inKernel(at.path) {
		if isDir {
			return "", &source.Error{Text: doing + ": the source is a file, the target is a directory"}
		}
		return "", &source.Error{Text: doing + ": the source is a directory, the target is not"}
	}
	return at.path, nil
}

// owner names the host directory or rootfs in which a missing path would have to be made, or "" where the sandbox owns it.
func (b *builder) owner(path string) string {
	s := b.cover(path)
	if s.mount > 0 {
		if m := &b.doc.OCI.Mounts[s.mount-1]; m.Type == "bind" || m.Type == "proc" {
			return m.Destination
		}
		return ""
	}
	switch b.doc.Ext.Root {
	case spec.RootDir:
		return b.rootfs
	case spec.RootHost:
		return "/"
	}
	return ""
}

// inKernel reports whether only the kernel knows what is at a path.
func (b *builder) inKernel(path string) bool {
	s := b.cover(path)
	return s.mount > 0 && s.rest != "" && (b.doc.OCI.Mounts[s.mount-1].Type == "proc" || b.doc.OCI.Mounts[s.mount-1].Source == devSource)
}

// makeEntry adds a link, a directory or a file. What is not a mount can only be made where the sandbox owns the directory.
func (b *builder) makeEntry(e *policy.Entry, path string) *source.Error {
	out := spec.Entry{Path: b.linkParent(path), From: e.From}
	switch e.Kind {
	case policy.Symlink:
		if e.Source == "" {
			return &source.Error{Text: "symlink " + quoted(path) + ": the target is empty"}
		}
		out.Kind, out.Target = spec.EntrySymlink, e.Source
	case policy.Dir:
		out.Kind, out.Mode = spec.EntryDir, 0o755
	default:
		out.Kind, out.Data, out.Mode = spec.EntryFile, e.Data, 0o644
	}
	found := b.place(path)
	owner := b.owner(out.Path)
	switch {
	case e.Kind == policy.Dir && found.kind == host.Directory:
		return nil // there already
	case e.Kind == policy.File && found.kind == host.Regular:
		out.Path = found.path // laid over the file that is there, as a mount
	case owner != "":
		return &source.Error{Text: string(e.Kind) + " " + quoted(path) + ": it would have to be made in " + quoted(owner) + ", which is not the sandbox's own",
			Hint: "choose a place of the sandbox's own, such as /tmp"}
	case found.kind != host.Missing:
		return &source.Error{Text: string(e.Kind) + " " + quoted(path) + ": something else is there already"}
	}
	b.entry(out)
	return nil
}

// linkParent returns a path whose directory is followed through links and whose last part is not.
func (b *builder) linkParent(path string) string {
	dir := b.place(orName(parent(path), "/")).path
	return strings.TrimSuffix(dir, "/") + path[len(parent(path)):]
}

// hidden returns the path that hiding a path must cover: where a link leads, if it leads anywhere.
func (b *builder) hidden(path string) string {
	if at := b.place(path); at.kind != host.Missing {
		return at.path
	}
	return b.linkParent(path)
}
