package terminal

import (
	"sync/atomic"

	"golang.org/x/sys/unix"
)

const (
	// catchUp and finish are what the loop asks: to write all that is under way and say so, and to end then.
	catchUp, finish = 0, 1

	// drained is the output's answer in the events pipe. It is no signal's number.
	drained = 0

	// maxUnderWay is more than the kernel holds between a write to the slave and a read from the master: 64 KiB in the
	// flip buffers and 4 KiB in the line discipline. What comes after that was written by somebody who is still there.
	maxUnderWay = 128 << 10
)

// An output carries bytes from the master to the caller. It has a goroutine of its own because a write to the caller's
// terminal may block for as long as nobody looks, and signals must not wait for that. O_NONBLOCK would be seen by
// every process that shares the terminal.
type output struct {
	master, out int
	asked       int // read end: catchUp, finish; the end of the file asks to end at once
	events      int // write end: drained
	over        chan struct{}
	asks        int          // not yet answered
	last        bool         // finish was asked
	failed      atomic.Int32 // first errno of a write, unless the terminal just went away
	buf         [16 << 10]byte
}

func (o *output) run() {
	defer close(o.over)
	quota, open := 0, true
	for {
		n, err := 0, error(unix.EAGAIN)
		if open {
			n, err = unix.Read(o.master, o.buf[:])
		}
		if n > 0 {
			o.write(o.buf[:n])
			quota -= n
		} else if err != unix.EAGAIN && err != unix.EINTR { // EIO: the last descriptor of the slave was closed
			open = false
			continue
		}
		if o.asks > 0 && (err == unix.EAGAIN || n > 0 && quota <= 0) {
			for ; o.asks > 0; o.asks-- {
				tell(o.events, drained)
			}
			if o.last {
				return
			}
		}
		had := o.asks
		if !o.wait(open, n > 0) {
			return
		}
		if o.asks > had {
			quota = maxUnderWay
		}
	}
}

// wait returns when there is something to read or when somebody asks. With busy it only looks. It returns false when
// nobody will ask any more.
func (o *output) wait(open, busy bool) bool {
	fds := [2]unix.PollFd{{Fd: int32(o.asked), Events: unix.POLLIN}, {Fd: -1, Events: unix.POLLIN}}
	if open {
		fds[1].Fd = int32(o.master)
	}
	timeout := -1
	if busy {
		timeout = 0
	}
	if _, err := unix.Poll(fds[:], timeout); err != nil || fds[0].Revents == 0 {
		return true
	}
	var asked [16]byte
	n, err := unix.Read(o.asked, asked[:])
	for i := range max(n, 0) {
		o.asks++
		o.last = o.last || asked[i] == finish
	}
	return n != 0 || err != nil
}

// write writes everything, or, once the caller's terminal has failed, nothing more: the program must not block for it.
func (o *output) write(b []byte) {
	for len(b) > 0 && o.out >= 0 {
		n, err := unix.Write(o.out, b)
		if n > 0 {
			b = b[n:]
		}
		switch err {
		case nil, unix.EINTR:
		case unix.EAGAIN: // somebody left the caller's terminal non-blocking
			fds := [1]unix.PollFd{{Fd: int32(o.out), Events: unix.POLLOUT}}
			_, _ = unix.Poll(fds[:], -1) // the next write tells
		default:
			o.out = -1
			if errno, ok := err.(unix.Errno); ok && errno != unix.EIO && errno != unix.EPIPE {
				o.failed.Store(int32(errno))
			}
		}
	}
}
