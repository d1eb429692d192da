package ptytest

import (
	"os/exec"
	"testing"
)

func TestSession(t *testing.T) {
	s := Start(t, exec.Command("/bin/sh", "-c", `stty size; read x; echo "got $x"; exit 3`))
	s.Expect("24 80\r\n")
	s.Send("a word\n")
	if before := s.Expect("got a word"); before != "a word\r\n" {
		t.Errorf("before the answer: %q", before)
	}
	if code := s.Wait().ExitCode(); code != 3 {
		t.Errorf("exit code %d", code)
	}
	s.ExpectScreen("got a word")
}

func TestSessionHasAControllingTerminal(t *testing.T) {
	s := Start(t, exec.Command("/bin/sh", "-c", `trap 'echo "inter"rupted; exit' INT; echo ready; while :; do sleep 1; done`))
	s.Expect("ready")
	s.Send("\x03")
	s.Expect("interrupted")
}

func TestCloseHangsUp(t *testing.T) {
	s := Start(t, exec.Command("/bin/sh", "-c", "echo ready; while :; do sleep 1; done"))
	s.Expect("ready")
	s.Close()
	if state := s.Wait(); state.Success() {
		t.Errorf("ended with %v, not by the hang-up", state)
	}
	s.Close()
}
