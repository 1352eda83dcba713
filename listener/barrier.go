package listener

import (
	"context"
	"fmt"
	"time"

	"github.com/pgsession/pgsession/client"
)

const (
	// drift is ρ, by how much the rates of two machines' clocks may differ.
	drift = 0.01
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
	wait := c.fullWait()
	full := time.NewTimer(wait)
	defer full.Stop()
	ask := time.NewTimer(askMin)
	defer ask.Stop()
	// Who does not answer in time is not waited for.
	asking, cancel := context.WithTimeout(ctx, wait)
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

// fullWait is how long a process that does not answer can serve what has been revoked: T(1+ρ)+F.
func (c *Cache) fullWait() time.Duration {
	t := time.Duration(c.revoke.Load())
	t += time.Duration(float64(t) * drift)
	if seam(seamFencing) {
		return t
	}
	return t + time.Duration(c.fencing.Load())
}
