package host

import (
	"errors"
	"strings"
	"syscall"
)

// maxLinks is how many links one look follows: the kernel's own limit, path_resolution(7).
const maxLinks = 40

// Look tells what a path is. Nothing is opened but with O_PATH, so a FIFO does not block and a device does not notice.
//
// On the host (root ""), links that the distribution made are followed: those directly in /, those below /usr, /etc and the
// other system folders, and /var/run and /var/lock, all of them owned by root. A link elsewhere may have been planted by
// an earlier program: its path goes to Untrusted, and Real still says where it leads, so that an error can name both.
// Within a rootfs every link is resolved as chroot(2) would, and none leaves it.
//
// What does not exist has Kind Missing, and Real is the part that exists, without links, and the rest.
func Look(root, name string) Path {
	p := Path{Root: root, Name: name}
	w := walk{dir: atFdcwd, resolve: resolveNoSymlinks}
	if root != "" {
		fd, e := openat2(atFdcwd, root, oPath|syscall.O_DIRECTORY, resolveNoMagiclinks)
		if e != 0 {
			p.fail(e)
			return p
		}
		defer syscall.Close(fd)
		w.dir, w.resolve, w.contained = fd, resolveInRoot|resolveNoSymlinks|resolveNoMagiclinks, true
	}
	if len(name) == 0 || name[0] != '/' {
		p.Err = int(syscall.EINVAL)
		return p
	}
	w.look(&p)
	return p
}

func (p *Path) fail(e syscall.Errno) {
	if e != syscall.ENOENT && e != syscall.ENOTDIR {
		p.Err = int(e)
	}
}

// walk is one look. Every name it opens is resolved from the start with links forbidden, so that what it was told of the
// path before cannot be changed behind its back: a link put there meanwhile is ELOOP.
type walk struct {
	dir       int
	resolve   uint64
	contained bool
}

// look tries the whole path at once, which does for nearly all. Where there is a link it goes step by step up to that, puts
// its target in its place, and tries again. real is free of links, rest is not known to be.
func (w *walk) look(p *Path) {
	real, rest := "", strings.TrimRight(p.Name, "/")
	for links := 0; ; links++ {
		real, rest = climb(real, rest)
		st, e := w.open(p, real+rest)
		switch {
		case e == 0 && st.Mode&syscall.S_IFMT != syscall.S_IFLNK:
			return
		case e == 0:
			real, rest = clean(real+rest), ""
		case e == syscall.ELOOP:
			real, rest, e = w.toLink(real, rest)
		}
		var target string
		if e == 0 {
			target, e = w.readLink(p, real)
		}
		if rest == "" && e == 0 && p.Kind == Missing { // the last part of the name itself
			p.Kind, p.Target = Symlink, target
		}
		if links >= maxLinks && e == 0 {
			e = syscall.ELOOP
		}
		if e != 0 {
			p.fail(e)
			p.Real = missing(real, rest)
			return
		}
		if strings.HasPrefix(target, "/") {
			real = ""
		} else {
			real, target = parentOf(real), "/"+target
		}
		rest = strings.TrimRight(target+rest, "/")
	}
}

// open looks at a name that should be free of links, and fills in what Real is if it is.
func (w *walk) open(p *Path, name string) (st syscall.Stat_t, e syscall.Errno) {
	if name == "" {
		name = "/"
	}
	fd, e := openat2(w.dir, name, oPath|syscall.O_NOFOLLOW, w.resolve)
	if e != 0 {
		return st, e
	}
	defer syscall.Close(fd)
	if e = fstat(fd, &st); e != 0 || st.Mode&syscall.S_IFMT == syscall.S_IFLNK {
		return st, e
	}
	p.Real, p.To = clean(name), kindOf(st.Mode)
	if p.Kind != Symlink {
		p.Kind = p.To
	}
	p.Exec = p.To == Regular && executable(fd, st.Mode)
	return st, 0
}

// toLink adds parts of rest to real up to and including the first that is a link.
func (w *walk) toLink(real, rest string) (string, string, syscall.Errno) {
	for {
		part, after := nextPart(rest)
		switch part {
		case "": // the link that was in the way is gone: somebody is changing the path
			return real, "", syscall.EAGAIN
		case "..":
			real, rest = parentOf(real), after
			continue
		}
		real, rest = real+"/"+part, after
		fd, e := openat2(w.dir, real, oPath|syscall.O_NOFOLLOW, w.resolve)
		if e != 0 {
			return real, rest, e
		}
		var st syscall.Stat_t
		e = fstat(fd, &st)
		syscall.Close(fd)
		if e != 0 || st.Mode&syscall.S_IFMT == syscall.S_IFLNK {
			return real, strings.TrimRight(rest, "/"), e
		}
	}
}

// readLink reads the target of the link name, and notes a link that the host does not vouch for.
func (w *walk) readLink(p *Path, name string) (string, syscall.Errno) {
	fd, e := openat2(w.dir, name, oPath|syscall.O_NOFOLLOW, w.resolve)
	if e != 0 {
		return "", e
	}
	defer syscall.Close(fd)
	var st syscall.Stat_t
	if e := fstat(fd, &st); e != 0 {
		return "", e
	}
	if !w.contained && p.Untrusted == "" && (!systemLink(name) || !rootOwns(st.Uid)) {
		p.Untrusted = name
	}
	return readlinkFD(fd)
}

func fstat(fd int, st *syscall.Stat_t) syscall.Errno {
	return errnoOf(syscall.Fstat(fd, st))
}

// errnoOf returns the errno within an error, 0 for none, and EIO for an error that holds no errno.
func errnoOf(err error) syscall.Errno {
	if err == nil {
		return 0
	}
	var e syscall.Errno
	if errors.As(err, &e) {
		return e
	}
	return syscall.EIO
}

// overflowUID is how an owner shows that has no mapping in the caller's user namespace, /proc/sys/kernel/overflowuid.
const overflowUID = 65534

// rootOwns reports whether an owner is root, as far as can be seen: within a user namespace that leaves the host's root
// out, what is root's shows as the overflow id. No program in there can make a file of that owner.
func rootOwns(uid uint32) bool {
	if uid != overflowUID {
		return uid == 0
	}
	text, ok := tree("").read("/proc/self/uid_map")
	return ok && !inMap(text, overflowUID)
}

// systemFolders hold links that distributions make. The names that begin with lib (lib, lib64, libx32) count as well.
var systemFolders = [...]string{"usr", "etc", "bin", "sbin", "opt", "nix", "gnu"}

// systemLink reports whether a link at this path is where only the administrator puts links.
func systemLink(name string) bool {
	first, rest := nextPart(name)
	if rest == "" {
		return true
	}
	if strings.HasPrefix(first, "lib") {
		return true
	}
	for _, f := range systemFolders {
		if first == f {
			return true
		}
	}
	return name == "/var/run" || name == "/var/lock"
}

func kindOf(mode uint32) Kind {
	switch mode & syscall.S_IFMT {
	case syscall.S_IFDIR:
		return Directory
	case syscall.S_IFREG:
		return Regular
	case syscall.S_IFLNK:
		return Symlink
	case syscall.S_IFCHR, syscall.S_IFBLK:
		return Device
	}
	return Other
}
