package listener

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pgsession/pgsession/client"
)

// known is the version of the installed functions that this package works with: the same minor version.
const known = "0.1."

// ErrClosed is returned by a cache's methods after Close.
var ErrClosed = errors.New("the session cache is closed")

// ErrSchema is returned by [Open] where the installed functions are of a version that this program does
// not know: run "pgsession migrate up", or update the program.
var ErrSchema = errors.New("pgsession is installed in a version that this program does not know")

// Source says where an answer came from.
type Source int

// The sources of an answer.
const (
	FromDatabase Source = iota
	FromCache
)

// String returns "database" or "cache".
func (s Source) String() string {
	if s == FromCache {
		return "cache"
	}
	return "database"
}

// Cache is a store of sessions that answers SessionGet from memory when it may. All its methods are
// safe for concurrent use.
type Cache struct {
	db     database
	log    *slog.Logger
	config Config
	clock  clock
	spread func(time.Duration) time.Duration // jitter

	memory *memory
	lease  lease
	count  counters
	tasks  *tasks

	term atomic.Int64 // T, the lease time in force, in nanoseconds
	wait atomic.Int64 // T(1+ρ)+F, what revokers wait, as the last poll told it

	doorbell atomic.Bool // the notify mode is doorbell

	poller  *poller
	ears    *ears
	touches *touches
	bell    *bell

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
}

var _ client.Store = (*Cache)(nil)

// Open starts a cache. ctx bounds the opening only: it returns once the first poll has been applied, or
// with an error where the database cannot be reached, refuses to be polled (client.ErrPollRefused: it
// is a standby), or has another version of pgsession ([ErrSchema]). The caller closes it.
func Open(ctx context.Context, config Config) (*Cache, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("open session cache: %w", err)
	}
	// Answers that come late are ours to judge.
	late := client.WithLease(time.Hour)
	return open(ctx, config, newServer(config, client.New(config.Pool, client.WithSchema(config.Schema), late)), jitter)
}

// open starts a cache over a database; spread is what puts off a wait.
func open(ctx context.Context, config Config, db database, spread func(time.Duration) time.Duration) (*Cache, error) {
	c := &Cache{
		db:     db,
		log:    config.Logger,
		config: config,
		clock:  newClock(),
		spread: spread,
		tasks:  newTasks(),
	}
	var err error
	if c.memory, err = newMemory(config.MaxEntries, config.MaxBytes, c.tasks.run); err != nil {
		return nil, fmt.Errorf("open session cache: %w", err)
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.poller, c.ears, c.touches, c.bell = newPoller(c), newEars(c), newTouches(c), newBell(c)
	if err := c.start(ctx); err != nil {
		c.cancel()
		c.poller.hangUp()
		// Revokers would wait for a registration that nobody stands behind.
		leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), hangUpPatience)
		defer cancel()
		_ = c.db.ChangeLeave(leaving, c.poller.id)
		return nil, fmt.Errorf("open session cache: %w", err)
	}
	return c, nil
}

// start checks the installed version, applies the first poll and then lets everything run.
func (c *Cache) start(ctx context.Context) error {
	version, err := c.db.Version(ctx)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(version, known) {
		return fmt.Errorf("%w: schema %s has version %s, this program knows %sx", ErrSchema, c.config.Schema, version, known)
	}
	if err := c.poller.once(ctx); err != nil {
		return err
	}
	for _, run := range []func(context.Context){c.poller.run, c.ears.run, c.touches.run, c.bell.run, c.sweep, c.freeMemory} {
		c.tasks.run(func() { run(c.ctx) })
	}
	return nil
}

// Close ends every goroutine of the cache, waits for them, flushes the touches and notifications that
// are pending, and leaves the register of instances; ctx bounds the time for these. Reads that wait for
// the database end with [ErrClosed]. Close once.
func (c *Cache) Close(ctx context.Context) error {
	c.cancel()
	c.tasks.wait()
	c.lease.end()
	c.poller.hangUp()
	err := errors.Join(c.touches.flush(ctx), c.bell.flush(ctx), c.db.ChangeLeave(ctx, c.poller.id))
	if err != nil {
		return fmt.Errorf("close session cache: %w", err)
	}
	return nil
}

