package listener

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pgsession/pgsession/client"
)

const (
	// ringDelay gathers what is written at about the same time into one notification.
	ringDelay = 5 * time.Millisecond
	// ringMost bounds what is gathered: past it, everybody flushes.
	ringMost = 4800
)

// bell notifies other processes of what this one has written, after the commit: a transaction that only
// notifies flushes nothing, and does not hold up those that commit. If this process dies before it
// rings, the others' polls find the change.
type bell struct {
	cache *Cache
	wake  chan struct{}

	mu      sync.Mutex
	changes map[client.Change]struct{}
}

func newBell(c *Cache) *bell {
	return &bell{cache: c, wake: make(chan struct{}, 1), changes: map[client.Change]struct{}{}}
}

// ring has a change be notified soon, if the notify mode is doorbell. It never blocks.
func (b *bell) ring(change client.Change) {
	if !b.cache.doorbell.Load() {
		return
	}
	b.mu.Lock()
	if len(b.changes) >= ringMost {
		clear(b.changes)
		change = client.Change{Kind: client.ChangedAll}
	}
	b.changes[change] = struct{}{}
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

func (b *bell) run(ctx context.Context) {
	delay := time.NewTimer(0)
	defer delay.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.wake:
		}
		delay.Reset(ringDelay)
		select {
		case <-ctx.Done():
			return
		case <-delay.C:
		}
		if err := b.flush(ctx); err != nil && ctx.Err() == nil {
			b.cache.log.WarnContext(ctx, "pgsession: ringing failed, others will see the change when they poll", "error", err)
		}
	}
}

// flush notifies of what has gathered.
func (b *bell) flush(ctx context.Context) error {
	b.mu.Lock()
	changes := make([]client.Change, 0, len(b.changes))
	for change := range b.changes {
		changes = append(changes, change)
	}
	clear(b.changes)
	b.mu.Unlock()
	if len(changes) == 0 {
		return nil
	}
	return b.cache.db.ChangeRing(ctx, changes...)
}

// silent is a pool whose single statements do not notify in doorbell mode. A transaction begun on it
// does, like every other writer.
type silent struct{ *pgxpool.Pool }

// QueryRow sends the statement together with the word that this process will ring, as one implicit
// transaction and in one round trip.
func (s silent) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	var batch pgx.Batch
	batch.Queue("select set_config('pgsession.notify', 'doorbell', true)")
	batch.Queue(sql, args...)
	return silentRow{s.SendBatch(ctx, &batch)}
}

type silentRow struct{ results pgx.BatchResults }

// Scan returns once the transaction has committed, or failed to.
func (r silentRow) Scan(dest ...any) error {
	_, err := r.results.Exec()
	if err == nil {
		err = r.results.QueryRow().Scan(dest...)
	}
	if closeErr := r.results.Close(); err == nil {
		err = closeErr
	}
	return err
}
