package terminal_test

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-0dbaba02/carrel/internal/terminal"
)

func openPty(t *testing.T) (master, slave int) {
	t.Helper()
	master, slave, err := terminal.OpenHost()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		unix.Close(master)
		unix.Close(slave)
	})
	return master, slave
}

func settings(t *testing.T, fd int) unix.Termios {
	t.Helper()
	s, err := terminal.Settings(fd)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOpenHost(t *testing.T) {
	master, slave := openPty(t)
	for name, fd := range map[string]int{"master": master, "slave": slave} {
		if !terminal.IsTerminal(fd) {
			t.Errorf("%s: not a terminal", name)
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("%s: flags %#x, %v: not close-on-exec", name, flags, err)
		}
	}
	if _, err := unix.IoctlGetUint32(slave, unix.TIOCGSID); !errors.Is(err, unix.ENOTTY) {
		t.Errorf("session of the new slave: %v, want ENOTTY: it became a controlling terminal", err)
	}
}

func TestIsTerminalOfOthers(t *testing.T) {
	file, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if terminal.IsTerminal(int(file.Fd())) || terminal.IsTerminal(-1) {
		t.Error("/dev/null or no descriptor taken for a terminal")
	}
	if _, err := terminal.Settings(int(file.Fd())); !errors.Is(err, unix.ENOTTY) {
		t.Errorf("settings of /dev/null: %v, want ENOTTY", err)
	}
	if err := terminal.SetSize(int(file.Fd()), 1, 1); !errors.Is(err, unix.ENOTTY) {
		t.Errorf("size of /dev/null: %v, want ENOTTY", err)
	}
}

func TestSizeIsThatOfBothSides(t *testing.T) {
	master, slave := openPty(t)
	if err := terminal.SetSize(master, 43, 132); err != nil {
		t.Fatal(err)
	}
	rows, cols, err := terminal.GetSize(slave)
	if err != nil || rows != 43 || cols != 132 {
		t.Errorf("%d rows, %d columns, %v", rows, cols, err)
	}
}

func TestAdopt(t *testing.T) {
	_, home := openPty(t)
	theirs := settings(t, home)
	theirs.Cc[unix.VERASE] = 0x08
	theirs.Iflag ^= unix.IUTF8
	if err := terminal.Restore(home, theirs); err != nil {
		t.Fatal(err)
	}
	if err := terminal.SetSize(home, 50, 150); err != nil {
		t.Fatal(err)
	}
	master, slave := openPty(t)
	if err := terminal.Adopt(master, home); err != nil {
		t.Fatal(err)
	}
	if got, want := settings(t, slave), settings(t, home); got != want {
		t.Errorf("settings %+v, want %+v", got, want)
	}
	if rows, cols, err := terminal.GetSize(slave); err != nil || rows != 50 || cols != 150 {
		t.Errorf("%d rows, %d columns, %v", rows, cols, err)
	}
}

func TestRawPassesEveryByte(t *testing.T) {
	master, slave := openPty(t)
	if err := terminal.Restore(slave, terminal.MakeRaw(settings(t, slave))); err != nil {
		t.Fatal(err)
	}
	var all [256]byte
	for i := range all {
		all[i] = byte(i)
	}
	for _, way := range []struct {
		name     string
		from, to int
	}{{"typed", master, slave}, {"printed", slave, master}} {
		if _, err := unix.Write(way.from, all[:]); err != nil {
			t.Fatal(err)
		}
		var got []byte
		for len(got) < len(all) {
			var b [256]byte
			fds := []unix.PollFd{{Fd: int32(way.to), Events: unix.POLLIN}}
			if n, err := unix.Poll(fds, 30_000); n != 1 {
				t.Fatalf("%s: %d bytes of %d, then nothing: %v", way.name, len(got), len(all), err)
			}
			n, err := unix.Read(way.to, b[:])
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, b[:n]...)
		}
		if string(got) != string(all[:]) {
			t.Errorf("%s: %q", way.name, got)
		}
	}
}

func TestMakeRawKeepsTheRest(t *testing.T) {
	_, slave := openPty(t)
	before := settings(t, slave)
	before.Iflag |= unix.IUTF8
	raw := terminal.MakeRaw(before)
	if raw.Iflag&unix.IUTF8 == 0 || raw.Cc[unix.VINTR] != before.Cc[unix.VINTR] || raw.Cflag&unix.CBAUD != before.Cflag&unix.CBAUD {
		t.Errorf("%+v lost something of %+v", raw, before)
	}
	if again := terminal.MakeRaw(raw); again != raw {
		t.Errorf("raw twice is %+v, once %+v", again, raw)
	}
}
