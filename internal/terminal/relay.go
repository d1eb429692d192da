package terminal

import (
	"errors"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// nothingLeft is set in the last status if no other process of the sandbox is left.
	nothingLeft = 1 << 31

	// backgroundLook is how often, in milliseconds, a relay in the background looks whether it is in front now: a shell
	// that brings a running job to the foreground tells nobody.
	backgroundLook = 500

	// lastWords is how long, in milliseconds, output may be stuck once the program has ended of a signal that was sent
	// to us.
	lastWords = 1000
)

// errNoStatus is the end of the status pipe before the program's.
var errNoStatus = errors.New("read the program's status: init is gone without having written one")

// A Relay connects the caller's terminal with the master of the sandbox's pty. All descriptors stay the caller's to
// close; none is made non-blocking except Master.
type Relay struct {
	// In is read for what is typed, or -1. It is mostly a terminal; of anything else, the end is passed on as the pty's
	// end-of-file key.
	In int
	// Out gets what the program prints on its pty, or -1 to throw that away. It need not be the terminal of In. A
	// descriptor of the caller that is no terminal is better given to the program itself.
	Out int
	// Master is the pty. Run opens its slave too, so that the pty outlives a program that closes all its descriptors.
	Master int
	// Status is the read end of the pipe on which init reports wait statuses (wait(2)), 4 bytes each, little-endian.
	// Low byte 0x7f: the program was stopped, for instance by Ctrl-Z. Anything else is its end; bit 31 is set if
	// nothing else was left then.
	Status int
	// Signal forwards a signal to init, which passes it on to the program. SIGTSTP stops everything inside, SIGCONT
	// continues everything. ESRCH means that init has ended.
	Signal func(syscall.Signal) error
}

// state is what a run of a relay knows.
type state struct {
	*Relay
	seat      seat
	output    output
	events    [2]int // pipe: signal numbers and drained, one byte each
	ask       int    // write end of output.asked
	pending   []byte // typed, not yet taken by the pty
	inOver    bool   // In has ended
	lineEnded bool   // the last byte of In ended a line
	hungUp    bool   // the program knows that the terminal is gone
	stopAsked bool   // SIGTSTP came from outside
	echo      bool   // we have just sent SIGTSTP to our own group
	continued bool   // and so did SIGCONT since
	stop      unix.WaitStatus
	stopped   bool
	asking    int  // drains under way
	deadly    bool // a signal that means us to go was forwarded
	abandoned bool // the output is stuck and no longer waited for
	ended     bool
	status    uint32
	lost      bool // ended without a status
	err       error
	typed     [4096]byte
}

// Run relays until the program has ended and everything it printed is written, and returns its wait status (wait(2))
// and whether nothing else was left in the sandbox. The caller's terminal is raw meanwhile and as before afterwards,
// whatever happens, SIGKILL alone excepted.
//
// In the foreground, what is typed goes to the program. In the background, as under timeout(1) or after bg, the
// terminal is left alone and only output is relayed; a terminal with "stty tostop" stops us for that, as it would stop
// any program. When the program stops, this process stops, for the shell to see, with its whole process group if the
// keyboard did it; SIGCONT then continues both.
//
// SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1 and SIGUSR2 are forwarded, except SIGHUP and SIGINT where they were
// ignored. A process that has once run a relay no longer stops by itself at SIGTSTP: the Go runtime keeps its handler.
func (r *Relay) Run() (status uint32, clean bool, err error) {
	peer, err := openPeer(r.Master)
	if err != nil {
		return 0, false, err
	}
	defer unix.Close(peer)
	if err := unix.SetNonblock(r.Master, true); err != nil {
		return 0, false, fmt.Errorf("make the pty's master non-blocking: %w", err)
	}
	s := &state{Relay: r, seat: newSeat(r.In, r.Out), inOver: r.In < 0, lineEnded: true}
	var asks [2]int
	if err := unix.Pipe2(s.events[:], unix.O_CLOEXEC); err != nil {
		return 0, false, fmt.Errorf("make the relay's pipe: %w", err)
	}
	if err := unix.Pipe2(asks[:], unix.O_CLOEXEC); err != nil {
		closeAll(s.events[0], s.events[1])
		return 0, false, fmt.Errorf("make the relay's pipe: %w", err)
	}
	s.ask = asks[1]
	s.output = output{master: r.Master, out: r.Out, asked: asks[0], events: s.events[1], over: make(chan struct{})}
	defer s.leave(startWatch(s.events[1]))
	s.takeSeat()
	go s.output.run() // what is printed assumes a raw terminal
	for s.err == nil && !s.abandoned && !(s.ended && s.asking == 0) {
		s.turn()
	}
	if s.lost {
		s.fail(errNoStatus)
	}
	if errno := s.output.failed.Load(); errno != 0 {
		s.fail(fmt.Errorf("write to the caller's terminal: %w", unix.Errno(errno)))
	}
	return s.status &^ nothingLeft, s.status&nothingLeft != 0, s.err
}

// leave puts everything back. An output that is stuck in a write to a terminal that nobody looks at is left behind with
// its pipes; it ends as soon as the terminal lets it.
func (s *state) leave(signals *watch) {
	s.seat.give()
	signals.stop()
	_ = unix.Close(s.ask)
	if s.ended && s.asking == 0 {
		<-s.output.over
		closeAll(s.events[0], s.events[1], s.output.asked)
	}
}

func closeAll(fds ...int) {
	for _, fd := range fds {
		_ = unix.Close(fd)
	}
}
