package listener_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/internal/pgtest"
	"github.com/pgsession/pgsession/listener"
)

// grown opens caches and waits until the epoch is old enough for the register of instances to be
// complete.
func (b *bundle) grown(edits ...func(*listener.Config)) []*listener.Cache {
	b.Helper()
	b.fast()
	caches := make([]*listener.Cache, len(edits))
	for i, edit := range edits {
		caches[i] = b.open(edit)
	}
	old := time.Now()
	pgtest.Eventually(b, patience, func() bool {
		var ready bool
		err := b.pool.QueryRow(b.Context(), `select now() > begun + interval '700 milliseconds'
			and now() > pg_postmaster_start_time() + interval '700 milliseconds' from pgsession.change_state`).Scan(&ready)
		if err != nil {
			b.Fatal(err)
		}
		return ready && time.Since(old) > 700*time.Millisecond
	}, "the epoch comes of age")
	for _, cache := range caches {
		b.polls(cache, 1)
	}
	return caches
}

func asIs(*listener.Config) {}

func TestBarrierAllAlive(t *testing.T) {
	t.Parallel()
	b := setup(t, pgtest.New(t))
	caches := b.grown(asIs, asIs, asIs)
	pgtest.Eventually(t, patience, func() bool {
		key := b.session()
		for _, cache := range caches {
			b.warm(cache, key)
		}
		closed, err := caches[0].SessionCloseWait(t.Context(), key)
		if !closed || err != nil {
			t.Fatalf("SessionCloseWait = %v, %v", closed, err)
		}
		for i, cache := range caches {
			if _, source, found, err := cache.Lookup(t.Context(), key); found || err != nil {
				t.Fatalf("cache %d serves it from %v after the barrier: %v", i, source, err)
			}
		}
		return caches[0].Stats().BarriersFast >= 3 // on a busy machine some wait in full
	}, "the barrier does not wait for the lease")
}

// Where the lease is an hour, only acknowledgements can end the wait.
func TestBarrierYoungEpochWaitsInFull(t *testing.T) {
	t.Parallel()
	b := setup(t, pgtest.New(t))
	b.times("1 hour", "1 second")
	cache := b.open()
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	key := b.session()
	if _, err := cache.SessionCloseWait(ctx, key); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("SessionCloseWait = %v: in a young epoch nobody can be sure of the register", err)
	}
	if _, found, err := b.client.SessionGet(t.Context(), key); found || err != nil {
		t.Errorf("the revocation itself: found %v, %v", found, err)
	}
}

func TestBarrierWithADeadInstance(t *testing.T) {
	t.Parallel()
	for name, kill := range map[string]func(b *bundle){
		"cut off":      func(*bundle) {},
		"never polled": func(b *bundle) { b.db.Exec(b, "select pgsession.change_join(gen_random_uuid())") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, pgtest.New(t))
			var line wire
			caches := b.grown(asIs, func(c *listener.Config) {
				c.PollConfig, c.ListenConfig = line.through(b.db.Config()), line.through(b.db.Config())
			})
			key := b.session()
			b.warm(caches[1], key)
			if name == "cut off" {
				line.setDeaf(true)
			}
			kill(b)
			if closed, err := caches[0].SessionCloseWait(t.Context(), key); !closed || err != nil {
				t.Fatalf("SessionCloseWait = %v, %v", closed, err)
			}
			if s := caches[0].Stats(); s.BarriersFull != 1 || s.BarriersFast != 0 {
				t.Errorf("Stats = %+v: want one wait in full", s)
			}
			if _, source, found, err := caches[1].Lookup(t.Context(), key); found || err != nil {
				t.Fatalf("served from %v after the barrier: %v", source, err)
			}
			line.setDeaf(false)
		})
	}
}

// A read that the database answered before the revocation lands after the barrier: it is read again.
func TestBarrierAndALateRead(t *testing.T) {
	t.Parallel()
	for name, revoke := range map[string]func(ctx context.Context, tx *client.Client, key client.Key) error{
		"close": func(ctx context.Context, tx *client.Client, key client.Key) error {
			_, err := tx.SessionClose(ctx, key)
			return err
		},
		"user": func(ctx context.Context, tx *client.Client, _ client.Key) error {
			_, err := tx.SessionCloseUser(ctx, "ann")
			return err
		},
		"password": func(ctx context.Context, tx *client.Client, _ client.Key) error {
			_, err := tx.UserSetPassword(ctx, "ann", "new")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGate()
			b := setup(t, pgtest.New(t), g.tracing)
			caches := b.grown(asIs, asIs)
			key := b.session()
			b.session()
			g.shut(true)
			let, late := b.read(t.Context(), caches[1], g, key)
			g.shut(false)
			if err := caches[0].RevokeWait(t.Context(), func(tx *client.Client) error { return revoke(t.Context(), tx, key) }); err != nil {
				t.Fatal(err)
			}
			close(let)
			if a := <-late; a.found || a.err != nil {
				t.Errorf("after the barrier a reader got %+v; barrier: %+v", a, caches[0].Stats())
			}
		})
	}
}

func TestRevokeThatFailsChangesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, pgtest.New(t))
	cache := b.open()
	key := b.session()
	refusal := errors.New("second thoughts")
	err := cache.RevokeWait(t.Context(), func(tx *client.Client) error {
		if _, err := tx.SessionClose(t.Context(), key); err != nil {
			return err
		}
		return refusal
	})
	if !errors.Is(err, refusal) {
		t.Errorf("RevokeWait = %v", err)
	}
	if _, found, err := cache.SessionGet(t.Context(), key); !found || err != nil {
		t.Errorf("SessionGet = %v, %v", found, err)
	}
}

// Dead instances are expelled, live ones stay, and those that close leave.
func TestRegisterOfInstances(t *testing.T) {
	t.Parallel()
	b := setup(t, pgtest.New(t))
	b.fast()
	b.db.Exec(t, "select pgsession.change_join(gen_random_uuid()) from generate_series(1, 3)")
	members := func() int {
		m, err := b.client.ChangeMembers(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return len(m)
	}
	cache, err := listener.Open(t.Context(), listener.Config{Pool: b.pool, SweepInterval: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	another := b.open()
	if members() < 2 {
		t.Fatalf("%d members", members())
	}
	pgtest.Eventually(t, patience, func() bool { return members() == 2 }, "the dead are expelled")
	b.polls(another, 3)
	if !another.Ready() || members() != 2 {
		t.Errorf("a live instance was expelled: %d members", members())
	}
	if err := cache.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if members() != 1 {
		t.Errorf("%d members after one has left", members())
	}
	// Who finds himself expelled registers again before he holds a lease.
	b.db.Exec(t, "delete from pgsession.instances")
	b.polls(another, 2)
	if members() != 1 {
		t.Errorf("%d members", members())
	}
}

// setMode switches the notify mode and waits until the caches know.
func (b *bundle) setMode(mode string, caches ...*listener.Cache) {
	b.Helper()
	b.db.Exec(b, "insert into pgsession.settings values ('notify', $1) on conflict (name) do update set value = $1", mode)
	for _, cache := range caches {
		pgtest.Eventually(b, patience, func() bool { return cache.Stats().Notify == mode }, "the mode is known")
	}
}

// The mode is switched while all is running: own writes and a DBA's are seen in each, and the barrier
// holds.
func TestNotifyModes(t *testing.T) {
	t.Parallel()
	b := setup(t, pgtest.New(t))
	caches := b.grown(asIs, asIs)
	b.listening(caches[1])
	for i, mode := range []string{"inline", "doorbell", "none", "inline", "doorbell"} {
		b.setMode(mode, caches...)
		for j, write := range []func(key client.Key, n int) error{
			func(key client.Key, n int) error {
				_, err := caches[0].SessionSave(t.Context(), key, map[string]int{"n": n}, 0)
				return err
			},
			func(key client.Key, n int) error {
				_, err := b.client.SessionMerge(t.Context(), key, map[string]int{"n": n})
				return err
			},
		} {
			key := b.session()
			b.warm(caches[1], key)
			heard := caches[1].Stats().InvalidatedByNotify
			if err := write(key, 100*i+j); err != nil {
				t.Fatal(err)
			}
			pgtest.Eventually(t, patience, func() bool {
				s, _, err := caches[1].SessionGet(t.Context(), key)
				return err == nil && n(t, s) == 100*i+j
			}, "the change is seen in mode "+mode)
			if mode == "none" {
				if caches[1].Stats().InvalidatedByNotify != heard {
					t.Error("a notification in mode none")
				}
				continue
			}
			pgtest.Eventually(t, patience, func() bool { return caches[1].Stats().InvalidatedByNotify > heard }, "it is heard in mode "+mode)
		}
		key := b.session()
		b.warm(caches[1], key)
		if _, err := caches[0].SessionCloseWait(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		if _, _, found, err := caches[1].Lookup(t.Context(), key); found || err != nil {
			t.Errorf("served after the barrier in mode %s: %v", mode, err)
		}
	}
}

// In doorbell mode a transaction notifies unless it says that it will ring.
func TestDoorbellIsForWhoSaysSo(t *testing.T) {
	t.Parallel()
	b := setup(t, pgtest.New(t))
	b.db.Exec(t, "insert into pgsession.settings values ('notify', 'doorbell')")
	conn := b.db.Conn(t)
	if _, err := conn.Exec(t.Context(), "listen pgsession_inv"); err != nil {
		t.Fatal(err)
	}
	quiet, loud := b.session(), b.session()
	err := pgx.BeginFunc(t.Context(), b.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), "select set_config('pgsession.notify', 'doorbell', true)"); err != nil {
			return err
		}
		_, err := client.New(tx).SessionClose(t.Context(), quiet)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.client.SessionClose(t.Context(), loud); err != nil {
		t.Fatal(err)
	}
	if err := b.client.ChangeRing(t.Context(), client.Change{Kind: client.ChangedSession, Tag: quiet.Tag()}); err != nil {
		t.Fatal(err)
	}
	first, err := conn.WaitForNotification(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	second, err := conn.WaitForNotification(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if first.Payload == second.Payload || len(first.Payload) != len(second.Payload) {
		t.Errorf("heard %q and %q: want the loud session, then the ring for the quiet one", first.Payload, second.Payload)
	}
}
