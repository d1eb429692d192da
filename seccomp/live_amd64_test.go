//go:build linux

package seccomp

import (
	"errors"
	"sync/atomic"

	"github.com/seed-0dbaba02/carrel/seccomp/internal/int80"
)

// probeI386 makes a harmless i386 call, getpid.
func probeI386() error {
	if int80.Call(20, &[6]uint32{}) <= 0 {
		return errors.New("the kernel has no i386 entry")
	}
	return nil
}

// callI386 is callNative through int 0x80.
//
//go:nosplit
func callI386(probes []probe, state *atomic.Int32) {
	var args [6]uint32
	for i := range probes {
		x := &probes[i]
		for j := range args {
			args[j] = uint32(x.args[j])
		}
		x.have = uint16(-int80.Call(x.nr, &args))
	}
	state.Store(1)
	for {
	}
}
