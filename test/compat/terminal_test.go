package compat

import (
	"os/exec"
	"testing"

	"github.com/seed-0dbaba02/carrel/internal/terminal/ptytest"
)

// session starts a command in a sandbox on a terminal of its own, as a person would.
func session(t *testing.T, p *place, argv ...string) *ptytest.Session {
	t.Helper()
	cmd := exec.Command(carrel, append([]string{"run", "--preset", "dev"}, argv...)...)
	cmd.Dir, cmd.Env = p.dir, append(p.env, "TERM=xterm", "HISTFILE=")
	return ptytest.Start(t, cmd)
}

// hasTerminal skips where even a program outside has none.
func hasTerminal(t *testing.T, p *place) {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", "tty >/dev/null && echo has-$((1+1))")
	cmd.Dir, cmd.Env = p.dir, p.env
	s := ptytest.Start(t, cmd)
	s.Expect("has-2")
	s.Wait()
}

func wantExit(t *testing.T, s *ptytest.Session, code int) {
	t.Helper()
	if state := s.Wait(); state.ExitCode() != code {
		t.Errorf("it ended with %v, want exit code %d; printed:\n%q", state, code, s.Transcript())
	}
}

func TestBashJobControl(t *testing.T) {
	need(t, "bash", "stty")
	p := newPlace(t, nil)
	hasTerminal(t, p)
	s := session(t, p, "--env", "PS1=in> ", "--", "bash", "--norc", "--noprofile", "--noediting", "-i")
	s.Expect("in> ")
	say := func(text, want string) {
		t.Helper()
		s.Send(text)
		s.Expect(want)
	}
	// No "no job control in this shell": that would come before the first prompt.
	say("echo $- | grep -c m\n", "\r\n1\r\n")
	say("tty\n", "/dev/pts/")
	s.Expect("in> ")
	say("sleep 1000 &\n", "[1] ")
	say("jobs\n", "Running")
	say("fg\n", "sleep 1000\r\n")
	say("\x1a", "Stopped")
	say("bg; jobs\n", "Running")
	say("kill %1; wait %1; echo status $?\n", "status 143")
	say("cat\n", "cat\r\n")
	say("\x03", "in> ")
	say("echo after $?\n", "after 130")
	s.Resize(33, 111)
	say("stty size\n", "33 111")
	say("trap 'echo resized to $(stty size)' WINCH\n", "in> ")
	s.Resize(40, 90)
	say("\n", "resized to 40 90")
	say("sh -c 'kill -STOP $$; echo went on'\n", "Stopped")
	say("fg; echo fg $?\n", "went on\r\nfg 0")
	say("(sleep 1000 | cat) & kill %%; wait; echo reaped-$((1+1))\n", "reaped-2")
	s.Send("exit 7\n")
	wantExit(t, s, 7)
}

func TestPythonREPL(t *testing.T) {
	need(t, "python3")
	p := newPlace(t, nil)
	hasTerminal(t, p)
	s := session(t, p, "--", "python3", "-q")
	s.Expect(">>> ")
	s.Send("6 * 7\n")
	s.Expect("\r\n42\r\n")
	s.Expect(">>> ")
	s.Send("import os, sys, time; (sys.stdin.isatty(), os.get_terminal_size())\n")
	s.Expect("(True, os.terminal_size(columns=80, lines=24))")
	s.Expect(">>> ")
	s.Send("print('slee' + 'ping', flush=True); time.sleep(1000)\n")
	s.Expect("sleeping\r\n")
	s.Send("\x03")
	s.Expect("KeyboardInterrupt")
	s.Expect(">>> ")
	s.Send("input('your na' + 'me? ').upper()\n")
	s.Expect("your name? ")
	s.Send("ada\n")
	s.Expect("'ADA'")
	s.Expect(">>> ")
	s.Send("\x04")
	wantExit(t, s, 0)
}

func TestVim(t *testing.T) {
	need(t, "vim")
	p := newPlace(t, map[string]string{"text": "first line\nsecond line\n"})
	hasTerminal(t, p)
	s := session(t, p, "--", "vim", "-u", "NONE", "-N", "-n", "-i", "NONE", "text")
	s.ExpectScreen("first line")
	s.ExpectScreen("second line")
	s.Send("Gothird line\x1b")
	s.ExpectScreen("third line")
	s.Resize(50, 100)
	s.Send(":echo 'the size is' &lines &columns\r")
	s.ExpectScreen("the size is 50 100")
	s.Send(":!echo from a she''ll\r")
	s.ExpectScreen("from a shell")
	s.Send("\r:wq\r")
	wantExit(t, s, 0)
	if got, err := p.run("cat", "text"); err != nil || got != "first line\nsecond line\nthird line\n" {
		t.Errorf("the file holds %q, %v", got, err)
	}
}
