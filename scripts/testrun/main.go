// Command testrun runs every test of the repository and counts. As root it
// makes two legs: all tests as root, then the tests again as the account
// carrel-test, because a sandbox must hold for both. It prints one line per
// package, what failed in full, what no leg exercised, and last the line
// "N passed, N failed, N skipped".
//
// It fails also when a test leaves a process behind. It installs nothing and
// creates no account: scripts/test-deps.sh does.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// packageLimit is how long the tests of one package may take before they are
// ended with a dump of where they hang.
const packageLimit = 10 * time.Minute

func main() {
	mustExercise := flag.Bool("must-exercise", false, "fail when a test is skipped in every leg")
	account := flag.String("user", "carrel-test", "account of the ordinary-user leg")
	flag.Parse()
	patterns := flag.Args()
	if len(patterns) == 0 {
		patterns = []string{"./..."}
	}
	if !run(*account, *mustExercise, patterns) {
		os.Exit(1)
	}
}

func run(account string, mustExercise bool, patterns []string) bool {
	tally := newTally(os.Stdout)
	orphans, err := adoptOrphans()
	if err != nil {
		tally.broken("testrun", err)
		return tally.finish(mustExercise)
	}
	arguments := append([]string{"test", "-json", "-count=1", "-timeout", packageLimit.String()}, patterns...)
	if os.Geteuid() != 0 {
		leg(tally, orphans, "ordinary user", exec.Command("go", arguments...))
		fmt.Println("not exercised: the leg as root needs root")
		return tally.finish(mustExercise)
	}
	leg(tally, orphans, "root", exec.Command("go", arguments...))
	if err := userLeg(tally, orphans, account, patterns); err != nil {
		tally.broken("the leg as "+account, err)
	}
	return tally.finish(mustExercise)
}

// leg runs a command that prints test events, and then looks for processes
// that it left behind.
func leg(tally *tally, orphans *orphans, name string, command *exec.Cmd) {
	tally.begin(name)
	follow(tally, orphans, command)
	tally.leftBehind(orphans.end())
}

// follow runs a command and feeds the test events that it prints to the tally.
// A command that ends badly without a failed test is a failure of its own.
func follow(tally *tally, orphans *orphans, command *exec.Cmd) {
	command.Stderr = os.Stdout
	events, err := command.StdoutPipe()
	if err != nil {
		tally.broken(command.Path, err)
		return
	}
	before := tally.failures()
	if err := orphans.start(command); err != nil {
		tally.broken(command.Path, err)
		return
	}
	readErr := tally.read(events)
	err = command.Wait()
	orphans.forget(command)
	if readErr != nil {
		tally.broken(command.Path, readErr)
	} else if err != nil && tally.failures() == before {
		tally.broken(command.Path, err)
	}
}
