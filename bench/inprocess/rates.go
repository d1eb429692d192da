package main

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// callers are how many threads launch at the same time.
var callers = [...]int{1, 2, 4}

// rate is a row at a number of callers: launches per second in each round.
type rate struct {
	Name    string
	Callers int
	Rounds  []float64
}

func (r *rate) best() float64   { return slices.Max(r.Rounds) }
func (r *rate) median() float64 { return median(r.Rounds) }

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// rates measures every row at every number of callers in each round, in an order that changes, so that a busy second of the
// machine hits no row more than another.
func rates(o *options, rows []row) ([]*rate, error) {
	type one struct {
		*rate
		l launcher
	}
	var all []*rate
	var order []one
	for _, r := range rows {
		for _, n := range callers {
			all = append(all, &rate{Name: r.name, Callers: n})
			order = append(order, one{all[len(all)-1], r.launch})
		}
	}
	for range o.rounds {
		rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, x := range order {
			n, err := perSecond(x.l, x.Callers, o.round)
			if err != nil {
				return nil, fmt.Errorf("%s at %d callers: %w", x.Name, x.Callers, err)
			}
			x.Rounds = append(x.Rounds, n)
			time.Sleep(o.round / 10) // for the namespaces that the kernel still takes down
		}
	}
	return all, nil
}

// perSecond launches from n threads, each one launch after another, for about a time, and returns launches per second. A
// launch that began in time is counted with the time that it took.
func perSecond(l launcher, n int, during time.Duration) (float64, error) {
	var done atomic.Int64
	var wait sync.WaitGroup
	errs := make([]error, n)
	begin := time.Now()
	for i := range n {
		wait.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			for errs[i] == nil && time.Since(begin) < during {
				ws, _, err := l()
				if err == nil {
					err = ended(ws, 0)
				}
				if errs[i] = err; err == nil {
					done.Add(1)
				}
			}
		})
	}
	wait.Wait()
	took := time.Since(begin)
	for _, err := range errs {
		if err != nil {
			return 0, err
		}
	}
	return float64(done.Load()) / took.Seconds(), nil
}
