package launch

import "fmt"

// limits that Verify holds, so that a program fits the memory that forkexec lays out for it.
const (
	MaxOps  = 1 << 20   // ops of one program
	MaxData = 256 << 20 // bytes of data of one program
)

// VerifyError says which op of a program is wrong and why.
type VerifyError struct {
	Op  int // -1: the program as a whole
	Why string
}

// Error returns "launch program: op 3: ...".
func (e *VerifyError) Error() string {
	if e.Op < 0 {
		return "launch program: " + e.Why
	}
	return fmt.Sprintf("launch program: op %d: %s", e.Op, e.Why)
}

// Pair is what a plan hands over to be run: the set-up program and, where it spawns one, the payload program.
type Pair struct {
	Setup   *Program
	Payload *Program // nil when Setup itself ends in the user's program
	Hosts   int      // how many host values will be filled in
}

// Verify checks both programs before anything is cloned. A pair that passes can fail in the child only by an errno: no op
// reads a slot that was not set or data that is not there, nor lets the kernel write outside the data; every program ends in
// an execve and in nothing after it; no op that a seccomp filter could refuse follows the filter; and the two programs do not
// wait for each other for ever.
func Verify(p Pair) error {
	spawn, commit, await := count(p.Setup, Spawn), count(p.Setup, Commit), 0
	if p.Payload != nil {
		await = count(p.Payload, Await)
	}
	switch {
	case p.Setup == nil:
		return &VerifyError{-1, "no set-up program"}
	case p.Payload == nil && spawn != 0:
		return &VerifyError{-1, "spawn without a payload program"}
	case p.Payload != nil && spawn != 1:
		return &VerifyError{-1, "a payload program needs exactly one spawn"}
	case p.Payload != nil && (commit != 1 || await != 1):
		return &VerifyError{-1, "a payload program needs one commit and one await"}
	}
	if err := verifyFlags(p); err != nil {
		return err
	}
	var set uint32
	if err := verify(p.Setup, p.Hosts, 0, &set, p.Payload); err != nil {
		return err
	}
	return verifyOrder(p)
}

func count(p *Program, c Call) (n int) {
	if p == nil {
		return 0
	}
	for i := range p.Ops {
		if p.Ops[i].Call == c {
			n++
		}
	}
	return n
}

// verify walks one program; set has a bit for each slot that holds a result. At a spawn it walks the payload with the slots
// that are set by then.
func verify(p *Program, hosts, base int, set *uint32, payload *Program) error {
	if err := verifyShape(p); err != nil {
		return err
	}
	filtered := false
	for i := range p.Ops {
		o := &p.Ops[i]
		if filtered && calls[o.Call].early {
			return &VerifyError{i, o.Call.String() + " after the seccomp filter"}
		}
		if err := verifyArgs(p, i, hosts, *set); err != nil {
			return err
		}
		switch o.Call {
		case Seccomp:
			filtered = true
		case Spawn:
			if base != 0 {
				return &VerifyError{i, "spawn in a payload program"}
			}
			inherited := *set
			if err := verify(payload, hosts, Slots/2, &inherited, nil); err != nil {
				return err
			}
		case RtSigprocmask:
			// Init learns of a payload that failed early by a signal that waits for it.
			if payload != nil && !blocksAll(p, o) {
				return &VerifyError{i, "a set-up program with a payload must keep all signals blocked"}
			}
		case Await:
			if base == 0 {
				return &VerifyError{i, "await in a set-up program"}
			}
		}
		if o.Out != NoSlot {
			if int(o.Out) < base || int(o.Out) >= base+Slots/2 {
				return &VerifyError{i, fmt.Sprintf("result slot %d is not this program's", o.Out)}
			}
			*set |= 1 << o.Out
		}
	}
	return nil
}

func blocksAll(p *Program, o *Op) bool {
	const setmask = 2
	return o.Arg(0) == Arg{Imm, setmask} && o.Arg(1).Kind == Data && word(p.Data, int(o.Args[1])) == ^uint64(0)
}

// verifyShape checks sizes, the ending, and the relocations.
func verifyShape(p *Program) error {
	n := len(p.Ops)
	switch {
	case n == 0:
		return &VerifyError{-1, "no ops"}
	case n > MaxOps:
		return &VerifyError{-1, fmt.Sprintf("%d ops, more than %d", n, MaxOps)}
	case len(p.Data) > MaxData:
		return &VerifyError{-1, fmt.Sprintf("%d bytes of data, more than %d", len(p.Data), MaxData)}
	}
	for i := range p.Ops {
		c := p.Ops[i].Call
		if c == None || c >= numCalls {
			return &VerifyError{i, "no such call"}
		}
		ends := c == Execve || c == Execveat
		if ends && i != n-1 {
			return &VerifyError{i, "an op follows " + c.String()}
		}
		if !ends && i == n-1 {
			return &VerifyError{i, "the last op is " + c.String() + ", not execve"}
		}
	}
	for i, r := range p.Relocs {
		if i > 0 && r <= p.Relocs[i-1] {
			return &VerifyError{-1, fmt.Sprintf("relocation at %d is not in ascending order", r)}
		}
		if int(r)+8 > len(p.Data) || r%8 != 0 {
			return &VerifyError{-1, fmt.Sprintf("relocation at %d is outside the data or not aligned", r)}
		}
		if off := word(p.Data, int(r)); off >= uint64(len(p.Data)) {
			return &VerifyError{-1, fmt.Sprintf("relocation at %d points to %d, outside the data", r, off)}
		}
	}
	return nil
}
