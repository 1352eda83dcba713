package listener

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/client"
)

// drift is ρ, by how much the rates of two machines' clocks may differ.
const drift = 0.01

// SessionCloseWait ends a session, reports whether there was one, and returns only once no process can
// serve it any more (see [Cache.Barrier]), also where somebody else has ended it. The commit is made
// durable, on synchronous standbys too.
func (c *Cache) SessionCloseWait(ctx context.Context, key client.Key) (bool, error) {
	if c.ctx.Err() != nil {
		return false, ErrClosed
	}
	defer c.Forget(key)
	closed := false
	err := pgx.BeginFunc(ctx, c.pool, func(tx pgx.Tx) error {
		// Also where the application has turned it off for everything else: what a crash takes back,
		// the barrier could not promise.
		if _, err := tx.Exec(ctx, "select set_config('synchronous_commit', 'on', true)"); err != nil {
			return err
		}
		var err error
		closed, err = c.client.With(tx).SessionClose(ctx, key)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("session_close and wait: %w", err)
	}
	c.Forget(key)
	return closed, c.Barrier(ctx)
}

// Barrier returns once no process can serve what was revoked by a transaction committed before the
// call: after T(1+ρ)+F on the monotonic clock, where T is the lease that the database grants and F is
// Config.Fencing. No process has to answer, or even to be known. An error means that ctx ended first.
func (c *Cache) Barrier(ctx context.Context) error {
	t := time.Duration(c.revoke.Load())
	wait := t + time.Duration(float64(t)*drift) + c.config.Fencing
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-c.ctx.Done():
		return fmt.Errorf("revocation barrier: %w", ErrClosed)
	case <-ctx.Done():
		return fmt.Errorf("revocation barrier: the revocation is committed, but other processes may serve it for %v yet: %w", wait, ctx.Err())
	}
}
