package listener

import (
	"context"
	"sync"
	"time"

	"github.com/pgsession/pgsession/client"
)

const (
	// touchBatch is how many sessions one call touches.
	touchBatch = 1000
	// touchUrgent is the spacing of a session's touches below which they do not wait for the interval.
	touchUrgent = int64(time.Second)
	// touchBacklog bounds what waits while the database is away.
	touchBacklog = 200_000
)

// touches gathers the sessions in use and moves their deadlines, many in one call, off the request
// path.
type touches struct {
	cache *Cache
	wake  chan struct{}

	mu   sync.Mutex
	keys map[client.Key]struct{}
}

func newTouches(c *Cache) *touches {
	return &touches{cache: c, wake: make(chan struct{}, 1), keys: map[client.Key]struct{}{}}
}

// used notes that a session was served from the database. Its deadline tells when it was last touched.
func (t *touches) used(key client.Key, s client.Session) {
	if s.ExpireSecs == 0 {
		return
	}
	idle := time.Duration(s.ExpireSecs) * time.Second
	if left, _ := s.TTL(); left <= idle-idle/10 {
		t.add(key, int64(idle/10))
	}
}

// add has a session touched soon. every is the spacing of its touches.
func (t *touches) add(key client.Key, every int64) {
	t.mu.Lock()
	if len(t.keys) < touchBacklog {
		t.keys[key] = struct{}{}
	}
	full := len(t.keys) >= touchBatch
	t.mu.Unlock()
	if full || every <= touchUrgent {
		select {
		case t.wake <- struct{}{}:
		default:
		}
	}
}

func (t *touches) pending() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.keys)
}

func (t *touches) run(ctx context.Context) {
	tick := time.NewTicker(t.cache.config.TouchInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-t.wake:
		}
		if err := t.flush(ctx); err != nil && ctx.Err() == nil {
			t.cache.log.WarnContext(ctx, "pgsession: touching failed, will be tried again", "error", err)
		}
	}
}

// flush touches what is pending. What fails stays pending.
func (t *touches) flush(ctx context.Context) error {
	t.mu.Lock()
	keys := make([]client.Key, 0, len(t.keys))
	for key := range t.keys {
		keys = append(keys, key)
	}
	clear(t.keys)
	t.mu.Unlock()
	for len(keys) > 0 {
		batch := keys[:min(len(keys), touchBatch)]
		moved, err := t.cache.db.SessionTouch(ctx, batch...)
		if err != nil {
			t.cache.count.touchFails.Add(1)
			t.mu.Lock()
			for _, key := range keys {
				t.keys[key] = struct{}{}
			}
			t.mu.Unlock()
			return err
		}
		t.cache.count.touched.Add(uint64(moved))
		keys = keys[len(batch):]
	}
	return nil
}
