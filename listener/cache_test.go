package listener_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/internal/pgtest"
	"github.com/pgsession/pgsession/listener"
)

func TestHitAfterRead(t *testing.T) {
	t.Parallel()
	g := newGate()
	b := setup(t, pgtest.New(t), g.tracing)
	cache := b.open()
	key := b.session()
	b.want(cache, key, 0, listener.FromDatabase)
	for range 100 {
		b.want(cache, key, 0, listener.FromCache)
	}
	if g.reads() != 1 {
		t.Errorf("%d reads of the database, want 1", g.reads())
	}
	s := cache.Stats()
	if s.Hits != 100 || s.Misses[listener.MissAbsent] != 1 || s.Fills != 1 || s.Entries != 1 {
		t.Errorf("Stats = %+v", s)
	}
}

func TestMissingIsNotCached(t *testing.T) {
	t.Parallel()
	b := setup(t, pgtest.New(t))
	cache := b.open()
	key := client.KeyOf("another library's id")
	if _, found, err := cache.SessionGet(t.Context(), key); found || err != nil {
		t.Fatalf("SessionGet = %v, %v", found, err)
	}
	if _, _, err := b.client.SessionOpen(t.Context(), client.OpenOptions{Key: &key}); err != nil {
		t.Fatal(err)
	}
	if _, found, err := cache.SessionGet(t.Context(), key); !found || err != nil {
		t.Fatalf("SessionGet after opening = %v, %v", found, err)
	}
}

// Every way of changing or ending a session, by whomever, is seen by another process.
func TestChangesElsewhere(t *testing.T) {
	t.Parallel()
	gone := -1
	for name, test := range map[string]struct {
		change string
		want   int // n afterwards
	}{
		"update":            {`update pgsession.sessions set payload = '{"n": 1}'`, 1},
		"delete":            {`delete from pgsession.sessions`, gone},
		"truncate":          {`truncate pgsession.sessions`, gone},
		"expire":            {`update pgsession.sessions set expires = now()`, gone},
		"end":               {`update pgsession.sessions set ends = now()`, gone},
		"password":          {`update pgsession.users set cryptpasswd = '*'`, gone},
		"disable":           {`update pgsession.users set status = 'disabled'`, gone},
		"delete user":       {`delete from pgsession.users`, gone},
		"delete many":       {`insert into pgsession.sessions (key) select sha256(i::text::bytea) from generate_series(1, 5000) i; delete from pgsession.sessions`, gone},
		"replica role":      {`set session_replication_role = replica; update pgsession.sessions set payload = '{"n": 1}'`, 1},
		"session_save":      {`select pgsession.session_save(key, '{"n": 1}') from pgsession.sessions`, 1},
		"session_merge":     {`select pgsession.session_merge(key, '{"n": 1}') from pgsession.sessions`, 1},
		"session_close":     {`select pgsession.session_close(key) from pgsession.sessions`, gone},
		"close_user":        {`select pgsession.session_close_user('ann')`, gone},
		"set_password":      {`select pgsession.user_set_password('ann', 'other')`, gone},
		"rotate":            {`select pgsession.session_rotate(key, sha256(key)) from pgsession.sessions`, gone},
		"savepoint":         {`begin; savepoint a; update pgsession.sessions set payload = '{"n": 1}'; release a; commit`, 1},
		"forged parameters": {`set pgsession.sent_pgsession = '*'; update pgsession.sessions set payload = '{"n": 1}'`, 1},
	} {
		for _, heard := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/heard=%v", name, heard), func(t *testing.T) {
				t.Parallel()
				b := setup(t, pgtest.New(t))
				cache := b.open(func(c *listener.Config) {
					if !heard {
						c.ListenConfig = nowhere(b.db.Config())
					}
				})
				if heard {
					b.listening(cache)
				}
				key := b.session()
				b.warm(cache, key)
				b.db.Exec(t, test.change)
				if !heard {
					b.polls(cache, 2)
				}
				pgtest.Eventually(t, patience, func() bool {
					s, found, err := cache.SessionGet(t.Context(), key)
					if err != nil {
						t.Fatal(err)
					}
					if test.want == gone {
						return !found
					}
					return found && n(t, s) == test.want
				}, "the change is seen")
				if s := cache.Stats(); !heard && s.InvalidatedByNotify != 0 {
					t.Errorf("a cache that cannot listen was notified: %+v", s)
				}
			})
		}
	}
}

func TestOwnWritesAreReadAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, pgtest.New(t))
	cache := b.open(func(c *listener.Config) { c.ListenConfig = nowhere(b.db.Config()) })
	key := b.session()
	for i := range 50 {
		if _, err := cache.SessionSave(t.Context(), key, map[string]int{"n": i}, 0); err != nil {
			t.Fatal(err)
		}
		b.want(cache, key, i, listener.FromDatabase)
		if _, err := cache.SessionMerge(t.Context(), key, map[string]int{"n": -i}); err != nil {
			t.Fatal(err)
		}
		b.want(cache, key, -i, listener.FromDatabase)
	}
	for name, end := range map[string]func(key client.Key, id int64) error{
		"close":      func(key client.Key, _ int64) error { _, err := cache.SessionClose(t.Context(), key); return err },
		"close id":   func(_ client.Key, id int64) error { _, err := cache.SessionCloseID(t.Context(), "ann", id); return err },
		"close user": func(client.Key, int64) error { _, err := cache.SessionCloseUser(t.Context(), "ann"); return err },
		"rotate": func(key client.Key, _ int64) error {
			_, _, err := cache.SessionRotate(t.Context(), key, "")
			return err
		},
		"in a transaction": func(key client.Key, _ int64) error {
			tx, err := b.pool.Begin(t.Context())
			if err != nil {
				return err
			}
			if _, err := client.New(tx).SessionClose(t.Context(), key); err != nil {
				return err
			}
			if err := tx.Commit(t.Context()); err != nil {
				return err
			}
			cache.Forget(key)
			return nil
		},
	} {
		key := b.session()
		s, _, err := cache.SessionGet(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if err := end(key, s.ID); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, found, err := cache.SessionGet(t.Context(), key); found || err != nil {
			t.Errorf("after %s: SessionGet = %v, %v", name, found, err)
		}
	}
}

// A change whose answer never came may have happened: it is forgotten before the call returns.
func TestOwnWriteWithoutAnswer(t *testing.T) {
	t.Parallel()
	b := setup(t, pgtest.New(t))
	cache := b.open(func(c *listener.Config) { c.ListenConfig = nowhere(b.db.Config()) })
	key := b.session()
	b.warm(cache, key)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := cache.SessionSave(ctx, key, map[string]int{"n": 1}, 0); !errors.Is(err, context.Canceled) {
		t.Fatalf("SessionSave = %v", err)
	}
	b.want(cache, key, 0, listener.FromDatabase)
}

