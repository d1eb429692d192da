package terminal_test

import (
	"encoding/binary"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-0dbaba02/carrel/internal/terminal"
	"github.com/seed-0dbaba02/carrel/internal/terminal/ptytest"
)

// bench is a Relay without a caller's terminal and without a sandbox: the test plays both.
type bench struct {
	relay       terminal.Relay
	slave       *os.File
	status, out *os.File // write end, read end
}

func newBench(t *testing.T) *bench {
	t.Helper()
	master, slave := openPty(t)
	if err := terminal.Restore(slave, terminal.MakeRaw(settings(t, slave))); err != nil {
		t.Fatal(err)
	}
	statusRead, statusWrite, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	outRead, outWrite, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	own, err := unix.Dup(slave)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{slave: os.NewFile(uintptr(own), "slave"), status: statusWrite, out: outRead}
	b.relay = terminal.Relay{In: -1, Out: int(outWrite.Fd()), Master: master, Status: int(statusRead.Fd()),
		Signal: func(syscall.Signal) error { return unix.ESRCH }}
	t.Cleanup(func() {
		for _, file := range []*os.File{statusRead, statusWrite, outRead, outWrite, b.slave} {
			file.Close()
		}
	})
	return b
}

func (b *bench) report(t *testing.T, status uint32) {
	t.Helper()
	if _, err := b.status.Write(binary.LittleEndian.AppendUint32(nil, status)); err != nil {
		t.Fatal(err)
	}
}

func TestStatusIsReturnedAndNothingIsLeftOpen(t *testing.T) {
	b := newBench(t)
	before := openDescriptors(t)
	for _, clean := range []bool{true, false, true} {
		report := uint32(7 << 8)
		if clean {
			report |= 1 << 31
		}
		if _, err := b.slave.WriteString("last words"); err != nil {
			t.Fatal(err)
		}
		b.report(t, report)
		status, gotClean, err := b.relay.Run()
		if err != nil || status != 7<<8 || gotClean != clean {
			t.Fatalf("status %#x, clean %v, %v", status, gotClean, err)
		}
		got := make([]byte, len("last words"))
		if _, err := io.ReadFull(b.out, got); err != nil || string(got) != "last words" {
			t.Fatalf("relayed %q, %v", got, err)
		}
	}
	if after := openDescriptors(t); after != before {
		t.Errorf("open before: %s\nopen after: %s", before, after)
	}
}

func TestInitGoneWithoutAStatus(t *testing.T) {
	b := newBench(t)
	if _, err := b.slave.WriteString("last words"); err != nil {
		t.Fatal(err)
	}
	b.status.Close()
	_, clean, err := b.relay.Run()
	if err == nil || clean || !strings.Contains(err.Error(), "init is gone") {
		t.Fatalf("clean %v, %v", clean, err)
	}
	got := make([]byte, len("last words"))
	if _, err := io.ReadFull(b.out, got); err != nil || string(got) != "last words" {
		t.Fatalf("relayed %q, %v", got, err)
	}
}

func TestOneWhoKeepsPrintingIsNotWaitedFor(t *testing.T) {
	// The program has ended, but not everybody else, and somebody prints without end.
	b := newBench(t)
	go io.Copy(io.Discard, b.out)
	started := make(chan struct{})
	go func() {
		line := []byte(strings.Repeat("still here ", 300))
		for first := true; ; first = false {
			if _, err := b.slave.Write(line); err != nil {
				return // closed by the clean-up
			}
			if first {
				close(started)
			}
		}
	}()
	<-started
	b.report(t, 0)
	if _, clean, err := b.relay.Run(); err != nil || clean {
		t.Errorf("clean %v, %v", clean, err)
	}
}

func TestTerminalThatNobodyLooksAt(t *testing.T) {
	// Output is stuck in the caller's terminal. A signal must get through all the same, and end the relay.
	master, slave, err := terminal.OpenHost()
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(master)
	tty := os.NewFile(uintptr(slave), "slave")
	defer tty.Close()
	cmd := relayed(t, "yes")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	fds := []unix.PollFd{{Fd: int32(master), Events: unix.POLLIN}}
	if n, err := unix.Poll(fds, int(ptytest.Patience.Milliseconds())); n != 1 {
		t.Fatalf("nothing printed: %v", err)
	}
	if err := unix.Kill(cmd.Process.Pid, unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(ptytest.Patience):
		t.Error("the relay does not end")
		_ = cmd.Process.Kill()
		<-ended
	}
	if got, want := cmd.ProcessState.ExitCode(), 128+int(unix.SIGTERM); got != want {
		t.Errorf("exit code %d, want %d", got, want)
	}
}

func openDescriptors(t *testing.T) string {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, 0, len(entries))
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return strings.Join(names, " ")
}
