package sessionhttp_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/client/sessionhttp"
	"github.com/pgsession/pgsession/internal/pgtest"
)

func TestUseMovesTheIdleDeadline(t *testing.T) {
	stores(t, func(b *bundle, store client.Store) {
		x := b.site(store)
		w := x.browser().login()
		deadline := func() time.Duration {
			s, found, err := b.client.SessionGet(b.Context(), w.key())
			if err != nil || !found {
				b.Fatal(found, err)
			}
			left, _ := s.TTL()
			return left
		}
		b.db.Exec(b, "update pgsession.sessions set expires = now() + interval '5 minutes'")
		if cache, ok := store.(interface{ Forget(keys ...client.Key) }); ok {
			cache.Forget(w.key())
		}
		w.want(200, "ann", "/user")
		pgtest.Eventually(b, patience, func() bool { return deadline() > 20*time.Minute }, "the deadline has moved")
	})
}

// A session just touched is left alone: once per tenth of its idle lifetime is enough.
func TestTouchesAreRare(t *testing.T) {
	t.Parallel()
	b := setup(t)
	store := &counted{Store: b.client}
	mw, err := sessionhttp.New(store, sessionhttp.Config{})
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := b.client.SessionOpen(t.Context(), client.OpenOptions{Username: "ann", Idle: 10 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	x := &site{bundle: b}
	x.start(mw.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = sessionhttp.From(r.Context()).Username() })))
	w := x.browser()
	w.plant(cookie, token.Reveal())
	touched := func(want int64) {
		t.Helper()
		for range 3 {
			w.want(200, "", "/")
		}
		if err := mw.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := store.writes.Load(); n != want {
			t.Errorf("%d touches, want %d", n, want)
		}
	}
	touched(0)
	b.db.Exec(t, "update pgsession.sessions set expires = now() + interval '9.5 hours'")
	touched(0)
	b.db.Exec(t, "update pgsession.sessions set expires = now() + interval '8.5 hours'")
	w.want(200, "", "/")
	if err := mw.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	touched(1)
}

func TestATouchThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	store := &counted{Store: b.client}
	x := b.site(store)
	w := x.browser().login()
	b.db.Exec(t, "update pgsession.sessions set expires = now() + interval '5 minutes'")
	store.failing("touch")
	w.want(200, "ann", "/user")
	store.failing()
	pgtest.Eventually(t, patience, func() bool {
		w.want(200, "ann", "/user")
		return b.count("select count(*) from pgsession.sessions where expires > now() + interval '20 minutes'") == 1
	}, "the deadline has moved")
}

// stuck is a store whose touches wait for the test.
type stuck struct {
	client.Store
	begun, release chan struct{}
}

func (s stuck) SessionTouch(ctx context.Context, keys ...client.Key) (int, error) {
	close(s.begun)
	<-s.release
	return s.Store.SessionTouch(ctx, keys...)
}

func TestATouchHoldsUpNoAnswer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	store := stuck{Store: b.client, begun: make(chan struct{}), release: make(chan struct{})}
	mw, err := sessionhttp.New(store, sessionhttp.Config{})
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := b.client.SessionOpen(t.Context(), client.OpenOptions{Username: "ann", Idle: 30 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	b.db.Exec(t, "update pgsession.sessions set expires = now() + interval '5 minutes'")
	x := &site{bundle: b}
	x.start(mw.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = sessionhttp.From(r.Context()).Username() })))
	w := x.browser()
	w.plant(cookie, token.Reveal())
	w.want(200, "", "/")
	<-store.begun
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := mw.Close(ended); err == nil {
		t.Error("Close returned although a touch is under way")
	}
	close(store.release)
	if err := mw.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
