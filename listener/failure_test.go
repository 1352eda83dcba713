package listener_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/internal/pgserver"
	"github.com/pgsession/pgsession/internal/pgtest"
	"github.com/pgsession/pgsession/listener"
)

// terminate ends the backends of this database whose last query matches, and returns how many.
func (b *bundle) terminate(query string) int {
	b.Helper()
	var n int
	err := b.pool.QueryRow(b.Context(),
		`select count(*) from (select pg_terminate_backend(pid) from pg_stat_activity
		  where datname = current_database() and pid <> pg_backend_pid() and query ilike $1) t`, query).Scan(&n)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

func TestPollBackendTerminated(t *testing.T) {
	t.Parallel()
	b := setup(t, pgtest.New(t))
	cache := b.open(func(c *listener.Config) { c.ListenConfig = nowhere(b.db.Config()) })
	key := b.session()
	b.warm(cache, key)
	if b.terminate("%change_poll%") != 1 {
		t.Fatal("no backend polls")
	}
	b.set(key, 1)
	b.polls(cache, 2)
	if cache.Stats().PollFailures == 0 {
		t.Error("no poll has failed")
	}
	b.want(cache, key, 1, listener.FromDatabase)
	b.want(cache, key, 1, listener.FromCache)
}

func TestListenBackendTerminated(t *testing.T) {
	t.Parallel()
	b := setup(t, pgtest.New(t))
	cache := b.open()
	b.listening(cache)
	key := b.session()
	b.warm(cache, key)
	listens, flushes := cache.Stats().Listens, cache.Stats().Flushes
	if b.terminate("listen %") != 1 {
		t.Fatal("no backend listens")
	}
	pgtest.Eventually(t, patience, func() bool { return cache.Stats().Listens > listens }, "the cache listens again")
	b.want(cache, key, 0, listener.FromCache) // nothing was flushed
	heard := cache.Stats().InvalidatedByNotify
	b.set(key, 1)
	pgtest.Eventually(t, patience, func() bool { return cache.Stats().InvalidatedByNotify > heard }, "it hears")
	b.want(cache, key, 1, listener.FromDatabase)
	if cache.Stats().Flushes != flushes {
		t.Error("losing the listener has flushed the cache")
	}
}

// While polls go through, an entry that was read long before T is still a hit. A cache that forgets
// after T is not this one.
func TestEntryOutlivesTheLeaseTime(t *testing.T) {
	t.Parallel()
	b := setup(t, pgtest.New(t))
	b.fast()
	cache := b.open()
	key := b.session()
	b.warm(cache, key)
	reads := cache.Stats().Fills
	pgtest.Eventually(t, patience, func() bool {
		s, _, err := cache.SessionGet(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		return time.Since(s.Sent) > 5*cache.Stats().LeaseTime
	}, "several T pass")
	// On a machine so busy that a lease lapses the entry is suspended, and not read anew into it.
	if got := cache.Stats(); got.Fills-reads > got.Misses[listener.MissLease] {
		t.Errorf("the entry was read again: %+v", got)
	}
	pgtest.Eventually(t, patience, func() bool {
		_, source, _, _ := cache.Lookup(t.Context(), key)
		return source == listener.FromCache
	}, "it is a hit")
}

// Polls hang: after T nothing is served from memory. When they go through again the entries are as
// good as before, and are not read again.
func TestPollsHang(t *testing.T) {
	t.Parallel()
	b := setup(t, pgtest.New(t))
	b.fast()
	cache := b.open()
	b.listening(cache)
	key := b.session()
	b.warm(cache, key)

	tx, err := b.db.Conn(t).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "lock table pgsession.change_log in access exclusive mode"); err != nil {
		t.Fatal(err)
	}
	pgtest.Eventually(t, patience, func() bool { return !cache.Ready() }, "the lease runs out")
	for range 3 {
		b.want(cache, key, 0, listener.FromDatabase)
	}
	if cache.Stats().Misses[listener.MissLease] < 3 {
		t.Errorf("Stats = %+v", cache.Stats())
	}
	flushes := cache.Stats().Flushes
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	pgtest.Eventually(t, patience, cache.Ready, "polls go through again")
	b.want(cache, key, 0, listener.FromCache)
	if cache.Stats().Flushes != flushes {
		t.Error("the cache started cold")
	}
}

// Both connections are open, and nothing comes through them: no answer from memory after T, and no
// session served that was revoked before the barrier returned.
func TestCutOffProcess(t *testing.T) {
	t.Parallel()
	b := setup(t, pgtest.New(t))
	b.fast()
	var cut wire
	other := b.open(func(c *listener.Config) {
		c.PollConfig, c.ListenConfig = cut.through(b.db.Config()), cut.through(b.db.Config())
	})
	cache := b.open()
	key := b.session()
	b.warm(other, key)
	cut.setDeaf(true)
	if closed, err := cache.SessionCloseWait(t.Context(), key); !closed || err != nil {
		t.Fatalf("SessionCloseWait = %v, %v", closed, err)
	}
	if s, source, found, err := other.Lookup(t.Context(), key); found || err != nil {
		t.Fatalf("after the barrier the session is served from %v: %+v, %v", source, s, err)
	}
	cut.setDeaf(false)
	pgtest.Eventually(t, patience, other.Ready, "the process comes back")
}

// The connection that listens is open and delivers nothing: polls notice, and it is dialled again.
func TestDeafListener(t *testing.T) {
	t.Parallel()
	b := setup(t, pgtest.New(t))
	b.fast()
	var line wire
	cache := b.open(func(c *listener.Config) { c.ListenConfig = line.through(b.db.Config()) })
	b.listening(cache)
	key := b.session()
	line.setDeaf(true)
	pgtest.Eventually(t, patience, func() bool {
		b.set(key, 1)
		return cache.Stats().Deaf == 1
	}, "polls find what was not announced")
	line.setDeaf(false)
	pgtest.Eventually(t, patience, func() bool { return cache.Stats().Listens == 2 }, "it listens again")
	heard := cache.Stats().InvalidatedByNotify
	b.set(key, 2)
	pgtest.Eventually(t, patience, func() bool { return cache.Stats().InvalidatedByNotify > heard }, "and hears")
}

// Anybody may notify. What is not understood causes a poll; nothing worse.
func TestForgedNotifications(t *testing.T) {
	t.Parallel()
	b := setup(t, pgtest.New(t))
	b.times("3 hours", "1 hour")
	cache := b.open()
	b.listening(cache)
	pgtest.Eventually(t, patience, func() bool { return cache.Stats().Polls == 2 }, "the poll that follows LISTEN is applied")
	key := b.session()
	b.warm(cache, key)
	for _, payload := range []string{"", "x", "2|00000000||*", "1|||", "1|00000000||s", "1|00000000||sAAAAAAAAAA", "1|00000000||z???????????",
		"1|00000000||s***********", strings.Repeat("1|", 3000), "1|00000000||!", "\x01"} {
		before := cache.Stats().Polls
		if _, err := b.pool.Exec(t.Context(), "select pg_notify('pgsession_inv', $1)", payload); err != nil {
			t.Fatal(err)
		}
		pgtest.Eventually(t, patience, func() bool { return cache.Stats().Polls > before }, "it polls after "+payload)
	}
	b.want(cache, key, 0, listener.FromCache)
	if _, err := b.pool.Exec(t.Context(), "select pg_notify('pgsession_inv', '1|00000000||*')"); err != nil {
		t.Fatal(err)
	}
	pgtest.Eventually(t, patience, func() bool { return cache.Stats().Flushes > 1 }, "a forged flush flushes")
	b.want(cache, key, 0, listener.FromDatabase)
	if cache.Stats().Malformed != 10 {
		t.Errorf("%d malformed notifications, want 10", cache.Stats().Malformed)
	}
}

// The server goes away and comes back: after T no answer from memory, then service by itself, and
// nothing of the old epoch.
func TestServerStopsAndCrashes(t *testing.T) {
	t.Parallel()
	for name, down := range map[string]func(ctx context.Context, s *pgtest.Server) error{
		"stop":  func(ctx context.Context, s *pgtest.Server) error { return s.Stop(ctx) },
		"crash": func(ctx context.Context, s *pgtest.Server) error { return s.Kill(ctx) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := pgtest.NewServer(t, pgserver.Options{Durable: true})
			b := setup(t, server.New(t))
			b.fast()
			cache := b.open()
			key := b.session()
			b.warm(cache, key)
			epoch := cache.Stats().Epoch
			if err := down(t.Context(), server); err != nil {
				t.Fatal(err)
			}
			pgtest.Eventually(t, patience, func() bool { return !cache.Ready() }, "the lease runs out")
			if s, _, found, err := cache.Lookup(t.Context(), key); err == nil {
				t.Fatalf("without a server: %+v, %v", s, found)
			}
			if err := server.StartAgain(t.Context()); err != nil {
				t.Fatal(err)
			}
			pgtest.Eventually(t, patience, cache.Ready, "service resumes")
			if cache.Stats().Epoch == epoch {
				t.Error("the epoch is the same")
			}
			pgtest.Eventually(t, patience, func() bool {
				_, _, err := cache.SessionGet(t.Context(), key)
				return err == nil // the pool has replaced its dead connections
			}, "the pool recovers")
			b.warm(cache, key)
			b.set(key, 1)
			pgtest.Eventually(t, patience, func() bool {
				s, _, err := cache.SessionGet(t.Context(), key)
				return err == nil && n(t, s) == 1
			}, "changes are seen")
		})
	}
}

