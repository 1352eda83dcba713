package listener

import (
	"context"
	"time"
)

// sweepBatch is how many expired sessions one call removes.
const sweepBatch = 1000

// sweep removes expired sessions, and has the change log purged, every now and then. Any number of
// processes may do so at once.
func (c *Cache) sweep(ctx context.Context) {
	if c.config.SweepInterval < 0 {
		return
	}
	for {
		timer := time.NewTimer(jitter(c.config.SweepInterval))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		for {
			n, err := c.client.SessionSweep(ctx, sweepBatch)
			if err != nil {
				if ctx.Err() == nil {
					c.log.WarnContext(ctx, "pgsession: sweeping failed", "error", err)
				}
				break
			}
			c.count.swept.Add(uint64(n))
			if n < sweepBatch {
				break
			}
		}
	}
}
