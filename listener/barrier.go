package listener

import (
	"context"
	"fmt"
	"time"

	"github.com/pgsession/pgsession/client"
)

const (
	// askMin and askMax space a revoker's questions whether all have applied its transaction.
	askMin = 2 * time.Millisecond
	askMax = 100 * time.Millisecond
)

// SessionCloseWait ends a session, reports whether there was one, and returns only once no process can
// serve it any more, also where somebody else has ended it. See [Cache.RevokeWait].
func (c *Cache) SessionCloseWait(ctx context.Context, key client.Key) (bool, error) {
	closed := false
	defer c.Forget(key)
	err := c.RevokeWait(ctx, func(tx *client.Client) error {
		var err error
		closed, err = tx.SessionClose(ctx, key)
		return err
	})
	return closed, err
}

// RevokeWait runs revoke in a transaction, commits it, and returns only once no process can serve what
// it has ended or changed: the revocation barrier. The commit is made durable, on synchronous standbys
// too. When all registered processes are alive that takes milliseconds; one that is dead, stopped or cut
// off costs T(1+ρ)+F at most, T being the lease and F Config.Fencing.
//
// An error before the commit means that nothing has changed. An error of ctx after it means that the
// change is committed, and that other processes may not have heard of it yet.
func (c *Cache) RevokeWait(ctx context.Context, revoke func(tx *client.Client) error) error {
	if c.ctx.Err() != nil {
		return ErrClosed
	}
	xid, epoch, err := c.db.revoke(ctx, revoke)
	if err != nil {
		return fmt.Errorf("revoke: %w", err)
	}
	return c.Barrier(ctx, xid, epoch)
}

// Barrier returns once no process can serve what the transaction xid has ended or changed. xid is
// pg_current_xact_id() of a transaction that has committed before the call, with synchronous_commit on,
// and epoch what (*client.Client).Epoch returned in it. With xid 0 it waits for the lease time in full,
// for which no process has to answer or even be known.
func (c *Cache) Barrier(ctx context.Context, xid uint64, epoch client.Epoch) error {
	start := time.Now()
	wait, err := c.waitNow(ctx)
	if err != nil {
		return fmt.Errorf("revocation barrier: the revocation is committed, but other processes may serve it yet: %w", err)
	}
	full := time.NewTimer(time.Until(start.Add(wait)))
	defer full.Stop()
	ask := time.NewTimer(askMin)
	defer ask.Stop()
	// Who does not answer in time is not waited for.
	asking, cancel := context.WithDeadline(ctx, start.Add(wait))
	defer cancel()
	if xid == 0 || !c.poller.settled(epoch, wait) {
		ask.Stop()
	} else if err := c.db.ChangeRing(asking); err != nil {
		c.log.WarnContext(ctx, "pgsession: ringing for the barrier failed, waiting for polls", "error", err)
	}
	for every := askMin; ; {
		select {
		case <-full.C:
			c.count.barriersFull.Add(1)
			return nil
		case <-ask.C:
			applied, err := c.db.ChangeApplied(asking, xid)
			if err == nil && applied {
				c.count.barriersFast.Add(1)
				return nil
			}
			every = min(2*every, askMax)
			ask.Reset(every)
		case <-c.ctx.Done():
			return fmt.Errorf("revocation barrier: %w", ErrClosed)
		case <-ctx.Done():
			return fmt.Errorf("revocation barrier: the revocation is committed, but other processes may serve it for up to %v yet: %w", wait, ctx.Err())
		}
	}
}

// waitNow returns how long a process that does not answer can serve what has been revoked before the call.
// The database knows it, because leases can change. If it does not answer, what the last poll told will do,
// provided that its lease was still held at the call: for that long nobody is granted a longer one.
func (c *Cache) waitNow(ctx context.Context) (time.Duration, error) {
	leased := c.lease.left(c.clock, time.Now()) > 0
	told := time.Duration(c.wait.Load())
	if seam(seamOldWait) {
		return told, nil
	}
	for backoff := backoffMin; ; backoff = min(2*backoff, backoffMax) {
		asking, cancel := context.WithTimeout(ctx, told)
		wait, err := c.db.ChangeWait(asking, c.fencing())
		cancel()
		if err == nil {
			return max(wait, leaseMin), nil
		}
		if leased {
			return told, nil
		}
		c.log.WarnContext(ctx, "pgsession: asking how long to wait for the barrier failed", "error", err)
		timer := time.NewTimer(c.spread(backoff))
		select {
		case <-timer.C:
		case <-c.ctx.Done():
			timer.Stop()
			return 0, ErrClosed
		case <-ctx.Done():
			timer.Stop()
			return 0, ctx.Err()
		}
	}
}

// fencing is Config.Fencing.
func (c *Cache) fencing() time.Duration {
	if seam(seamFencing) {
		return 0
	}
	return c.config.Fencing
}

// fullWait is how long, as a poll tells it, a process that does not answer can serve what was revoked:
// T(1+ρ)+F, with the longer of the database's F and Config.Fencing.
func (c *Cache) fullWait(poll client.Poll) time.Duration {
	if seam(seamShortWait) {
		return max(poll.Lease, leaseMin)
	}
	return max(poll.Wait, leaseMin) + max(0, c.fencing()-poll.Fencing)
}
