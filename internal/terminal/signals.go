package terminal

import (
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// caught lists the signals that a relay answers. Those in forwarded are the program's business; the others are ours.
var (
	caught    = [...]syscall.Signal{unix.SIGWINCH, unix.SIGCONT, unix.SIGTSTP}
	forwarded = [...]syscall.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2}
)

// A watch writes the number of each signal that arrives as one byte to a pipe, where the relay's loop reads it.
type watch struct {
	arrived chan os.Signal
	over    chan struct{}
}

func startWatch(events int) *watch {
	w := &watch{arrived: make(chan os.Signal, 64), over: make(chan struct{})}
	for _, sig := range caught {
		signal.Notify(w.arrived, sig)
	}
	for _, sig := range forwarded {
		if !signal.Ignored(sig) { // nohup(1) and "&" in a shell without job control mean it
			signal.Notify(w.arrived, sig)
		}
	}
	go func() {
		defer close(w.over)
		for sig := range w.arrived {
			if number, ok := sig.(syscall.Signal); ok {
				tell(events, byte(number))
			}
		}
	}()
	return w
}

// stop returns after the last write.
func (w *watch) stop() {
	signal.Stop(w.arrived)
	close(w.arrived)
	<-w.over
}

// isDeadly reports whether sender and default action agree that the receiver is to end.
func isDeadly(sig syscall.Signal) bool {
	return sig == unix.SIGHUP || sig == unix.SIGINT || sig == unix.SIGQUIT || sig == unix.SIGTERM
}

// tell writes one byte to one of the relay's own pipes. A pipe holds 64 KiB, far more than can be under way.
func tell(fd int, what byte) {
	b := [1]byte{what}
	for {
		if _, err := unix.Write(fd, b[:]); err != unix.EINTR {
			return
		}
	}
}
