// Package main of startup measures how long carrel takes to start a program,
// beside other launchers with the same isolation, and prints Markdown tables
// with the targets. It builds what it needs in a scratch folder that it removes.
// It refuses to count a run whose payload did not run, and a peer that is not
// installed or does not work is named as not measured, never left out silently.
//
// Usage: go run ./bench/startup [-n rounds] [-gap us] [-leg user|root|all] [-user name] [-carrel path]
//
//	[-meter "NAME=COMMAND ..."] [-json] [-strict]
//
// BENCH_FILTER names the seccomp filter that the C limit and bwrap load; it is
// carrel's default profile unless set. As root, the ordinary-user leg runs as
// the user carrel-bench if there is one, else as nobody.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"os/user"
	"strconv"
	"strings"
	"syscall"
)

// options are the arguments of the command.
type options struct {
	rounds, gap     int
	leg, user       string
	meters          []string
	asJSON, strict  bool
	uid, gid        int
	ordinaryByRoot  bool
	filter, scratch string
	carrel          string
	ctx             context.Context // ends with SIGINT or SIGTERM, so that the scratch folder is removed
}

func main() {
	o, err := parse()
	if err == nil {
		var missed bool
		var stop context.CancelFunc
		o.ctx, stop = signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		missed, err = run(o)
		if err == nil && missed {
			os.Exit(1)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "startup:", err)
		os.Exit(1)
	}
}

func parse() (*options, error) {
	o := &options{filter: os.Getenv("BENCH_FILTER")}
	flag.IntVar(&o.rounds, "n", 250, "rounds")
	flag.IntVar(&o.gap, "gap", 2000, "pause after each run, in microseconds")
	flag.StringVar(&o.leg, "leg", "all", "user, root or all")
	flag.StringVar(&o.user, "user", "", "the ordinary user, when started as root")
	flag.StringVar(&o.carrel, "carrel", "", "measure this carrel instead of building one")
	flag.Func("meter", "a row that measures itself: NAME=COMMAND ARG ...; one number (us) a line", func(s string) error {
		if name, command, ok := strings.Cut(s, "="); !ok || name == "" || !strings.HasPrefix(command, "/") {
			return fmt.Errorf("want NAME=/path/of/command ARG ..., got %q", s)
		}
		o.meters = append(o.meters, s)
		return nil
	})
	flag.BoolVar(&o.asJSON, "json", false, "print JSON")
	flag.BoolVar(&o.strict, "strict", false, "exit with status 1 when a target is missed or not measured")
	flag.Parse()
	if o.rounds < 1 || flag.NArg() > 0 || o.leg != "user" && o.leg != "root" && o.leg != "all" {
		flag.Usage()
		os.Exit(2)
	}
	return o, o.chooseUser()
}

// chooseUser finds who the ordinary user is.
func (o *options) chooseUser() error {
	if os.Geteuid() != 0 {
		o.uid, o.gid = os.Geteuid(), os.Getegid()
		return nil
	}
	o.ordinaryByRoot = true
	names := []string{o.user}
	if o.user == "" {
		names = []string{"carrel-bench", "nobody"}
	}
	for _, name := range names {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		if o.uid, err = strconv.Atoi(u.Uid); err != nil {
			return err
		}
		o.gid, err = strconv.Atoi(u.Gid)
		o.user = name
		return err
	}
	return fmt.Errorf("look up the ordinary user %s: no such user", strings.Join(names, ", "))
}

// run measures the legs that were asked for and prints what came out. missed
// says that carrel was not measured, or, with -strict, that a target was missed.
func run(o *options) (missed bool, err error) {
	s, err := newStage(o)
	if err != nil {
		return false, err
	}
	defer s.remove()
	if err := nullIsWhole(); err != nil {
		return false, err
	}
	var legs []*leg
	if o.leg != "root" {
		legs = append(legs, &leg{Name: "ordinary user", uid: o.uid})
	}
	if o.leg != "user" {
		if os.Geteuid() == 0 {
			legs = append(legs, &leg{Name: "root"})
		} else {
			s.Notes = append(s.Notes, "not measured: the root leg: not started as root")
		}
	}
	for _, l := range legs {
		if err := s.measure(l); err != nil {
			return false, fmt.Errorf("%s: %w", l.Name, err)
		}
	}
	if err := nullIsWhole(); err != nil {
		return false, fmt.Errorf("after the runs: %w; a launcher gave it away with fchown(2)", err)
	}
	r := report{Machine: s.machine(), Legs: legs, Notes: s.Notes, Targets: judge(legs)}
	if o.asJSON {
		e := json.NewEncoder(os.Stdout)
		e.SetIndent("", "  ")
		err = e.Encode(r)
	} else {
		r.print(os.Stdout)
	}
	for _, l := range legs {
		missed = missed || l.result(rowCarrel) == nil
	}
	for _, t := range r.Targets {
		missed = missed || o.strict && t.Verdict != "ok"
	}
	return missed, err
}
