package listener

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgxlisten"

	"github.com/pgsession/pgsession/client"
)

// deafAgain is the least time between two connections closed for hearing nothing.
const deafAgain = 10 * time.Second

// heardMax bounds what is remembered of notifications between two polls.
const heardMax = 20_000

// ears hear notifications and apply them: steps 8 and 9 of the cache procedure. What they miss, the
// next poll finds.
type ears struct {
	cache     *Cache
	listening atomic.Bool

	mu       sync.Mutex
	conn     net.Conn               // under the connection that listens
	heard    map[client.Change]bool // since the last poll
	before   map[client.Change]bool // between the last poll and the one before
	suspects []client.Change        // polled but not heard
	closed   time.Time
}

func newEars(c *Cache) *ears {
	return &ears{cache: c, heard: map[client.Change]bool{}}
}

// run listens until ctx ends, connecting again whenever the connection is lost.
func (e *ears) run(ctx context.Context) {
	l := pgxlisten.Listener{
		Connect:        e.connect,
		ReconnectDelay: time.Millisecond, // the waiting is done in connect, with backoff
		LogError: func(ctx context.Context, err error) {
			e.lost()
			if ctx.Err() == nil {
				e.cache.log.WarnContext(ctx, "pgsession: listening was interrupted", "error", err)
			}
			e.cache.poller.now()
		},
	}
	l.Handle(e.cache.config.Schema+"_inv", e)
	_ = l.Listen(ctx) // ends with ctx only
	e.lost()
}

// connect dials a connection of its own, waiting a little longer after each failure.
func (e *ears) connect(ctx context.Context) (*pgx.Conn, error) {
	for backoff := backoffMin; ; backoff = min(2*backoff, backoffMax) {
		dialCtx, cancel := context.WithTimeout(ctx, pollPatience)
		conn, err := pgx.ConnectConfig(dialCtx, e.cache.config.ListenConfig)
		cancel()
		if err == nil {
			e.mu.Lock()
			e.conn = conn.PgConn().Conn()
			e.mu.Unlock()
			return conn, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		e.cache.log.WarnContext(ctx, "pgsession: connecting to listen failed", "error", err)
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(jitter(backoff)):
		}
	}
}

func (e *ears) lost() {
	e.listening.Store(false)
	e.mu.Lock()
	e.conn = nil
	e.mu.Unlock()
}

// HandleBacklog is called after each LISTEN: what was notified before it is found by a poll.
func (e *ears) HandleBacklog(context.Context, string, *pgx.Conn) error {
	e.cache.count.listens.Add(1)
	e.listening.Store(true)
	e.cache.poller.now()
	return nil
}

// HandleNotification applies a notification, in memory, never blocking. One that it does not
// understand makes it poll: anybody may notify, and all that a forgery can do is cost misses.
func (e *ears) HandleNotification(_ context.Context, n *pgconn.Notification, _ *pgx.Conn) error {
	note, err := parseNotification(n.Payload)
	if err != nil {
		e.cache.count.malformed.Add(1)
		e.cache.log.Warn("pgsession: notification not understood, polling", "error", err, "from_pid", n.PID)
		e.cache.poller.now()
		return nil // an error would be logged as if the connection were lost
	}
	for _, change := range note.changes {
		e.cache.apply(change, routeNotify)
	}
	if note.poll {
		e.cache.poller.ring()
	} else if note.epoch != e.cache.memory.epoch.Load().String()[:8] {
		e.cache.poller.now()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, change := range note.changes {
		e.heard[change] = true
	}
	if len(e.heard) > heardMax { // polls do not go through: when they do again, suspect nothing
		e.heard = map[client.Change]bool{{Kind: client.ChangedAll}: true}
	}
	return nil
}

// check holds a poll's changes against what was heard. In inline mode each was announced. What a poll
// found and the next one still has not heard of means a connection that is open and dead, or a
// transaction pooler: it is closed, and dialled again.
func (e *ears) check(poll client.Poll) {
	e.mu.Lock()
	defer e.mu.Unlock()
	heard := func(c client.Change) bool {
		all := client.Change{Kind: client.ChangedAll}
		return e.heard[c] || e.before[c] || e.heard[all] || e.before[all]
	}
	deaf := false
	for _, c := range e.suspects {
		deaf = deaf || !heard(c)
	}
	e.suspects = e.suspects[:0]
	if poll.Notify == "inline" && e.listening.Load() {
		for _, c := range poll.Changes {
			if !heard(c) {
				e.suspects = append(e.suspects, c)
			}
		}
	}
	e.before, e.heard = e.heard, map[client.Change]bool{}
	if deaf && e.conn != nil && time.Since(e.closed) > deafAgain {
		e.closed = time.Now()
		e.suspects = nil
		e.cache.count.deaf.Add(1)
		e.cache.log.Warn("pgsession: polls find changes that notifications did not announce; listening on a new connection. Is there a transaction pooler in between?")
		_ = e.conn.Close()
	}
}