// A row of another epoch ends the lease, is not stored, and makes the cache poll.
func TestRowOfAnotherEpoch(t *testing.T) {
	t.Parallel()
	b := setup(t, pgtest.New(t))
	b.times("3 hours", "1 hour")
	cache := b.open(func(c *listener.Config) { c.ListenConfig = nowhere(b.db.Config()) })
	key, another := b.session(), b.session()
	b.want(cache, key, 0, listener.FromDatabase)
	b.want(cache, key, 0, listener.FromCache)
	epoch := cache.Stats().Epoch
	b.db.Exec(t, "delete from pgsession.change_state; select pgsession.change_start()")
	b.want(cache, another, 0, listener.FromDatabase)
	pgtest.Eventually(t, patience, func() bool { return cache.Stats().Epoch != epoch }, "it polls")
	if s := cache.Stats(); s.FillsEpoch != 1 {
		t.Errorf("Stats = %+v", s)
	}
	b.want(cache, key, 0, listener.FromDatabase)
	b.want(cache, key, 0, listener.FromCache)
}

// Without an epoch nothing is stored; the next poll starts one.
func TestNoEpoch(t *testing.T) {
	t.Parallel()
	b := setup(t, pgtest.New(t))
	b.fast()
	cache := b.open()
	key := b.session()
	epoch := cache.Stats().Epoch
	b.db.Exec(t, "delete from pgsession.change_state")
	pgtest.Eventually(t, patience, func() bool { return cache.Stats().Epoch != epoch }, "the cache starts an epoch")
	b.warm(cache, key)
}

