package terminal_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-0dbaba02/carrel/internal/terminal/ptytest"
)

// prompt ends every prompt of the outer shell.
const prompt = "out$ "

// homeShell starts the shell that a person would start carrel from. In it, $RELAY runs a program behind a relay.
func homeShell(t *testing.T) *ptytest.Session {
	t.Helper()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("not exercised: no bash to be the caller's shell")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bash, "--norc", "--noprofile", "--noediting", "-i")
	cmd.Env = append(os.Environ(), "PS1="+prompt, "RELAY=env "+role+"=relay "+self, "TERM=xterm", "LC_ALL=C", "HISTFILE=", "DIR="+t.TempDir())
	s := ptytest.Start(t, cmd)
	s.Expect(prompt)
	return s
}

func run(s *ptytest.Session, command, want string) {
	s.Send(command + "\n")
	s.Expect(want)
}

// leave ends the outer shell; it refuses while there are stopped jobs.
func leave(t *testing.T, s *ptytest.Session) {
	t.Helper()
	run(s, "jobs; echo jobs-$((1+1))", "jobs-2\r\n")
	s.Expect(prompt)
	s.Send("exit 0\n")
	wantExit(t, s, 0)
}

func isRaw(settings unix.Termios) bool { return settings.Lflag&unix.ICANON == 0 }

func TestCtrlZStopsForTheShellAndFgContinues(t *testing.T) {
	s := homeShell(t)
	home := s.Settings()
	run(s, `$RELAY sh -c 'echo rea""dy; while read x; do echo "got" $x; done; exit 4'`, "ready")
	for _, word := range []string{"one", "two"} {
		s.Send("\x1a")
		s.Expect("Stopped")
		s.Expect(prompt)
		if got := s.Settings(); got != home {
			t.Errorf("stopped: settings %+v, want %+v", got, home)
		}
		run(s, "fg; echo status $?", "while read")
		s.Send(word + "\n")
		s.Expect("got " + word + "\r\n")
		if !isRaw(s.Settings()) {
			t.Error("the caller's terminal is not raw while the program runs")
		}
	}
	s.Send("\x04")
	s.Expect("status 4")
	s.Expect(prompt)
	if got := s.Settings(); got != home {
		t.Errorf("ended: settings %+v, want %+v", got, home)
	}
	leave(t, s)
}

func TestSizeChangedWhileStopped(t *testing.T) {
	s := homeShell(t)
	run(s, `$RELAY sh -c 'echo rea""dy; read x; stty size'`, "ready")
	s.Send("\x1a")
	s.Expect("Stopped")
	s.Expect(prompt)
	s.Resize(40, 100)
	run(s, "fg", "read x")
	s.Send("\n")
	s.Expect("40 100")
	s.Expect(prompt)
	leave(t, s)
}

func TestJobsOfAShellInside(t *testing.T) {
	s := homeShell(t)
	run(s, `$RELAY env PS1=in'> '  bash --norc --noprofile --noediting -i`, "in> ")
	// A program that has answered is certainly the one in the foreground.
	run(s, "cat\nhere", "here\r\nhere\r\n")
	s.Send("\x1a")
	s.Expect("Stopped")
	s.Expect("in> ")
	run(s, "kill -KILL %1; wait; echo gone-$((1+1))", "gone-2")
	s.Expect("in> ")
	run(s, "cat\nthere", "there\r\nthere\r\n")
	s.Send("\x03")
	s.Expect("in> ")
	run(s, "suspend", prompt) // the shell inside stops itself
	run(s, "fg", "in> ")
	run(s, "exit 5", prompt)
	run(s, "echo status $?", "status 5")
	s.Expect(prompt)
	leave(t, s)
}

func TestContinuedInTheBackground(t *testing.T) {
	s := homeShell(t)
	run(s, `mkfifo $DIR/go; $RELAY sh -c 'echo rea""dy; read x < $DIR/go; echo contin""ued'`, "ready")
	s.Send("\x1a")
	s.Expect("Stopped")
	s.Expect(prompt)
	run(s, "bg", prompt)
	run(s, "echo > $DIR/go; wait; echo waited-$?", "continued")
	s.Expect("waited-0")
	s.Expect(prompt)
	leave(t, s)
}

func TestStartedInTheBackground(t *testing.T) {
	s := homeShell(t)
	run(s, `$RELAY sh -c 'echo from-the-back-$((1+1)); read x; echo "got" $x' &`, "from-the-back-2")
	if isRaw(s.Settings()) {
		t.Error("a relay in the background changed the terminal")
	}
	run(s, "fg", "read x")
	s.Send("word\n")
	s.Expect("got word\r\n")
	s.Expect(prompt)
	leave(t, s)
}

