package sessionhttp

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/pgsession/pgsession/client"
)

// touchMost bounds what waits while the store is slow: sessions past it are touched by their next request.
const touchMost = 10_000

// touches moves the idle deadlines of the sessions in use, many in one call, off the request path. Its
// goroutine runs only while there is something to touch.
type touches struct {
	store   client.Store
	timeout time.Duration
	log     *slog.Logger

	mu   sync.Mutex
	keys map[client.Key]struct{} // waiting for the call under way to return
	done chan struct{}           // closed once the goroutine has ended; nil: none runs
}

func newTouches(store client.Store, timeout time.Duration, log *slog.Logger) *touches {
	return &touches{store: store, timeout: timeout, log: log, keys: map[client.Key]struct{}{}}
}

// used has a session touched if a tenth of its idle lifetime has passed since it last was.
func (t *touches) used(s *client.Session) {
	if s.ExpireSecs == 0 {
		return
	}
	idle := time.Duration(s.ExpireSecs) * time.Second
	if left, _ := s.TTL(); left > idle-idle/10 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.keys) >= touchMost {
		return
	}
	t.keys[s.Key] = struct{}{}
	if t.done == nil {
		t.done = make(chan struct{})
		go t.run(t.done)
	}
}

func (t *touches) run(done chan struct{}) {
	defer close(done)
	for {
		t.mu.Lock()
		keys := slices.Collect(maps.Keys(t.keys))
		clear(t.keys)
		if len(keys) == 0 {
			t.done = nil
			t.mu.Unlock()
			return
		}
		t.mu.Unlock()
		t.touch(keys)
	}
}

// touch makes one call. What fails is tried again with the sessions' next requests.
//
//nolint:contextcheck,nolintlint // it is made for many requests, and outlives them
func (t *touches) touch(keys []client.Key) {
	ctx, cancel := context.WithTimeout(context.Background(), t.timeout)
	defer cancel()
	if _, err := t.store.SessionTouch(ctx, keys...); err != nil {
		t.log.WarnContext(ctx, "pgsession: touching failed, the sessions' next requests will try again", "sessions", len(keys), "error", err)
	}
}

// wait returns once nothing is being touched.
func (t *touches) wait(ctx context.Context) error {
	t.mu.Lock()
	done := t.done
	t.mu.Unlock()
	if done == nil {
		return nil
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