func TestFloor(t *testing.T) {
	t.Parallel()
	b := setup(t, pgtest.New(t))
	b.times("2 hours", "1 hour")
	cache := b.open(func(c *listener.Config) { c.ListenConfig = nowhere(b.db.Config()) })
	key := b.session()
	b.want(cache, key, 0, listener.FromDatabase)
	floor, err := b.client.SessionSave(t.Context(), key, map[string]int{"n": 1}, 0)
	if err != nil {
		t.Fatal(err)
	}
	b.want(cache, key, 0, listener.FromCache) // nobody told it yet, and it may be this old

	s, source, _, err := cache.Lookup(t.Context(), key, floor)
	if err != nil || n(t, s) != 1 || source != listener.FromDatabase {
		t.Fatalf("Lookup with a floor = n %d from %v, %v", n(t, s), source, err)
	}
	b.want(cache, key, 1, listener.FromCache) // within a process the version never goes back
	if _, source, _, _ := cache.Lookup(t.Context(), key, floor); source != listener.FromCache {
		t.Error("a version at the floor is not a hit")
	}
	if s, _, found, err := cache.Lookup(t.Context(), key, client.Floor{Epoch: floor.Epoch, Version: 1000}); !found || err != nil || n(t, s) != 1 {
		t.Errorf("below an impossible floor: %v, %v: the database's row is due", found, err)
	}
	if _, source, _, _ := cache.Lookup(t.Context(), key, client.Floor{Epoch: client.Epoch{1}, Version: 1}); source != listener.FromDatabase {
		t.Error("a floor of another epoch is a hit")
	}
	if got := cache.Stats().Misses[listener.MissFloor]; got != 3 {
		t.Errorf("%d misses for a floor, want 3", got)
	}
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	b := setup(t, pgtest.New(t))
	cache := b.open(func(c *listener.Config) { c.TouchInterval = time.Hour })
	key := b.session(func(o *client.OpenOptions) { o.Idle = 2 * time.Second; o.Username = "" })
	b.warm(cache, key)
	// Hits do not move the deadline: touches do, and there are none here but the urgent ones.
	b.db.Exec(t, "update pgsession.sessions set expiresecs = null, ends = now() + interval '1 second'")
	pgtest.Eventually(t, patience, func() bool {
		_, found, err := cache.SessionGet(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		return !found
	}, "the session ends at its deadline")
	if s := cache.Stats(); s.Hits == 0 {
		t.Errorf("it was never served from memory: %+v", s)
	}
}

// Somebody else has moved the deadline: at the old one, the session is read again and is there.
func TestDeadlineMovedElsewhere(t *testing.T) {
	t.Parallel()
	b := setup(t, pgtest.New(t))
	key := b.session()
	b.db.Exec(t, "update pgsession.sessions set ends = now() + interval '2 seconds'")
	cache := b.open() // begins after that change, so that nothing but the deadline ends the entry
	b.want(cache, key, 0, listener.FromDatabase)
	b.db.Exec(t, "alter table pgsession.sessions disable trigger all; update pgsession.sessions set expires = null, ends = null")
	pgtest.Eventually(t, patience, func() bool {
		if _, found, err := cache.SessionGet(t.Context(), key); err != nil || !found {
			t.Fatalf("SessionGet = %v, %v", found, err)
		}
		return cache.Stats().Misses[listener.MissExpired] > 0
	}, "the old deadline passes")
	b.want(cache, key, 0, listener.FromCache)
}

func TestBounds(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*listener.Config){
		"entries": func(c *listener.Config) { c.MaxEntries = 20 },
		"bytes":   func(c *listener.Config) { c.MaxBytes = 20 * 2000 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, pgtest.New(t))
			cache := b.open(edit)
			payload := map[string]string{"x": fmt.Sprintf("%01000d", 0)}
			for range 200 {
				key := b.session(func(o *client.OpenOptions) { o.Payload = payload })
				if _, found, err := cache.SessionGet(t.Context(), key); !found || err != nil {
					t.Fatal(found, err)
				}
			}
			pgtest.Eventually(t, patience, func() bool {
				s := cache.Stats()
				return s.Entries > 0 && s.Entries <= 25
			}, "the cache keeps to its bounds")
			b.db.Exec(t, "delete from pgsession.sessions") // also what was evicted meanwhile leaves nothing behind
			pgtest.Eventually(t, patience, func() bool { return cache.Stats().Entries == 0 }, "the cache empties")
		})
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	b := setup(t, pgtest.New(t))
	cache, err := listener.Open(t.Context(), listener.Config{Pool: b.pool})
	if err != nil {
		t.Fatal(err)
	}
	key := b.session()
	b.warm(cache, key)
	if err := cache.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := cache.SessionGet(t.Context(), key); !errors.Is(err, listener.ErrClosed) {
		t.Errorf("SessionGet = %v", err)
	}
	if _, err := cache.SessionClose(t.Context(), key); !errors.Is(err, listener.ErrClosed) {
		t.Errorf("SessionClose = %v", err)
	}
	if cache.Ready() {
		t.Error("a closed cache holds the lease")
	}
}

func TestTheLogNamesTheEpoch(t *testing.T) {
	t.Parallel()
	b := setup(t, pgtest.New(t))
	var log bytes.Buffer
	cache := b.open(func(c *listener.Config) { c.Logger = slog.New(slog.NewJSONHandler(&log, nil)) })
	session, _, err := cache.SessionGet(t.Context(), b.session())
	if err := errors.Join(err, cache.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	if want := `"epoch":"` + session.Epoch.String() + `"`; !strings.Contains(log.String(), want) {
		t.Errorf("the log does not have %s:\n%s", want, &log)
	}
}

func TestOpenFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		sql  string
		edit func(*listener.Config)
		want error
	}{
		"no pool":         {edit: func(c *listener.Config) { c.Pool = nil }},
		"negative bound":  {edit: func(c *listener.Config) { c.MaxBytes = -1 }},
		"no lease at all": {edit: func(c *listener.Config) { c.Lease = time.Microsecond }},
		"bad schema name": {edit: func(c *listener.Config) { c.Schema = "No Such" }, want: client.ErrInvalid},
		"no such schema":  {edit: func(c *listener.Config) { c.Schema = "elsewhere" }},
		"unknown version": {
			sql:  "create or replace function pgsession.version() returns text language sql as $$ select '9.0.0' $$",
			want: listener.ErrSchema,
		},
		"no server": {edit: func(c *listener.Config) { c.PollConfig = nowhere(c.PollConfig) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := pgtest.New(t)
			if test.sql != "" {
				db.Exec(t, test.sql)
			}
			config := listener.Config{Pool: db.Pool(t), PollConfig: db.Config()}
			if test.edit != nil {
				test.edit(&config)
			}
			cache, err := listener.Open(t.Context(), config)
			if err == nil {
				_ = cache.Close(t.Context())
				t.Fatal("Open succeeded")
			}
			if test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("Open = %v, want %v", err, test.want)
			}
		})
	}
}
