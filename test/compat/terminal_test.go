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
	// at types a command at the prompt and waits for what it prints and for the next prompt.
	at := func(command, want string) {
		t.Helper()
		s.Send(command + "\n")
		s.Expect(want)
		s.Expect("in> ")
	}
	// Without job control bash would say so before the first prompt.
	at("echo $- | grep -c m", "\r\n1\r\n")
	at("tty", "/dev/pts/")
	at("sleep 1000 &", "[1] ")
	at("jobs", "Running")
	at("kill %1; wait %1; echo status $?", "status 143")
	at("cat &", "[1] ")
	// A key counts only once the job has the terminal: that the job answers shows that it has.
	s.Send("fg\n")
	s.Expect("cat\r\n")
	s.Send("back\n")
	s.Expect("back\r\nback\r\n")
	s.Send("\x1a")
	s.Expect("Stopped")
	s.Expect("in> ")
	at("jobs", "Stopped")
	s.Send("fg\n")
	s.Expect("cat\r\n")
	s.Send("again\n")
	s.Expect("again\r\nagain\r\n")
	s.Send("\x03")
	s.Expect("in> ")
	at("echo after $?", "after 130")
	// The window's size arrives when it arrives: the shell waits for it.
	s.Resize(33, 111)
	at(`until [ "$(stty size)" = "33 111" ]; do sleep 0.05; done; echo size-$((1+1))`, "size-2\r\n")
	s.Send(`bash -c 'trap "now=\$(stty size)" WINCH; echo arm""ed; until [ "$now" = "40 90" ]; do sleep 0.05; done; echo trapped-$((1+1))'` + "\n")
	s.Expect("armed\r\n")
	s.Resize(40, 90)
	s.Expect("trapped-2\r\n")
	s.Expect("in> ")
	at("sh -c 'kill -STOP $$; echo went on'", "Stopped")
	at("fg; echo fg $?", "went on\r\nfg 0\r\n")
	at("{ sleep 1000 | cat; } & kill %%; wait; echo reaped-$((1+1))", "reaped-2\r\n")
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
	s.Send(":au VimResized * call setline(1, 'the size is ' . &lines . ' ' . &columns)\r")
	s.Send(":echo 6 * 7\r")
	s.ExpectScreen("42")
	s.Resize(50, 100)
	s.ExpectScreen("the size is 50 100")
	s.Send(":!echo from a she''ll\r")
	s.ExpectScreen("from a shell")
	s.Send("\r:wq\r")
	wantExit(t, s, 0)
	if got, err := p.run("cat", "text"); err != nil || got != "the size is 50 100\nsecond line\nthird line\n" {
		t.Errorf("the file holds %q, %v", got, err)
	}
}
