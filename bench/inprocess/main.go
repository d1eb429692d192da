// Package main of inprocess measures launches from inside a long-running Go process: how many a second at 1, 2 and 4 callers,
// beside bwrap with the same isolation and a plain fork and exec, and how long the call that starts a sandbox takes when the
// process holds a heap of 16 MB, 512 MB and 4 GB. It prints Markdown tables with the targets.
//
// It refuses to count a launch whose payload did not end with status 0. Before it measures, each way to launch must pass on
// the status of a payload that looked at its isolation. What cannot be measured is named, with the reason.
//
// Usage: go run ./bench/inprocess [-rounds n] [-round d] [-starts n] [-gap d] [-user name] [-strict]
//
// Started as root, it measures as the ordinary user carrel-bench if there is one, else as nobody.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

// options are the arguments of the command.
type options struct {
	rounds int           // of the rates
	round  time.Duration // how long a row launches in each round
	starts int           // for each heap
	gap    time.Duration // pause after each start beside a heap
	user   string
	strict bool
	dir    string // the scratch folder, in a process that measures
	heap   int    // MB that a worker holds; 0 when this is not a worker
}

func parse() *options {
	o := &options{}
	flag.IntVar(&o.rounds, "rounds", 8, "rounds of the rates, at least 6 for a figure to quote")
	flag.DurationVar(&o.round, "round", time.Second, "how long each row launches in a round")
	flag.IntVar(&o.starts, "starts", 250, "starts beside each heap, at least 200 for a figure to quote")
	flag.DurationVar(&o.gap, "gap", 2*time.Millisecond, "pause after each start beside a heap")
	flag.StringVar(&o.user, "user", "", "the ordinary user, when started as root")
	flag.BoolVar(&o.strict, "strict", false, "exit with status 1 when a target is missed or not measured")
	flag.StringVar(&o.dir, "scratch", "", "measure in this folder, which is prepared; for the benchmark itself")
	flag.IntVar(&o.heap, "heap", 0, "hold MB of heap and start when asked; for the benchmark itself")
	flag.Parse()
	if o.rounds < 1 || o.starts < 1 || o.round <= 0 || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	return o
}

func main() {
	o := parse()
	var missed bool
	var err error
	switch {
	case o.heap > 0:
		err = work(o, os.Stdin, os.Stdout)
	case o.dir != "":
		missed, err = measure(o, os.Stdout)
	default:
		err = prepare(o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "inprocess:", err)
		os.Exit(1)
	}
	if missed {
		fmt.Fprintln(os.Stderr, "inprocess: a target was missed or not measured")
		os.Exit(1)
	}
}

// measure does all that is measured, as the user that it is started as.
func measure(o *options, w io.Writer) (missed bool, err error) {
	var r report
	r.Machine = machine(o)
	rows, err := newRows(o, &r)
	if err != nil {
		return false, err
	}
	if r.Rates, err = rates(o, rows); err != nil {
		return false, err
	}
	if r.Heaps, err = heaps(o, &r); err != nil {
		return false, err
	}
	r.Targets = judge(r.Rates, r.Heaps)
	r.print(w)
	for _, t := range r.Targets {
		missed = missed || o.strict && t.Verdict != "ok"
	}
	return missed, nil
}
