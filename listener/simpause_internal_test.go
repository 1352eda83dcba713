//go:build faultseam

package listener

import (
	"sync/atomic"
	"testing"
	"time"
)

// A hit that is held up after it has looked up the entry answers by the lease that it noted before, and not by one that
// was renewed meanwhile. This build alone can hold it up.
func TestHeldUpHitMindsNoNewerLease(t *testing.T) {
	calmly(t, 0, func(t *testing.T, s *simulation) {
		a, b := s.processes[0], s.processes[1]
		b.lookup(t)
		if source, _ := b.lookup(t); source != FromCache {
			t.Fatal("not in memory")
		}
		var steps atomic.Int64
		ask(asked().faults, func() {
			if steps.Add(1) == 2 { // nobody else runs before
				a.closeWait(t)
				time.Sleep(2 * time.Second) // twice the lease, which polls renew meanwhile
			}
		})
		defer ask(nil, nil)
		if source, found := b.lookup(t); found {
			t.Errorf("from %v, 2 s after it was ended", source)
		}
	})
}
