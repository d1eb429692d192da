package host

import (
	"strconv"
	"syscall"

	"github.com/seed-0dbaba02/carrel/internal/linux"
)

// Examine tries what carrel needs and reads what explains a refusal. It takes some milliseconds, starts and ends a few
// children that execute no program, and leaves nothing behind. folder is where the caller works, "" for the working
// directory: id-mapped mounts depend on its file system.
func Examine(folder string) (*Report, error) {
	facts, err := Probe()
	if err != nil {
		return nil, err
	}
	subIDsErr := SubIDs(facts)
	r := &Report{Facts: facts}
	t := tree("")
	t.checkKernel(r)
	t.checkNamespaces(r, trial)
	t.checkProc(r)
	checkIDs(r, subIDsErr)
	checkIDMap(r, folder)
	t.checkCalls(r)
	t.checkSeccomp(r)
	t.checkLandlock(r)
	t.checkMemfd(r)
	t.checkTerminal(r)
	t.checkSurroundings(r)
	return r, nil
}

// The oldest kernel with all calls that a launch makes: mount_setattr(2).
const oldestMajor, oldestMinor = 5, 12

func (t tree) checkKernel(r *Report) {
	v := r.Facts.Kernel
	text := "linux " + itoa(v.Major) + "." + itoa(v.Minor) + " on " + r.Facts.Arch
	if v.Less(oldestMajor, oldestMinor) {
		r.add("kernel", Absent, text+": older than 5.12", "boot linux 5.12 or newer")
		return
	}
	r.add("kernel", OK, text, "")
}

// checkNamespaces makes each namespace in a child of its own: the user namespace first, the others within one, as a launch
// does. Where there is no user namespace, root can still make the others.
func (t tree) checkNamespaces(r *Report, try func(outer, inner uint64) syscall.Errno) {
	user := try(linux.CloneNewuser, 0)
	// AppArmor lets the namespace be made, and then denies everything in it.
	powerless := user == 0 && try(linux.CloneNewuser, linux.CloneNewuts) == syscall.EPERM &&
		t.namespaces(linux.CloneNewuser, syscall.EPERM) != nil
	switch {
	case powerless:
		c := t.namespaces(linux.CloneNewuser, syscall.EPERM)
		r.add("user namespace", Limited, "made, but without power: "+c.Text, c.Fix)
	case user == 0:
		r.add("user namespace", OK, "made and mapped", "")
	default:
		t.refused(r, "user namespace", Absent, linux.CloneNewuser, user)
	}
	for i := range linux.Namespaces {
		n := &linux.Namespaces[i]
		if n.Flag == linux.CloneNewuser {
			continue
		}
		name := n.Name + " namespace"
		outer := uint64(linux.CloneNewuser)
		if user != 0 {
			outer = 0
		}
		switch e := try(outer, n.Flag); {
		case e == syscall.EPERM && user != 0: // by itself it would need CAP_SYS_ADMIN
			r.add(name, Absent, "needs the user namespace", "see user namespace")
		case e != 0:
			t.refused(r, name, Absent, n.Flag, e)
		case user != 0:
			r.add(name, Limited, "made by root, without a user namespace around it", "see user namespace")
		default:
			r.add(name, OK, "made", "")
		}
	}
}

func (t tree) refused(r *Report, name string, state State, flag uint64, e syscall.Errno) {
	detail, fix := linux.ErrnoName(e)+": "+e.Error(), "look at the kernel's log for a reason"
	if c := t.namespaces(flag, e); c != nil {
		detail, fix = linux.ErrnoName(e)+": "+c.Text, c.Fix
	}
	r.add(name, state, detail, fix)
}

func (t tree) checkProc(r *Report) {
	switch masked := t.maskedProc(); {
	case !t.exists("/proc/self/status"):
		r.add("proc", Absent, "no proc file system at /proc", "as root: mount -t proc proc /proc")
	case len(masked) > 0:
		r.add("proc", Limited, "a pid namespace gets no /proc of its own: parts of the present one are covered ("+firstFew(masked)+")", procFix)
	default:
		r.add("proc", OK, "in full view: a pid namespace can have its own", "")
	}
}

const subIDsFix = "as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER, and install newuidmap (package uidmap or shadow-utils)"

func checkIDs(r *Report, err error) {
	const name = "subordinate ids"
	f := r.Facts
	uids, gids := total(f.SubUIDs), total(f.SubGIDs)
	switch {
	case err != nil:
		r.add(name, Absent, err.Error(), "make /etc/passwd, /etc/subuid and /etc/subgid readable regular files; see system calls")
	case f.HostRoot:
		r.add(name, OK, "root maps ids itself; "+count(uids, "uid")+" and "+count(gids, "gid")+" in /etc/subuid and /etc/subgid", "")
	case uids == 0 || gids == 0:
		r.add(name, Limited, "only the caller's own id can be mapped: "+count(uids, "uid")+" and "+count(gids, "gid")+" in /etc/subuid and /etc/subgid", subIDsFix)
	case f.NewUIDMap == "" || f.NewGIDMap == "":
		r.add(name, Limited, "only the caller's own id can be mapped: newuidmap or newgidmap is missing in /usr/bin, /bin and /usr/local/bin, or others than root can change it",
			"as root, install newuidmap and newgidmap (package uidmap or shadow-utils)")
	default:
		r.add(name, OK, count(uids, "uid")+" and "+count(gids, "gid")+" through "+f.NewUIDMap, "")
	}
}

func total(ranges []Range) int {
	n := 0
	for _, r := range ranges {
		n += r.Count
	}
	return n
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// checkIDMap tries to map the ids of the working directory's file system, which root needs in order to grant what it owns.
func checkIDMap(r *Report, folder string) {
	const name = "id-mapped mounts"
	if !r.Facts.HostRoot {
		r.add(name, OK, "not needed: only root maps what it owns on the host", "")
		return
	}
	if user := r.Find("user namespace"); user == nil || user.State == Absent {
		r.add(name, Limited, "cannot be tried without a user namespace", "see user namespace")
		return
	}
	what := folder
	if folder == "" {
		folder, what = ".", "the working directory"
	}
	const first, size = 100000, 65536 // the default range
	e := withUserNS(first, size, func(fd int) syscall.Errno { return idmap(folder, fd) })
	switch e {
	case 0:
		r.add(name, OK, "the file system of "+what+" has them", "")
	case syscall.EINVAL, syscall.EPERM:
		r.add(name, Limited, "the file system of "+what+" does not have them ("+linux.ErrnoName(e)+"): what root owns there can be granted only where its mode lets others in",
			"work on tmpfs, ext4, xfs or btrfs under a kernel that maps ids there, or run as the owner of the files")
	default:
		r.add(name, Limited, "cannot be tried: "+e.Error(), "see user namespace and system calls")
	}
}