func TestBehindTimeout(t *testing.T) {
	if _, err := exec.LookPath("timeout"); err != nil {
		t.Skip("not exercised: no timeout(1), which puts its command in the background")
	}
	s := homeShell(t)
	run(s, `timeout 25 $RELAY sh -c 'echo in-time-$((1+1)); exit 6'; echo status $?`, "in-time-2\r\n")
	s.Expect("status 6")
	s.Expect(prompt)
	leave(t, s)
}

func TestStoppedFromOutside(t *testing.T) {
	for _, c := range []struct{ sig, inside string }{{"TSTP", "0"}, {"STOP", "1"}} {
		t.Run(c.sig, func(t *testing.T) {
			s := homeShell(t)
			home := s.Settings()
			run(s, writeScript(t, "read x; kill -"+c.sig+` $(cat $DIR/pid); while read x; do echo "got" $x; done; exit 3`), "on\r\n")
			s.Send("\n")
			s.Expect("Stopped")
			s.Expect(prompt)
			run(s, "cut -d' ' -f3 /proc/$(cat $DIR/inside)/stat | grep -vc T", "\r\n"+c.inside+"\r\n")
			s.Expect(prompt)
			run(s, "fg; echo status $?", "; echo status")
			s.Send("word\n")
			s.Expect("got word\r\n")
			if !isRaw(s.Settings()) {
				t.Error("continued: the caller's terminal is not raw")
			}
			s.Send("\x04")
			s.Expect("status 3")
			s.Expect(prompt)
			if got := s.Settings(); got != home {
				t.Errorf("ended: settings %+v, want %+v", got, home)
			}
			leave(t, s)
		})
	}
}

// writeScript returns a command that runs script behind a relay whose process id is in $DIR/pid, the script's own is in
// $DIR/inside. The script says "on" when it begins.
func writeScript(t *testing.T, script string, environ ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(path, []byte("echo $$ > $DIR/inside; echo on\n"+script+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return `sh -c 'echo $$ > $DIR/pid; ` + strings.Join(environ, " ") + ` exec $RELAY sh ` + path + `'; echo status $?`
}

func TestWholeGroupStops(t *testing.T) {
	// In a pipeline, the shell waits until every member has stopped.
	s := homeShell(t)
	run(s, `sh -c '$RELAY sh -c "echo rea\"\"dy; read x; echo got \$x" ; echo after'`, "ready")
	s.Send("\x1a")
	s.Expect("Stopped")
	s.Expect(prompt)
	run(s, "fg", "after'")
	s.Send("it\n")
	s.Expect("got it\r\nafter\r\n")
	s.Expect(prompt)
	leave(t, s)
}

func TestSettingsComeBack(t *testing.T) {
	cases := []struct{ name, set, program, want string }{
		{"exit", "", "exit 7", "status 7"},
		{"program killed", "", "kill -9 $$", "status 137"},
		{"program breaks its own terminal", "", "stty raw -echo; exit 8", "status 8"},
		{"terminated", "", "kill -TERM $(cat $DIR/pid); sleep 100", "status 143"},
		{"hung up", "", "kill -HUP $(cat $DIR/pid); sleep 100", "status 129"},
		{"quit", "", "kill -QUIT $(cat $DIR/pid); sleep 100", "status 131"},
		{"panic", "RELAY_USR1=panic", "kill -USR1 $(cat $DIR/pid); sleep 100", "status 2"},
		{"signal cannot be forwarded", "RELAY_USR1=fail", "kill -USR1 $(cat $DIR/pid); sleep 100", "status 125"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := homeShell(t)
			run(s, "stty -ixon erase ^H; echo s-$((1+1))", "s-2")
			s.Expect(prompt)
			home := s.Settings()
			run(s, writeScript(t, "read x; "+c.program, c.set), "on\r\n")
			if !isRaw(s.Settings()) {
				t.Error("the caller's terminal was never raw")
			}
			s.Send("\n")
			s.Expect(c.want)
			s.Expect(prompt)
			if got := s.Settings(); got != home {
				t.Errorf("settings %+v, want %+v", got, home)
			}
			leave(t, s)
		})
	}
}

func TestVimStopsAndGoesOn(t *testing.T) {
	if _, err := exec.LookPath("vim"); err != nil {
		t.Skip("not exercised: no vim")
	}
	s := homeShell(t)
	s.Send("$RELAY vim -u NONE -N -n $DIR/text\n")
	s.ExpectScreen("[New") // vim says [New] or [New File]
	s.Send("ihello from inside\x1b")
	s.ExpectScreen("hello from inside")
	s.Send("\x1a")
	s.Expect("Stopped")
	s.Expect(prompt)
	s.Send("fg\n")
	s.ExpectScreen("hello from inside")
	s.Send(":wq\r")
	s.Expect("written")
	s.Expect(prompt)
	run(s, "cat $DIR/text", "hello from inside\r\n")
	s.Expect(prompt)
	leave(t, s)
	if strings.Contains(s.Transcript(), "Vim: Error") {
		t.Errorf("vim complained:\n%q", s.Transcript())
	}
}
