package listener

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/pgsession/pgsession/client"
)

// sweepBatch is how many expired sessions one call removes.
const sweepBatch = 1000

// sweep removes expired sessions, has the change log purged, and expels dead instances, every now and
// then. Any number of processes may do so at once.
func (c *Cache) sweep(ctx context.Context) {
	if c.config.SweepInterval < 0 {
		return
	}
	still := standing{}
	for {
		timer := time.NewTimer(c.spread(c.config.SweepInterval))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		err := errors.Join(c.sweepSessions(ctx), still.expel(ctx, c))
		if err != nil && ctx.Err() == nil {
			c.log.WarnContext(ctx, "pgsession: sweeping failed", "error", err)
		}
	}
}

func (c *Cache) sweepSessions(ctx context.Context) error {
	for {
		n, err := c.db.SessionSweep(ctx, sweepBatch)
		if err != nil {
			return err
		}
		c.count.swept.Add(uint64(n))
		if n < sweepBatch {
			return nil
		}
	}
}

// standing remembers how often each registered instance had polled, and since when, to tell those that
// are dead.
type standing map[client.Instance]stood

type stood struct {
	polls int64
	since time.Time
}

// expel ends the registration of instances that have not polled for longer than they can hold a lease.
// Revokers would wait for them in full.
func (s standing) expel(ctx context.Context, c *Cache) error {
	members, err := c.db.ChangeMembers(ctx)
	if err != nil {
		return err
	}
	// Asked now: the lease may have been longer when they were last seen to poll.
	wait, err := c.db.ChangeWait(ctx, c.fencing())
	if err != nil {
		return err
	}
	now := time.Now()
	seen := standing{}
	for _, m := range members {
		was, known := s[m.Instance]
		if !known || was.polls != m.Polls {
			seen[m.Instance] = stood{m.Polls, now}
			continue
		}
		seen[m.Instance] = was
		if now.Sub(was.since) <= wait && !seam(seamExpelAll) {
			continue
		}
		if _, err := c.db.ChangeExpel(ctx, m.Instance, m.Polls); err != nil {
			return err
		}
		delete(seen, m.Instance)
	}
	clear(s)
	maps.Copy(s, seen)
	return nil
}
