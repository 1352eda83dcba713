package listener

import (
	"context"
	"fmt"
	"time"

	"github.com/pgsession/pgsession/client"
)

// flight is what is under way for one key. Its stripe's lock guards it. It exists while there are
// reads of the key, so that one that lands late is told from one that saw a newer row (I5).
type flight struct {
	tag    client.Tag
	stamp  uint64 // the number of the last invalidation of the key while this flight exists
	reads  int
	open   *read // the one that newcomers may join; nil once an invalidation has passed it
	landed int   // how many reads have landed
	newest row   // what the last of them brought
}

// row places what a read saw: a session that was closed and opened again under the same key has a
// higher id, a changed one a higher version.
type row struct {
	epoch   client.Epoch
	gone    bool
	id      int64
	version int64
}

func rowOf(s *client.Session) row { return row{epoch: s.Epoch, id: s.ID, version: s.Version} }

// mayPrecede reports whether r may have been read before o. Of two reads that ran at once, one that
// found the session and one that found none can be in either order.
func (r row) mayPrecede(o row) bool {
	if r.epoch != o.epoch {
		return false
	}
	if r.gone || o.gone {
		return r.gone != o.gone
	}
	return r.id < o.id || r.id == o.id && r.version < o.version
}

// read is one read of a key from the database, and those who wait for it.
type read struct {
	number  uint64 // of the sequence, noted before it was sent
	landed  int    // how many reads of the key had landed then
	sent    time.Time
	waiters int
	joined  bool // somebody waits who came after it was sent
	cancel  context.CancelFunc

	done    chan struct{} // closed once the following is set
	session client.Session
	found   bool
	err     error
}

// load reads a session from the database on behalf of this caller and of all who ask for the same key
// meanwhile. fresh does not join a read under way: the caller knows of something newer.
func (c *Cache) load(ctx context.Context, key client.Key, fresh bool) (client.Session, bool, error) {
	asked, leased := time.Now(), c.Ready()
	for {
		r := c.join(ctx, key, fresh)
		select {
		case <-r.done:
		case <-ctx.Done():
			c.leave(key, r)
			return client.Session{}, false, context.Cause(ctx)
		}
		if r.err != nil {
			return client.Session{}, false, r.err
		}
		switch {
		case age(r.sent, time.Now()) >= c.leaseTime() && !seam(seamLateAnswer):
			fresh = true // an answer that comes late may be older than the lease allows: read again
		case !leased && r.sent.Before(asked) && !seam(seamJoinUnleased):
			// Without a lease this process may not be registered: a revoker that has returned before the
			// caller asked has not waited for it. All who joined too early join the next read.
			fresh = false
		default:
			return r.session, r.found, nil
		}
	}
}

// join takes part in the open read of a key, or starts one.
func (c *Cache) join(ctx context.Context, key client.Key, fresh bool) *read {
	tag := key.Tag()
	ks := c.memory.keyStripe(tag)
	ks.Lock()
	defer ks.Unlock()
	f := ks.flights[key]
	if f == nil {
		f = &flight{tag: tag}
		ks.flights[key] = f
	}
	if r := f.open; r != nil && !fresh {
		r.waiters++
		r.joined = true
		c.count.joined.Add(1)
		return r
	}
	// The read outlives the caller that started it for as long as others wait for it.
	readCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r := &read{waiters: 1, cancel: cancel, done: make(chan struct{})}
	f.reads++
	f.open = r
	c.tasks.run(func() { c.fetch(readCtx, key, ks, f, r) })
	return r
}

// leave gives up waiting for a read. The last to leave ends it.
func (c *Cache) leave(key client.Key, r *read) {
	ks := c.memory.keyStripe(key.Tag())
	ks.Lock()
	defer ks.Unlock()
	r.waiters--
	if r.waiters > 0 {
		return
	}
	if f := ks.flights[key]; f != nil && f.open == r {
		f.open = nil
	}
	r.cancel()
}

