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
// reads a slot that was not set or data that is not there, every program ends in an execve and in nothing after it, and no
// op that a seccomp filter could refuse follows the filter.
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
	return nil
}

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
	for _, r := range p.Relocs {
		if int(r)+8 > len(p.Data) || r%8 != 0 {
			return &VerifyError{-1, fmt.Sprintf("relocation at %d is outside the data or not aligned", r)}
		}
		if off := word(p.Data, int(r)); off >= uint64(len(p.Data)) {
			return &VerifyError{-1, fmt.Sprintf("relocation at %d points to %d, outside the data", r, off)}
		}
	}
	return nil
}

// sizes of the structures behind an argument, by the letter of its signature.
func structSize(letter byte) int {
	switch letter {
	case 'A':
		return 32 // struct mount_attr
	case 'H', 'C':
		return 24 // struct open_how, two struct user_cap_data
	case 'L', 'S':
		return 16 // struct rlimit64, struct sock_fprog
	case 'V':
		return 8 // at least the NULL
	}
	return 1
}

func verifyArgs(p *Program, i, hosts int, set uint32) error {
	o := &p.Ops[i]
	sig := calls[o.Call].sig
	for k := range 6 {
		a := o.Arg(k)
		switch a.Kind {
		case Slot:
			if a.Value >= Slots || set&(1<<a.Value) == 0 {
				return &VerifyError{i, fmt.Sprintf("argument %d reads slot %d before it is set", k, a.Value)}
			}
		case Host:
			if a.Value >= uint64(hosts) {
				return &VerifyError{i, fmt.Sprintf("argument %d reads host value %d of %d", k, a.Value, hosts)}
			}
		case Data:
			letter := byte('v')
			if k < len(sig) {
				letter = sig[k]
			}
			if err := verifyData(p, a.Value, letter, o, k); err != "" {
				return &VerifyError{i, fmt.Sprintf("argument %d: %s", k, err)}
			}
		}
	}
	return nil
}

// verifyData checks one offset: strings end inside the data, buffers and structures fit.
func verifyData(p *Program, off uint64, letter byte, o *Op, k int) string {
	size := uint64(len(p.Data))
	if off >= size {
		return fmt.Sprintf("offset %d is outside %d bytes of data", off, size)
	}
	switch letter {
	case 'p':
		for _, c := range p.Data[off:] {
			if c == 0 {
				return ""
			}
		}
		return "string has no end"
	case 'b':
		if k < 5 && o.Arg(k+1).Kind == Imm && o.Args[k+1] > size-off {
			return fmt.Sprintf("%d bytes at %d are not all in %d bytes of data", o.Args[k+1], off, size)
		}
	default:
		if uint64(structSize(letter)) > size-off {
			return "structure does not fit the data"
		}
	}
	return ""
}

func word(b []byte, off int) (v uint64) {
	for i := 7; i >= 0; i-- {
		v = v<<8 | uint64(b[off+i])
	}
	return v
}
