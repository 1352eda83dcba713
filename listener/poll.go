package listener

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/client"
)

const (
	// pollSpacing is the least time between two polls, however often somebody wants one now.
	pollSpacing = 10 * time.Millisecond
	// pollPatience bounds one poll, dialling included, where no lease time is known yet.
	pollPatience = 5 * time.Second
	// backoffMin and backoffMax bound the wait before a lost connection is dialled again.
	backoffMin = 50 * time.Millisecond
	backoffMax = time.Second
)

// poller asks the database, over a connection of its own, what has changed, and renews the lease: steps
// 2 and 3 of the cache procedure.
type poller struct {
	cache *Cache
	wake  chan struct{}

	id     client.Instance
	rung   atomic.Bool // somebody waits for this process to have applied everything
	conn   *pgx.Conn   // this and the next two are used by one goroutine: Open's, then run's
	client *client.Client
	cursor client.Snapshot

	mu       sync.Mutex
	entered  time.Time // when this epoch was first seen
	applied  time.Time // when the last poll that was applied was sent
	interval time.Duration
	notify   string
}

func newPoller(c *Cache) *poller {
	return &poller{cache: c, id: client.NewInstance(), wake: make(chan struct{}, 1), interval: time.Second}
}

// now asks for a poll at once. It never blocks.
func (p *poller) now() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// run polls every P, and earlier when asked to. After a failure it dials again, waiting a little
// longer each time.
func (p *poller) run(ctx context.Context) {
	backoff := backoffMin
	for wait := p.pause(); p.sleep(ctx, wait); {
		err := p.once(ctx)
		if err == nil {
			backoff, wait = backoffMin, p.pause()
			continue
		}
		if ctx.Err() != nil {
			return
		}
		p.cache.count.pollFailures.Add(1)
		p.cache.log.WarnContext(ctx, "pgsession: poll failed", "error", err, "lease_left", p.cache.lease.left(p.cache.clock, time.Now()))
		p.hangUp()
		wait = jitter(backoff)
		backoff = min(2*backoff, backoffMax)
	}
}

// sleep waits for the next poll; a wish to poll now does not shorten it below the spacing. It returns
// false when it is time to end.
func (p *poller) sleep(ctx context.Context, wait time.Duration) bool {
	spacing := time.NewTimer(min(wait, pollSpacing))
	defer spacing.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-spacing.C:
	}
	if wait <= pollSpacing {
		return ctx.Err() == nil
	}
	rest := time.NewTimer(wait - pollSpacing)
	defer rest.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-rest.C:
	case <-p.wake:
	}
	return ctx.Err() == nil
}

// ring asks for a poll at once, and for a report when it has been applied.
func (p *poller) ring() {
	p.rung.Store(true)
	p.now()
}