// fetch sends a read until it brings what may be answered, stores it if it may be stored, and tells
// those who wait.
func (c *Cache) fetch(ctx context.Context, key client.Key, ks *keyStripe, f *flight, r *read) {
	defer r.cancel()
	stop := context.AfterFunc(c.ctx, r.cancel)
	defer stop()
	for {
		session, found, err := c.send(ctx, key, ks, f, r)
		if err != nil && c.ctx.Err() != nil {
			err = ErrClosed
		}
		if c.land(key, ks, f, r, session, found, err) {
			close(r.done)
			return
		}
	}
}

// send reads the session. The clock starts once a connection is at hand: waiting for one makes no
// answer older.
func (c *Cache) send(ctx context.Context, key client.Key, ks *keyStripe, f *flight, r *read) (client.Session, bool, error) {
	conn, err := c.db.acquire(ctx)
	if err != nil {
		return client.Session{}, false, fmt.Errorf("session_get: %w", err)
	}
	defer conn.release()
	ks.Lock()
	r.number, r.landed, r.sent = c.memory.sequence.Load(), f.landed, time.Now()
	ks.Unlock()
	s, found, err := conn.SessionGet(ctx, key)
	pause()
	if seam(seamNumberAfterRead) {
		r.number = c.memory.sequence.Load()
	}
	return s, found, err
}

// land takes in what a read brought. It returns false where the read has to be sent again: another
// may have brought something newer while it was under way, or it may bring what has been revoked.
func (c *Cache) land(key client.Key, ks *keyStripe, f *flight, r *read, s client.Session, found bool, err error) bool {
	ks.Lock()
	defer ks.Unlock()
	if err == nil {
		at := row{epoch: *c.memory.epoch.Load(), gone: !found}
		if found {
			r.sent = s.Sent
			at = rowOf(&s)
		}
		overtaken := f.landed > r.landed && at.mayPrecede(f.newest) && !seam(seamOvertaken)
		if overtaken || found && c.revoked(f, r, &s) {
			if f.open == r {
				f.open = nil
			}
			c.count.again.Add(1)
			return false
		}
		f.landed++
		f.newest = at
		c.memory.outdate(ks, f.tag, key, at)
		if found {
			c.fill(ks, s, r.number)
		}
	}
	r.session, r.found, r.err = s, found, err
	if f.open == r {
		f.open = nil
	}
	f.reads--
	if f.reads == 0 {
		delete(ks.flights, key)
	}
	return true
}

// revoked reports whether the session that a read brought may not be answered with, because it was
// invalidated while the read was under way: since then somebody has joined it, who may know, or this
// process has reported that it has applied the invalidation, so that a revoker may rely on it. The caller
// holds the stripe of the key.
func (c *Cache) revoked(f *flight, r *read, s *client.Session) bool {
	byUser := c.memory.stampedSince(s, r.number)
	if r.joined && byUser && !seam(seamJoinPastUser) {
		return true
	}
	return !seam(seamReported) && c.memory.reported.Load() > r.number &&
		(byUser || f.stamp > r.number || c.memory.flushed.Load() > r.number)
}

// outdate removes the entry under a key if it may be older than what a read has just brought. That read
// may have to be answered and not stored, and the version served must not go back after it. The caller
// holds ks.
func (m *memory) outdate(ks *keyStripe, tag client.Tag, key client.Key, at row) {
	if e := ks.entries[tag]; e != nil && !seam(seamOutdate) && e.session.Key == key && rowOf(&e.session).mayPrecede(at) {
		m.remove(ks, e)
	}
}

// fill stores a session that a read has brought. The caller holds ks.
func (c *Cache) fill(ks *keyStripe, s client.Session, number uint64) {
	current := *c.memory.epoch.Load()
	switch {
	case s.Epoch.IsZero(): // a standby, or before change_start
		c.count.fillsEpoch.Add(1)
	case s.Epoch != current && !seam(seamFillAnyEpoch):
		c.count.fillsEpoch.Add(1)
		c.lease.end()
		c.poller.now()
	case c.memory.store(ks, newEntry(s, number, c.clock)):
		c.count.fills.Add(1)
	default:
		c.count.fillsStale.Add(1)
	}
}
