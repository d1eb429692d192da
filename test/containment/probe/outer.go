package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"
)

// outer stands for a host whose mounts propagate: DIR COMMAND... It makes DIR a shared mount, runs the command, which holds
// the probe, and mounts below DIR/granted while the probe waits. It prints the mounts of both sides.
func outer(args []string) {
	dir := args[0]
	must(unix.Mount("outer", dir, "tmpfs", 0, "mode=0755"))
	must(unix.Mount("", "/", "", unix.MS_SHARED|unix.MS_REC, ""))
	must(os.Mkdir(dir+"/granted", 0o777))
	must(os.Mkdir(dir+"/granted/late", 0o777))
	must(unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
	command := exec.Command(args[1], args[2:]...)
	command.Dir = dir
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	must(err)
	out, err := command.StdoutPipe()
	must(err)
	must(command.Start())
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		fmt.Print("inside: " + line)
		if line == "ready\n" || err != nil {
			break
		}
	}
	say("late mount", unix.Mount("late", dir+"/granted/late", "tmpfs", 0, ""))
	for _, pid := range holders(os.Getpid()) {
		text, _ := os.ReadFile("/proc/" + pid + "/mountinfo")
		fmt.Printf("process %s\n", pid)
		for line := range strings.Lines(string(text)) {
			fmt.Print("theirs: " + line)
		}
	}
	text, _ := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(text)) {
		fmt.Print("ours: " + line)
	}
	_ = in.Close()
	_, _ = io.Copy(io.Discard, lines)
	_ = command.Wait()
}

// holders lists the probes other than this one that wait with the tag that the command line gave this one.
func holders(self int) (pids []string) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		text, err := os.ReadFile("/proc/" + e.Name() + "/cmdline")
		words := strings.Split(string(text), "\x00")
		if err == nil && e.Name()[0] >= '1' && e.Name()[0] <= '9' && e.Name() != fmt.Sprint(self) && strings.HasSuffix(words[0], "probe") && strings.Contains(string(text), "\x00-tag=inner"+fmt.Sprint(os.Getppid())) {
			pids = append(pids, e.Name())
		}
	}
	return pids
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "probe:", err)
		os.Exit(3)
	}
}
