package terminal_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-0dbaba02/carrel/internal/terminal"
)

// role is the environment variable that turns the test binary into one of the processes of a sandbox.
const role = "CARREL_TERMINAL_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "relay":
		os.Exit(relay(os.Args[1:]))
	case "init":
		os.Exit(standInInit(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// relay does what the supervisor does: a pty, init on its slave, and a Relay between it and descriptors 0 to 2.
func relay(program []string) int {
	master, slave, err := terminal.OpenHost()
	if err != nil {
		return complain(err)
	}
	if terminal.IsTerminal(0) {
		if err := terminal.Adopt(master, 0); err != nil {
			return complain(err)
		}
	}
	statusRead, statusWrite, err := os.Pipe()
	if err != nil {
		return complain(err)
	}
	tty := os.NewFile(uintptr(slave), "slave")
	cmd := exec.Command("/proc/self/exe", program...)
	cmd.Env = append(os.Environ(), role+"=init")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	out := 1
	if !terminal.IsTerminal(1) {
		out, cmd.Stdout = 2, os.Stdout
	}
	cmd.ExtraFiles = []*os.File{statusWrite}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
	if err := cmd.Start(); err != nil {
		return complain(err)
	}
	tty.Close()
	statusWrite.Close()
	if os.Getenv("RELAY_NONBLOCK") != "" {
		if err := unix.SetNonblock(out, true); err != nil {
			return complain(err)
		}
	}
	r := terminal.Relay{In: 0, Out: out, Master: master, Status: int(statusRead.Fd()), Signal: func(sig syscall.Signal) error {
		if sig == unix.SIGUSR1 {
			switch os.Getenv("RELAY_USR1") {
			case "panic":
				_ = cmd.Process.Kill()
				panic("as asked")
			case "fail":
				_ = cmd.Process.Kill()
				return unix.EPERM
			}
		}
		return cmd.Process.Signal(sig)
	}}
	status, clean, err := r.Run()
	if err != nil {
		return complain(err)
	}
	if err := cmd.Wait(); err != nil || !clean {
		return complain(fmt.Errorf("init: %v, clean %v", err, clean))
	}
	if wait := syscall.WaitStatus(status); wait.Signaled() {
		return 128 + int(wait.Signal())
	}
	return syscall.WaitStatus(status).ExitStatus()
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, "relay:", err)
	return 125
}

// standInInit does what carrel's init does, for one process group instead of a pid namespace: the program in a
// foreground group of its own, its wait statuses to descriptor 3, signals to the program.
func standInInit(program []string) int {
	signals := make(chan os.Signal, 64)
	signal.Notify(signals, unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2, unix.SIGTSTP, unix.SIGCONT)
	path, err := exec.LookPath(program[0])
	if err != nil {
		return complain(err)
	}
	os.Unsetenv(role)
	unix.CloseOnExec(3)
	process, err := os.StartProcess(path, program, &os.ProcAttr{
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr},
		Sys:   &syscall.SysProcAttr{Setpgid: true, Foreground: true, Ctty: 0},
	})
	if err != nil {
		return complain(err)
	}
	go func() {
		for sig := range signals {
			switch sig {
			case unix.SIGTSTP:
				_ = unix.Kill(-process.Pid, unix.SIGSTOP)
			case unix.SIGCONT:
				_ = unix.Kill(-process.Pid, unix.SIGCONT)
			default:
				_ = unix.Kill(process.Pid, sig.(syscall.Signal))
			}
		}
	}()
	for {
		var status syscall.WaitStatus
		if _, err := syscall.Wait4(process.Pid, &status, syscall.WUNTRACED, nil); err == syscall.EINTR {
			continue
		} else if err != nil {
			return complain(err)
		}
		report := uint32(status)
		if !status.Stopped() {
			report |= 1 << 31
		}
		if _, err := unix.Write(3, binary.LittleEndian.AppendUint32(nil, report)); err != nil {
			return complain(err)
		}
		if !status.Stopped() {
			return 0
		}
	}
}
