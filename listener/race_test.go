package listener_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/internal/pgtest"
	"github.com/pgsession/pgsession/listener"
)

// answer is what a reader got.
type answer struct {
	session client.Session
	source  listener.Source
	found   bool
	err     error
}

// read starts a reader whose answer the database has given, and which is held back.
func (b *bundle) read(ctx context.Context, cache *listener.Cache, g *gate, key client.Key, floor ...client.Floor) (let chan struct{}, got <-chan answer) {
	answers := make(chan answer, 1)
	go func() {
		s, source, found, err := cache.Lookup(ctx, key, floor...)
		answers <- answer{s, source, found, err}
	}()
	return <-g.arrived, answers
}

// A read that began before a change and ends after its invalidation is never stored.
func TestFillRace(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]string{
		"session":  `update pgsession.sessions set payload = '{"n": 1}'`,
		"user":     `update pgsession.users set username = 'bob' where username = 'ann'`,
		"flush":    `insert into pgsession.sessions (key) select sha256(i::text::bytea) from generate_series(1, 5000) i; delete from pgsession.sessions where username is null`,
		"sessions": `delete from pgsession.sessions where payload = '{}'`, // of the same user, several: the user's tag
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGate()
			b := setup(t, pgtest.New(t), g.tracing)
			cache := b.open()
			b.listening(cache)
			key := b.session()
			for range 2 {
				b.session(func(o *client.OpenOptions) { o.Payload = nil })
			}
			g.shut(true)
			let, got := b.read(t.Context(), cache, g, key)
			before := cache.Stats()
			b.db.Exec(t, change)
			pgtest.Eventually(t, patience, func() bool { return cache.Stats().InvalidatedByNotify > before.InvalidatedByNotify }, "the invalidation is applied")
			g.shut(false)
			close(let)
			a := <-got
			if a.err != nil || !a.found || a.source != listener.FromDatabase {
				t.Fatalf("the reader got %+v", a)
			}
			if s := cache.Stats(); s.FillsStale == before.FillsStale || s.Fills != before.Fills {
				t.Fatalf("what the reader got was stored: %+v", s)
			}
			if _, source, _, _ := cache.Lookup(t.Context(), key); source != listener.FromDatabase {
				t.Error("the next read is a hit")
			}
		})
	}
}

// Readers of one key share a read, and one that gives up fails no other.
func TestSharedRead(t *testing.T) {
	t.Parallel()
	g := newGate()
	b := setup(t, pgtest.New(t), g.tracing)
	cache := b.open()
	key := b.session()
	g.shut(true)
	ctx, giveUp := context.WithCancel(t.Context())
	let, first := b.read(ctx, cache, g, key)
	const readers = 20
	answers := make(chan answer, readers)
	for range readers {
		go func() {
			s, source, found, err := cache.Lookup(t.Context(), key)
			answers <- answer{s, source, found, err}
		}()
	}
	pgtest.Eventually(t, patience, func() bool { return cache.Stats().ReadsJoined == readers }, "all have joined")
	giveUp()
	if a := <-first; !errors.Is(a.err, context.Canceled) {
		t.Errorf("who gave up got %+v", a)
	}
	close(let)
	for range readers {
		if a := <-answers; a.err != nil || !a.found {
			t.Errorf("a reader got %+v", a)
		}
	}
	if g.reads() != 1 {
		t.Errorf("%d reads of the database, want 1", g.reads())
	}
}

// When the last reader gives up, the read ends and nothing is left of it.
func TestAbandonedRead(t *testing.T) {
	t.Parallel()
	g := newGate()
	b := setup(t, pgtest.New(t), g.tracing)
	cache := b.open()
	key := b.session()
	g.shut(true)
	ctx, giveUp := context.WithCancel(t.Context())
	let, got := b.read(ctx, cache, g, key)
	giveUp()
	<-got
	g.shut(false)
	b.want(cache, key, 0, listener.FromDatabase) // does not wait for the abandoned one
	close(let)
}

// Who asks after an invalidation does not join a read that began before it.
func TestNoJoiningPastAnInvalidation(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(b *bundle, cache *listener.Cache, key client.Key) error{
		"key": func(b *bundle, cache *listener.Cache, key client.Key) error {
			_, err := cache.SessionSave(b.Context(), key, map[string]int{"n": 1}, 0)
			return err
		},
		"user": func(b *bundle, cache *listener.Cache, _ client.Key) error {
			b.db.Exec(b, `update pgsession.sessions set payload = '{"n": 1}'`)
			cache.ForgetUser("ann")
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGate()
			b := setup(t, pgtest.New(t), g.tracing)
			cache := b.open(func(c *listener.Config) { c.ListenConfig = nowhere(b.db.Config()) })
			key := b.session()
			g.shut(true)
			let, first := b.read(t.Context(), cache, g, key)
			if err := write(b, cache, key); err != nil {
				t.Fatal(err)
			}
			g.shut(false)
			second := make(chan answer, 1)
			go func() {
				s, source, found, err := cache.Lookup(t.Context(), key)
				second <- answer{s, source, found, err}
			}()
			pgtest.Eventually(t, patience, func() bool { return cache.Stats().ReadsJoined > 0 || g.reads() > 1 }, "the second reader is on its way")
			close(let)
			if a := <-second; a.err != nil || n(t, a.session) != 1 {
				t.Errorf("who asked after the write got n %d, %v", n(t, a.session), a.err)
			}
			<-first
		})
	}
}

