package seccomp

import (
	"fmt"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

// maxHeap is fifty times what the most demanding test uses.
const maxHeap = 1 << 30

// watchMemory ends the test binary when its heap grows without bound, before
// the machine suffers. A mistake in the compiler or in the making of probes can
// cost memory that is exponential in the arguments of a rule.
func watchMemory(t *testing.T) {
	t.Helper()
	stop, done := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() {
		close(stop)
		<-done
	})
	name := t.Name()
	go func() {
		defer close(done)
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			if metrics.Read(sample); sample[0].Value.Uint64() > maxHeap {
				debug.SetTraceback("all")
				panic(fmt.Sprintf("%s: %d MiB of heap", name, sample[0].Value.Uint64()>>20))
			}
		}
	}()
}
