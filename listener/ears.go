package listener

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

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
	hangUp   func()                 // closes the connection that listens; nil: there is none
	heard    map[client.Change]bool // since the last poll
	before   map[client.Change]bool // between the last poll and the one before
	suspects []client.Change        // polled but not heard
	closed   time.Time
}

func newEars(c *Cache) *ears {
	return &ears{cache: c, heard: map[client.Change]bool{}}
}

// run listens until ctx ends.
func (e *ears) run(ctx context.Context) {
	e.cache.db.listen(ctx, e)
	e.shut()
}

// opened is told of each connection that listens, and how to close it. What was notified before is found
// by a poll.
func (e *ears) opened(hangUp func()) {
	e.mu.Lock()
	e.hangUp = hangUp
	e.mu.Unlock()
	e.cache.count.listens.Add(1)
	e.listening.Store(true)
	e.cache.poller.now()
}

// lost is told when that connection is lost.
func (e *ears) lost(ctx context.Context, err error) {
	e.shut()
	if ctx.Err() == nil {
		e.cache.log.WarnContext(ctx, "pgsession: listening was interrupted", "error", err)
	}
	e.cache.poller.now()
}

func (e *ears) shut() {
	e.listening.Store(false)
	e.mu.Lock()
	e.hangUp = nil
	e.mu.Unlock()
}

// hear applies a notification, in memory, never blocking. One that it does not understand makes it
// poll: anybody may notify, and all that a forgery can do is cost misses.
func (e *ears) hear(payload string, pid uint32) {
	note, err := parseNotification(payload)
	if err != nil {
		e.cache.count.malformed.Add(1)
		e.cache.log.Warn("pgsession: notification not understood, polling", "error", err, "from_pid", pid)
		e.cache.poller.now()
		return
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
	if deaf && e.hangUp != nil && time.Since(e.closed) > deafAgain {
		e.closed = time.Now()
		e.suspects = nil
		e.cache.count.deaf.Add(1)
		e.cache.log.Warn("pgsession: polls find changes that notifications did not announce; listening on a new connection. Is there a transaction pooler in between?")
		e.hangUp()
	}
}