// Within a process the version served never goes back: a read that saw the old version and lands after
// one that saw the new one is done again.
func TestLateReadIsDoneAgain(t *testing.T) {
	t.Parallel()
	g := newGate()
	b := setup(t, pgtest.New(t), g.tracing)
	cache := b.open()
	key := b.session()
	g.shut(true)
	let, late := b.read(t.Context(), cache, g, key)
	floor, err := b.client.SessionSave(t.Context(), key, map[string]int{"n": 1}, 0)
	if err != nil {
		t.Fatal(err)
	}
	g.shut(false)
	if s, _, err := cache.SessionGet(t.Context(), key, floor); err != nil || n(t, s) != 1 {
		t.Fatalf("SessionGet = %d, %v", n(t, s), err)
	}
	close(let)
	if a := <-late; a.err != nil || n(t, a.session) != 1 {
		t.Errorf("the late reader got n %d, %v: older than what was served before", n(t, a.session), a.err)
	}
	if cache.Stats().ReadsAgain != 1 {
		t.Errorf("Stats = %+v", cache.Stats())
	}
}

// A read that has to be answered and may not be stored puts out the older entry that it finds: the next
// answer would go back.
func TestUnstoredAnswerOutdatesTheEntry(t *testing.T) {
	t.Parallel()
	g := newGate()
	b := setup(t, pgtest.New(t), g.tracing)
	b.times("3 hours", "1 hour")
	cache := b.open(func(c *listener.Config) { c.ListenConfig = nowhere(b.db.Config()) })
	key := b.session()
	g.shutBefore(true)
	let, first := b.read(t.Context(), cache, g, key) // has noted its number, and not yet been sent
	g.shutBefore(false)
	cache.Forget(key)
	b.want(cache, key, 0, listener.FromDatabase)
	b.want(cache, key, 0, listener.FromCache)
	b.set(key, 1)
	close(let)
	if a := <-first; a.err != nil || n(t, a.session) != 1 {
		t.Fatalf("the first reader got n %d, %v", n(t, a.session), a.err)
	}
	if s, _, err := cache.SessionGet(t.Context(), key); err != nil || n(t, s) != 1 {
		t.Errorf("then n %d is served, %v", n(t, s), err)
	}
}

// A session that was closed does not come back through a late read, in either order of landing.
func TestLateReadOfAClosedSession(t *testing.T) {
	t.Parallel()
	g := newGate()
	b := setup(t, pgtest.New(t), g.tracing)
	cache := b.open(func(c *listener.Config) { c.ListenConfig = nowhere(b.db.Config()) })
	key := b.session()
	g.shut(true)
	let, late := b.read(t.Context(), cache, g, key)
	if _, err := cache.SessionClose(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	g.shut(false)
	if _, found, err := cache.SessionGet(t.Context(), key); found || err != nil {
		t.Fatalf("SessionGet after closing = %v, %v", found, err)
	}
	close(let)
	if a := <-late; a.found || a.err != nil {
		t.Errorf("the late reader got %+v", a)
	}
}

// Many readers and writers of few keys: no reader sees a version go back.
func TestVersionsNeverGoBack(t *testing.T) {
	t.Parallel()
	b := setup(t, pgtest.New(t))
	cache := b.open()
	b.listening(cache)
	keys := []client.Key{b.session(), b.session()}
	stop := make(chan struct{})
	var readers, writers sync.WaitGroup
	for _, key := range keys {
		for range 4 {
			readers.Go(func() {
				last := int64(0)
				for {
					select {
					case <-stop:
						return
					default:
					}
					s, found, err := cache.SessionGet(t.Context(), key)
					if err != nil || !found {
						t.Errorf("SessionGet = %v, %v", found, err)
						return
					}
					if s.Version < last {
						t.Errorf("version %d after %d", s.Version, last)
						return
					}
					last = s.Version
				}
			})
		}
		for range 2 {
			writers.Go(func() {
				for i := range 150 {
					if _, err := b.client.SessionSave(t.Context(), key, map[string]int{"n": i}, 0); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
	}
	writers.Wait()
	close(stop)
	readers.Wait()
	if s := cache.Stats(); s.Hits == 0 || s.InvalidatedByNotify == 0 {
		t.Errorf("nothing was put to the test: %+v", s)
	}
}
