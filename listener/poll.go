package listener

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pgsession/pgsession/client"
)

const (
	// pollSpacing is the least time between two polls, however often somebody wants one now.
	pollSpacing = 10 * time.Millisecond
	// pollPatience bounds one poll, dialling included, where no lease time is known yet.
	pollPatience = 5 * time.Second
	// leaseMin is the shortest lease: with one below a round trip, no answer could ever be used.
	leaseMin = 100 * time.Millisecond
	// hangUpPatience bounds how long closing a connection may take.
	hangUpPatience = 100 * time.Millisecond
	// backoffMin and backoffMax bound the wait before a lost connection is dialled again.
	backoffMin = 50 * time.Millisecond
	backoffMax = time.Second
)

// poller asks the database, over a connection of its own, what has changed, and renews the lease: steps
// 2 and 3 of the cache procedure.
type poller struct {
	cache *Cache
	wake  chan struct{}

	rung   atomic.Bool     // somebody waits for this process to have applied everything
	id     client.Instance // of this registration. This and the next two are used by one goroutine: Open's, then run's
	line   line            // nil: hung up
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
		wait = p.cache.spread(backoff)
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
	if seam(seamAckFirst) {
		_, _ = p.line.ChangeAck(ctx, p.id, poll.Snapshot)
	}
	p.apply(poll)
	if !rung && len(poll.Changes) == 0 {
		return nil
	}
	// Somebody may be waiting for it. Otherwise the next poll reports.
	p.cache.memory.report()
	_, err = p.line.ChangeAck(ctx, p.id, p.cursor)
	return err
}

// ask polls as a registered instance, in an epoch that has been started.
func (p *poller) ask(ctx context.Context) (client.Poll, error) {
	for range 3 {
		p.cache.memory.report()
		poll, err := p.line.ChangePoll(ctx, p.cursor, p.id)
		switch {
		case err != nil:
			return client.Poll{}, err
		case poll.Epoch.IsZero():
			// The cursor of another epoch is worth nothing in this one.
			p.cursor = client.Snapshot{}
			if err := p.line.ChangeStart(ctx); err != nil {
				return client.Poll{}, err
			}
		case !poll.Member && !seam(seamNotMember):
			// Committed before the next poll is sent: a revoker that does not find us has committed
			// before that poll's snapshot. Under a new name: who remembers how often the old one had
			// polled could take this registration, which counts anew, for it standing still.
			if !seam(seamSameName) {
				p.id = client.NewInstance()
			}
			if err := p.line.ChangeJoin(ctx, p.id); err != nil {
				return client.Poll{}, err
			}
		default:
			return poll, nil
		}
	}
	return client.Poll{}, errors.New("change_poll: no epoch after change_start, or no member after change_join")
}

func (p *poller) dial(ctx context.Context) error {
	if p.line != nil {
		return nil
	}
	line, err := p.cache.db.dial(ctx)
	if err != nil {
		return err
	}
	p.line = line
	return nil
}

func (p *poller) hangUp() {
	if p.line == nil {
		return
	}
	p.line.hangUp()
	p.line = nil
}

// apply forgets what has changed, then moves the cursor, and then renews the lease: a lease that were
// renewed first would cover what is not yet forgotten.
func (p *poller) apply(poll client.Poll) {
	if seam(seamLeaseFirst) {
		p.renew(poll)
		pause()
	}
	p.forget(poll)
	pause()
	p.renew(poll)
}

// forget applies a poll's changes and moves the cursor.
func (p *poller) forget(poll client.Poll) {
	c := p.cache
	switch {
	case poll.Epoch != *c.memory.epoch.Load():
		c.count.flushes.Add(1)
		p.mu.Lock()
		p.entered = time.Now() // before: whoever sees the epoch sees how young it is
		p.mu.Unlock()
		c.memory.enter(poll.Epoch)
		c.log.Info("pgsession: new epoch", "epoch", poll.Epoch.String()) // JSON would have it as 16 numbers
	case p.cursor.IsZero(), purged(p.cursor, poll), p.cursor.Xmax() > poll.Snapshot.Xmax(), p.slept(poll.Sent):
		c.flush()
	default:
		for _, change := range poll.Changes {
			c.apply(change, routePoll)
		}
		c.ears.check(poll)
	}
	p.cursor = poll.Snapshot
	if seam(seamGreatestXID) {
		p.cursor, _ = client.ParseSnapshot(fmt.Sprintf("%[1]d:%[1]d:", poll.Snapshot.Xmax()))
	}
}

// renew takes over the times that a poll tells, and renews the lease.
func (p *poller) renew(poll client.Poll) {
	c := p.cache
	if seam(seamLeaseFromAnswer) {
		poll.Sent = time.Now()
	}
	t := max(poll.Lease, leaseMin)
	if c.config.Lease > 0 {
		t = min(t, c.config.Lease)
	}
	// Before the lease: who holds one finds the wait that goes with it, or a later one.
	c.wait.Store(int64(c.fullWait(poll)))
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
	if seam(seamLowWater) {
		return false
	}
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
	return max(pollSpacing, min(p.interval, p.cache.leaseTime()/3))
}

// state returns how old the last applied poll is, and the notify mode that it told.
func (p *poller) state(now time.Time) (time.Duration, string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return now.Sub(p.applied), p.notify
}

// settled reports whether a commit in this epoch can be asked about: this process has seen the epoch for
// longer than wait. In a younger one the register of instances may have been emptied, and those it lacks
// hold leases yet. In another one, a server that was demoted might be asked, which knows nothing of the
// commit but may have used its number too, and whose instances go by it.
func (p *poller) settled(epoch client.Epoch, wait time.Duration) bool {
	if seam(seamYoungEpoch) {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return epoch == *p.cache.memory.epoch.Load() && time.Since(p.entered) > wait
}

// jitter spreads a wait over its upper half, so that processes that lost the same server do not all
// come back at once.
func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d/2+1) }
