package main

import (
	"fmt"
	"net"
	"os"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func processAttacks() []attack {
	return []attack{
		{"assault", assault},
		{"victim", victim},
		{"become", become},
		{"connect", connect},
		{"env", func(args []string) { fmt.Println(os.Getenv(args[0])) }},
		{"abort", abort},
		{"threads", threads},
		{"forks", forks},
		{"outer", outer},
	}
}

// assault is everything that one process can do to another: PID ADDRESS SIZE.
func assault(args []string) {
	pid, _ := strconv.Atoi(args[0])
	address, _ := strconv.ParseUint(args[1], 0, 64)
	size, _ := strconv.Atoi(args[2])
	buffer := make([]byte, size)
	show := func(name string, n int, err error) {
		say(name, err)
		if err == nil && n > 0 {
			fmt.Printf("%s\n", buffer[:n])
		}
	}
	n, err := unix.ProcessVMReadv(pid, []unix.Iovec{iovec(buffer)}, []unix.RemoteIovec{{Base: uintptr(address), Len: size}}, 0)
	show("process_vm_readv", n, err)
	if f, err := os.Open("/proc/" + args[0] + "/mem"); err == nil {
		n, err = f.ReadAt(buffer, int64(address))
		show("mem", n, err)
	} else {
		say("mem", err)
	}
	if fd, err := unix.PidfdOpen(pid, 0); err == nil {
		_, err = unix.PidfdGetfd(fd, 0, 0)
		say("pidfd_getfd", err)
		say("pidfd_send_signal", unix.PidfdSendSignal(fd, unix.SIGUSR1, nil, 0))
	} else {
		say("pidfd_open", err)
	}
	_, _, errno := unix.Syscall6(unix.SYS_KCMP, uintptr(os.Getpid()), uintptr(pid), 1, 0, 0, 0)
	say("kcmp", errno)
	say("kill", unix.Kill(pid, unix.SIGUSR1))
	say("tgkill", unix.Tgkill(pid, pid, unix.SIGUSR1))
	// A tracer's stop is last, so that a victim which may be traced is not left stopped: the tracer's end lets it go.
	err = unix.PtraceSeize(pid)
	say("ptrace", err)
}

var secret []byte // kept where the collector leaves it

// victim waits with a secret in its memory. A signal ends it, as its parent can see.
func victim(args []string) {
	secret = []byte(args[0])
	defaultAction(unix.SIGUSR1)
	fmt.Printf("address %#x %d\n", addressOf(secret), len(secret))
}

// become executes another program in place of this one.
func become(args []string) {
	say("execve", unix.Exec(args[0], args, os.Environ()))
}

// connect tries sockets: each argument is a path, or a name that begins with @.
func connect(args []string) {
	for _, name := range args {
		c, err := net.DialTimeout("unix", name, 5*time.Second)
		if err != nil {
			fmt.Println(name, "refused", err)
			continue
		}
		fmt.Println(name, "ok")
		// The other side counts what it accepts: wait until it has.
		_, _ = c.Read(make([]byte, 1))
		c.Close()
	}
}

// abort dies with a core, were it allowed to.
func abort([]string) {
	debug.SetTraceback("none")
	var most unix.Rlimit
	_ = unix.Getrlimit(unix.RLIMIT_CORE, &most)
	most.Cur = most.Max
	say("setrlimit", unix.Setrlimit(unix.RLIMIT_CORE, &most))
	say("raise", unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}))
	say("dumpable", unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0))
	defaultAction(unix.SIGABRT)
	_ = unix.Kill(os.Getpid(), unix.SIGABRT)
	time.Sleep(time.Minute)
}

// threads starts some threads that stay.
func threads([]string) {
	started := make(chan bool)
	for range 8 {
		go func() {
			lockThread()
			started <- true
			select {}
		}()
	}
	for range 8 {
		<-started
	}
}

// forks leaves a process of a session of its own behind, that ignores what can be ignored: NAME... are further arguments.
func forks(args []string) {
	_, err := syscall.ForkExec("/proc/self/exe", append([]string{"probe"}, args...),
		&syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Setsid: true}})
	say("fork", err)
}