func TestTouches(t *testing.T) {
	t.Parallel()
	deadline := func(b *bundle, key client.Key) time.Time {
		s, found, err := b.client.SessionGet(b.Context(), key)
		if err != nil || !found {
			b.Fatal(found, err)
		}
		return s.Expires
	}
	used := func(b *bundle) client.Key {
		key := b.session(func(o *client.OpenOptions) { o.Idle = time.Hour })
		b.db.Exec(b, "update pgsession.sessions set expires = expires - interval '10 minutes'")
		return key
	}
	t.Run("while serving", func(t *testing.T) {
		t.Parallel()
		b := setup(t, pgtest.New(t))
		key := used(b)
		cache := b.open(func(c *listener.Config) { c.TouchInterval = 10 * time.Millisecond })
		before := deadline(b, key)
		b.want(cache, key, 0, listener.FromDatabase)
		pgtest.Eventually(t, patience, func() bool { return deadline(b, key).After(before) }, "the deadline moves")
		b.want(cache, key, 0, listener.FromCache) // a touch is no invalidation
		for range 100 {
			b.want(cache, key, 0, listener.FromCache)
		}
		if s := cache.Stats(); s.Touched != 1 || s.Pending > 1 {
			t.Errorf("touched more than once in a tenth of the idle lifetime: %+v", s)
		}
	})
	t.Run("flushed by Close", func(t *testing.T) {
		t.Parallel()
		b := setup(t, pgtest.New(t))
		key := used(b)
		before := deadline(b, key)
		cache, err := listener.Open(t.Context(), listener.Config{Pool: b.pool, TouchInterval: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		b.want(cache, key, 0, listener.FromDatabase)
		if cache.Stats().Pending != 1 {
			t.Errorf("Stats = %+v", cache.Stats())
		}
		if err := cache.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !deadline(b, key).After(before) {
			t.Error("the deadline has not moved")
		}
	})
	t.Run("kept while the database refuses", func(t *testing.T) {
		t.Parallel()
		b := setup(t, pgtest.New(t))
		key := used(b)
		before := deadline(b, key)
		cache := b.open(func(c *listener.Config) { c.TouchInterval = 10 * time.Millisecond })
		b.db.Exec(t, "alter function pgsession.session_touch rename to session_touch_away")
		b.want(cache, key, 0, listener.FromDatabase)
		pgtest.Eventually(t, patience, func() bool { return cache.Stats().TouchFails > 0 }, "touching fails")
		b.db.Exec(t, "alter function pgsession.session_touch_away rename to session_touch")
		pgtest.Eventually(t, patience, func() bool { return deadline(b, key).After(before) }, "and is tried again")
	})
	t.Run("short lifetimes do not wait for the interval", func(t *testing.T) {
		t.Parallel()
		b := setup(t, pgtest.New(t))
		cache := b.open(func(c *listener.Config) { c.TouchInterval = time.Hour })
		key := b.session(func(o *client.OpenOptions) { o.Idle = 2 * time.Second })
		before := deadline(b, key)
		pgtest.Eventually(t, patience, func() bool {
			_, found, err := cache.SessionGet(t.Context(), key)
			if err != nil || !found {
				t.Fatalf("a session in use has ended: %v, %v", found, err)
			}
			return deadline(b, key).After(before.Add(time.Second))
		}, "the deadline moves")
	})
}

func TestSweeping(t *testing.T) {
	t.Parallel()
	b := setup(t, pgtest.New(t))
	b.db.Exec(t, "insert into pgsession.sessions (key, expires) select sha256(i::text::bytea), now() - interval '1 hour' from generate_series(1, 2500) i")
	cache := b.open(func(c *listener.Config) { c.SweepInterval = 10 * time.Millisecond })
	pgtest.Eventually(t, patience, func() bool { return cache.Stats().Swept == 2500 }, "expired sessions are swept")
}
