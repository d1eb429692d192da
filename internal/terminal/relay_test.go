package terminal_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-0dbaba02/carrel/internal/terminal/ptytest"
)

// relayed returns a command that runs program behind a relay.
func relayed(t *testing.T, program ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", program...)
	cmd.Env = append(os.Environ(), role+"=relay", "TERM=xterm", "PS1=in> ", "LC_ALL=C", "HISTFILE=")
	return cmd
}

func wantExit(t *testing.T, s *ptytest.Session, want int) {
	t.Helper()
	if got := s.Wait().ExitCode(); got != want {
		t.Fatalf("exit code %d, want %d; printed:\n%q", got, want, s.Transcript())
	}
}

func TestTypedInputIsEchoedAndRead(t *testing.T) {
	s := ptytest.Start(t, relayed(t, "cat"))
	s.Send("hello\n")
	s.Expect("hello\r\nhello\r\n")
	s.Send("wrang\x7f\x7f\x7fong\n") // the erase key came along
	s.Expect("\r\nwrong\r\n")
	s.Send("\x04")
	wantExit(t, s, 0)
}

func TestCtrlCReachesTheForegroundGroup(t *testing.T) {
	s := ptytest.Start(t, relayed(t, "sh", "-c", `trap 'echo "inter"rupted; exit 3' INT; echo ready; while :; do sleep 1; done`))
	s.Expect("ready")
	s.Send("\x03")
	s.Expect("interrupted")
	wantExit(t, s, 3)
}

func TestExitIsPassedOn(t *testing.T) {
	s := ptytest.Start(t, relayed(t, "sh", "-c", "exit 42"))
	wantExit(t, s, 42)
	s = ptytest.Start(t, relayed(t, "sh", "-c", "kill -9 $$"))
	wantExit(t, s, 128+9)
}

func TestWindowSize(t *testing.T) {
	s := ptytest.Start(t, relayed(t, "sh", "-c", `trap 'echo changed $(stty size)' WINCH; echo first $(stty size); while :; do sleep 0.1; done`))
	s.Expect("first 24 80\r\n")
	s.Resize(31, 97)
	s.Expect("changed 31 97\r\n")
	s.Send("\x03")
	wantExit(t, s, 130)
}

func TestAllOutputArrives(t *testing.T) {
	for _, mode := range []string{"", "RELAY_NONBLOCK=1"} {
		t.Run(mode, func(t *testing.T) {
			const size = 1 << 20
			cmd := relayed(t, "sh", "-c", `head -c 1048576 /dev/zero | tr '\0' x; printf 'the %s' end`)
			cmd.Env = append(cmd.Env, mode)
			s := ptytest.Start(t, cmd)
			s.Expect("the end")
			wantExit(t, s, 0)
			if got := strings.Count(s.Transcript(), "x"); got != size {
				t.Errorf("%d bytes arrived, want %d", got, size)
			}
		})
	}
}

func TestOutputBeforeTheEndArrives(t *testing.T) {
	// The program writes as much as the kernel holds and is gone, and so is init.
	s := ptytest.Start(t, relayed(t, "sh", "-c", `head -c 60000 /dev/zero | tr '\0' y`))
	wantExit(t, s, 0)
	s.Expect(strings.Repeat("y", 60000))
}

func TestLargeInputArrives(t *testing.T) {
	s := ptytest.Start(t, relayed(t, "sh", "-c", `stty raw -echo; echo ready; head -c 300000 | cksum; stty -raw; echo done`))
	s.Expect("ready")
	var typed bytes.Buffer
	for typed.Len() < 300000 {
		typed.WriteString("all work and no play\x03\x1a\x04\r\n")
	}
	typed.Truncate(300000)
	s.Send(typed.String())
	s.Expect("done")
	sum := exec.Command("cksum")
	sum.Stdin = &typed
	want, err := sum.Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(s.Transcript(), strings.TrimSpace(string(want))) {
		t.Errorf("want %q in:\n%q", want, s.Transcript())
	}
	wantExit(t, s, 0)
}

func TestRedirectedOutputGoesDirectly(t *testing.T) {
	file, err := os.OpenFile(filepath.Join(t.TempDir(), "out"), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	cmd := relayed(t, "sh", "-c", `echo to the file; echo to the terminal >&2; read x; echo "got $x" >&2`)
	cmd.Stdout = file
	s := ptytest.Start(t, cmd)
	s.Expect("to the terminal\r\n")
	s.Send("word\n")
	s.Expect("got word\r\n")
	wantExit(t, s, 0)
	written, err := os.ReadFile(file.Name())
	if err != nil || string(written) != "to the file\n" {
		t.Errorf("file: %q, %v", written, err)
	}
	if strings.Contains(s.Transcript(), "to the file") {
		t.Errorf("also on the terminal: %q", s.Transcript())
	}
}

func TestEndOfInputIsTyped(t *testing.T) {
	for _, input := range []string{"one\ntwo\n", "one\ntwo", ""} {
		cmd := relayed(t, "sh", "-c", "stty -echo; cat; echo; echo e-n-d")
		cmd.Stdin = strings.NewReader(input)
		s := ptytest.Start(t, cmd)
		s.Expect("e-n-d")
		wantExit(t, s, 0)
		if !strings.Contains(s.Transcript(), strings.ReplaceAll(input, "\n", "\r\n")) {
			t.Errorf("input %q: printed %q", input, s.Transcript())
		}
	}
}

func TestHangUpReachesTheProgram(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "hung-up")
	s := ptytest.Start(t, relayed(t, "sh", "-c", `trap 'echo > "$0"; exit 0' HUP; echo ready; while :; do sleep 0.1; done`, mark))
	s.Expect("ready")
	s.Close()
	if _, err := os.Stat(mark); err != nil {
		t.Errorf("the program did not hear of it: %v", err)
	}
}

func TestDeadlySignalIsForwarded(t *testing.T) {
	s := ptytest.Start(t, relayed(t, "sh", "-c", `trap 'echo "fare"well; exit 9' TERM; echo ready; while :; do sleep 0.1; done`))
	s.Expect("ready")
	if err := unix.Kill(s.Pid(), unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.Expect("farewell")
	wantExit(t, s, 9)
}

func TestOrphanedGroupIsNotStopped(t *testing.T) {
	// Nobody could continue a session leader: as at home, Ctrl-Z has no lasting effect.
	s := ptytest.Start(t, relayed(t, "cat"))
	s.Send("a\n")
	s.Expect("a\r\na\r\n")
	s.Send("\x1a")
	s.Expect("^Z")
	s.Send("b\n")
	s.Expect("b\r\nb\r\n")
	s.Send("\x04")
	wantExit(t, s, 0)
}