// Ready reports whether the lease is held: whether the cache may answer from memory.
func (c *Cache) Ready() bool { return c.lease.left(c.clock, time.Now()) > 0 }

// SessionGet returns the live session of a key, from memory when it may; see [client.Store].
func (c *Cache) SessionGet(ctx context.Context, key client.Key, floor ...client.Floor) (client.Session, bool, error) {
	e, miss := c.hit(key, floor)
	if e != nil {
		return e.session, true, nil
	}
	return c.miss(ctx, key, floor, miss)
}

// Lookup is SessionGet, and says where the answer came from.
func (c *Cache) Lookup(ctx context.Context, key client.Key, floor ...client.Floor) (client.Session, Source, bool, error) {
	e, miss := c.hit(key, floor)
	if e != nil {
		return e.session, FromCache, true, nil
	}
	s, found, err := c.miss(ctx, key, floor, miss)
	return s, FromDatabase, found, err
}

// miss reads a session from the database.
func (c *Cache) miss(ctx context.Context, key client.Key, floor []client.Floor, miss Miss) (client.Session, bool, error) {
	if c.ctx.Err() != nil {
		return client.Session{}, false, ErrClosed
	}
	c.count.missed(miss)
	// Who brings a floor knows of a newer version than may be on its way.
	s, found, err := c.load(ctx, key, len(floor) > 0)
	if found {
		c.touches.used(key, s)
	}
	return s, found, err
}

// hit returns the entry under a key if it may be answered with now: step 5 of the cache procedure.
// Otherwise it returns why not.
func (c *Cache) hit(key client.Key, floor []client.Floor) (*entry, Miss) {
	// The lease before the entry: one that is renewed in between covers invalidations that this entry,
	// once it is in hand, would miss. The time after it: whoever was held up in between finds it late.
	t := c.lease.term.Load()
	pause()
	e, flushed := c.memory.get(key)
	if e == nil {
		return nil, MissAbsent
	}
	if flushed {
		return nil, MissFlushed
	}
	pause()
	if seam(seamHitOrder) {
		t = c.lease.term.Load()
	}
	at := time.Now()
	now := c.clock.at(at)
	if (t == nil || now >= t.until || at.UnixNano() >= t.untilWall) && !seam(seamNoLease) {
		return nil, MissLease
	}
	if now >= e.until {
		if e.capped {
			return nil, MissAge
		}
		return nil, MissExpired
	}
	for _, f := range floor {
		if f != (client.Floor{}) && !seam(seamNoFloor) && (f.Epoch != e.session.Epoch || f.Version > e.session.Version) {
			return nil, MissFloor
		}
	}
	c.count.hit(key)
	if e.dueTouch(now) {
		c.touches.add(key, e.touchEvery)
	}
	return e, 0
}

// Forget makes the next reads of these keys go to the database: to be called after committing a
// transaction in which the application changed them with client.New(tx), to read its own writes.
func (c *Cache) Forget(keys ...client.Key) {
	for _, key := range keys {
		c.memory.invalidateKey(key.Tag())
		c.count.invalidated[routeOwn].Add(1)
	}
}

// ForgetUser is Forget for all sessions of a user.
func (c *Cache) ForgetUser(username string) {
	c.memory.invalidateUser(client.UserTag(username))
	c.count.invalidated[routeOwn].Add(1)
}

// apply takes in what the log or a notification says has changed, by the given route.
func (c *Cache) apply(change client.Change, route route) {
	c.count.invalidated[route].Add(1)
	switch change.Kind {
	case client.ChangedSession:
		c.memory.invalidateKey(change.Tag)
	case client.ChangedUser:
		c.memory.invalidateUser(change.Tag)
	default:
		c.flush()
	}
}

// flush forgets everything.
func (c *Cache) flush() {
	c.count.flushes.Add(1)
	c.memory.flush()
}

// leaseTime returns T as it is in force: the database's, or the shorter one configured.
func (c *Cache) leaseTime() time.Duration { return time.Duration(c.term.Load()) }

// freeMemory removes what flushes have passed, off everybody's path.
func (c *Cache) freeMemory(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.memory.sweep:
			c.memory.free()
		}
	}
}