// once polls and applies the answer.
func (p *poller) once(ctx context.Context) error {
	patience := p.cache.leaseTime() // an answer that takes longer renews nothing
	if patience == 0 {
		patience = pollPatience
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := p.dial(ctx); err != nil {
		return err
	}
	rung := p.rung.Swap(false)
	poll, err := p.ask(ctx)
	if err != nil {
		return err
	}
	p.apply(poll)
	if !rung && len(poll.Changes) == 0 {
		return nil
	}
	// Somebody may be waiting for it. Otherwise the next poll reports.
	p.cache.memory.report()
	_, err = p.client.ChangeAck(ctx, p.id, p.cursor)
	return err
}

// ask polls as a registered instance, in an epoch that has been started.
func (p *poller) ask(ctx context.Context) (client.Poll, error) {
	for range 3 {
		p.cache.memory.report()
		poll, err := p.client.ChangePoll(ctx, p.cursor, p.id)
		switch {
		case err != nil:
			return client.Poll{}, err
		case poll.Epoch.IsZero():
			// The cursor of another epoch is worth nothing in this one.
			p.cursor = client.Snapshot{}
			if err := p.client.ChangeStart(ctx); err != nil {
				return client.Poll{}, err
			}
		case !poll.Member:
			// Committed before the next poll is sent: a revoker that does not find us has committed
			// before that poll's snapshot.
			if err := p.client.ChangeJoin(ctx, p.id); err != nil {
				return client.Poll{}, err
			}
		default:
			return poll, nil
		}
	}
	return client.Poll{}, errors.New("change_poll: no epoch after change_start, or no member after change_join")
}

func (p *poller) dial(ctx context.Context) error {
	if p.conn != nil {
		return nil
	}
	conn, err := pgx.ConnectConfig(ctx, p.cache.config.PollConfig)
	if err != nil {
		return fmt.Errorf("connect to poll: %w", err)
	}
	p.conn = conn
	p.client = p.cache.client.With(conn)
	return nil
}

func (p *poller) hangUp() {
	if p.conn == nil {
		return
	}
	// The server is told if it listens; if not, waiting for it would help nobody.
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	_ = p.conn.Close(ctx)
	p.conn, p.client = nil, nil
}

// apply forgets what has changed, then moves the cursor, and then renews the lease: a lease that were
// renewed first would cover what is not yet forgotten.
func (p *poller) apply(poll client.Poll) {
	c := p.cache
	switch {
	case poll.Epoch != *c.memory.epoch.Load():
		c.count.flushes.Add(1)
		c.memory.enter(poll.Epoch)
		p.mu.Lock()
		p.entered = time.Now()
		p.mu.Unlock()
		c.log.Info("pgsession: new epoch", "epoch", poll.Epoch)
	case p.cursor.IsZero(), purged(p.cursor, poll), p.cursor.Xmax() > poll.Snapshot.Xmax(), p.slept(poll.Sent):
		c.flush()
	default:
		for _, change := range poll.Changes {
			c.apply(change, routePoll)
		}
		c.ears.check(poll)
	}
	p.cursor = poll.Snapshot

	t := poll.Lease
	if c.config.Lease > 0 {
		t = min(t, c.config.Lease)
	}
	c.revoke.Store(int64(poll.Lease))
	c.doorbell.Store(poll.Notify == "doorbell")
	c.term.Store(int64(t))
	c.count.polls.Add(1)
	p.mu.Lock()
	p.applied, p.interval, p.notify = poll.Sent, poll.Interval, poll.Notify
	p.mu.Unlock()
	c.lease.renew(c.clock, poll.Sent, t)
}

// purged reports whether the log may have lost changes that the cursor does not see: those of a
// transaction below low_water that has been decided since. Transactions that are still in progress
// have changed nothing yet; a long one costs nothing until it ends.
func purged(cursor client.Snapshot, poll client.Poll) bool {
	if cursor.Xmax() < poll.LowWater {
		return true
	}
	for xid := range cursor.Running() {
		if xid < poll.LowWater && poll.Snapshot.Sees(xid) {
			return true
		}
	}
	return false
}

// slept reports whether the machine was suspended since the last poll: the monotonic clock stood still,
// and with it the deadlines of what is cached.
func (p *poller) slept(sent time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	monotonic := sent.Sub(p.applied)
	wall := time.Duration(sent.UnixNano() - p.applied.UnixNano())
	return wall-monotonic > p.cache.leaseTime()
}

// pause returns how long to wait until the next poll: P, or less where the lease is too short for it.
func (p *poller) pause() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return min(p.interval, p.cache.leaseTime()/3)
}

// state returns how old the last applied poll is, and the notify mode that it told.
func (p *poller) state(now time.Time) (time.Duration, string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return now.Sub(p.applied), p.notify
}

// epochAge returns how long ago this process first saw the present epoch.
func (p *poller) epochAge() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Since(p.entered)
}

// jitter spreads a wait over its upper half, so that processes that lost the same server do not all
// come back at once.
func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d/2+1) }
