package launch

import "fmt"

// verifyFlags makes sure that whoever waits is posted to, exactly once and by the other program.
func verifyFlags(p Pair) error {
	var posts, waits [2][Flags]int
	for i, prog := range [2]*Program{p.Setup, p.Payload} {
		if prog == nil {
			continue
		}
		for k := range prog.Ops {
			o := &prog.Ops[k]
			if o.Call != Post && o.Call != Wait {
				continue
			}
			if o.Arg(0).Kind != Imm || o.Args[0] >= Flags {
				return &VerifyError{k, "no such flag"}
			}
			if o.Call == Post {
				posts[i][o.Args[0]]++
			} else {
				waits[i][o.Args[0]]++
			}
		}
	}
	for i := range 2 {
		for f := range Flags {
			if posts[i][f] != waits[1-i][f] || posts[i][f] > 1 {
				return &VerifyError{-1, fmt.Sprintf("flag %d is not posted once by one program and awaited once by the other", f)}
			}
		}
	}
	return nil
}

// verifyOrder follows both programs at once and refuses a pair in which each waits for the other. There are no jumps, so
// whoever can go on may do so first: flags are never taken back.
func verifyOrder(p Pair) error {
	if p.Payload == nil {
		return nil // nobody raises a flag, and verifyFlags let no wait pass
	}
	var posted [Flags]bool
	setup, payload, born := 0, 0, false
	for {
		before := setup + payload
		for ; setup < len(p.Setup.Ops); setup++ {
			o := &p.Setup.Ops[setup]
			if o.Call == Wait && !posted[o.Args[0]] {
				break
			}
			if o.Call == Post {
				posted[o.Args[0]] = true
			}
			born = born || o.Call == Spawn
		}
		for ; born && payload < len(p.Payload.Ops); payload++ {
			o := &p.Payload.Ops[payload]
			if o.Call == Wait && !posted[o.Args[0]] || o.Call == Await && setup < len(p.Setup.Ops) {
				break
			}
			if o.Call == Post {
				posted[o.Args[0]] = true
			}
		}
		switch {
		case setup == len(p.Setup.Ops) && payload == len(p.Payload.Ops):
			return nil
		case setup+payload == before:
			return &VerifyError{min(setup, len(p.Setup.Ops)-1), "the two programs wait for each other for ever"}
		}
	}
}
