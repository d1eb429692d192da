package host

import (
	"errors"
	"os"
	"runtime"
	"strconv"
	"syscall"

	"github.com/seed-0dbaba02/carrel/internal/linux"
)

// nowhere is what a trial executes: it does not exist, so ENOENT means that all before the exec worked. The child is gone
// when the trial returns, and has run no program.
const nowhere = "/proc/self/there-is-no-such-program"

// trial makes namespaces in a child: those of outer with clone(2), then those of inner with unshare(2), from within the
// first. With a new user namespace, only the caller's own ids are mapped. It returns 0 where the kernel allows it.
func trial(outer, inner uint64) syscall.Errno {
	attr := &syscall.ProcAttr{Files: []uintptr{}, Sys: &syscall.SysProcAttr{
		Cloneflags: uintptr(outer), Unshareflags: uintptr(inner), Pdeathsig: syscall.SIGKILL,
	}}
	if outer&linux.CloneNewuser != 0 {
		attr.Sys.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Geteuid(), HostID: os.Geteuid(), Size: 1}}
		attr.Sys.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getegid(), HostID: os.Getegid(), Size: 1}}
	}
	runtime.LockOSThread() // PDEATHSIG is about the thread
	defer runtime.UnlockOSThread()
	_, err := syscall.ForkExec(nowhere, []string{"trial"}, attr)
	if e := errnoOf(err); e != syscall.ENOENT {
		return e
	}
	return 0
}

// withUserNS calls use with a descriptor of a new user namespace that maps one range. Its owner is a child that stops
// before its first instruction (PTRACE_TRACEME) and is killed. It
// returns what use returns, or why there is no such namespace.
func withUserNS(first, count int, use func(fd int) syscall.Errno) syscall.Errno {
	runtime.LockOSThread() // a tracer is a thread
	defer runtime.UnlockOSThread()
	ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: first, Size: count}}
	pid, err := syscall.ForkExec("/proc/self/exe", []string{"userns"}, &syscall.ProcAttr{Files: []uintptr{}, Sys: &syscall.SysProcAttr{
		Cloneflags: linux.CloneNewuser, Ptrace: true, Pdeathsig: syscall.SIGKILL, UidMappings: ids, GidMappings: ids,
	}})
	if err != nil {
		return errnoOf(err)
	}
	defer reap(pid)
	fd, err := syscall.Open("/proc/"+strconv.Itoa(pid)+"/ns/user", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return errnoOf(err)
	}
	defer syscall.Close(fd)
	return use(fd)
}

func reap(pid int) {
	var status syscall.WaitStatus
	for {
		// The child is stopped, or will be: neither state survives SIGKILL.
		_ = syscall.Kill(pid, syscall.SIGKILL)
		_, err := syscall.Wait4(pid, &status, 0, nil)
		if err != nil && !errors.Is(err, syscall.EINTR) || err == nil && (status.Exited() || status.Signaled()) {
			return
		}
	}
}
