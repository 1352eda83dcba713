// Package web measures what a session costs a request that has one.
package web_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/scs/pgxstore"
	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/client/sessionhttp"
	"github.com/pgsession/pgsession/internal/pgtest"
	"github.com/pgsession/pgsession/listener"
	"github.com/pgsession/pgsession/migrations"
)

func TestMain(m *testing.M) {
	// scs.New starts this in a store that it then replaces; stopping it at once does not always stop it.
	memory := pgtest.WithLeakOptions(goleak.IgnoreAnyFunction("github.com/alexedwards/scs/v2/memstore.(*MemStore).startCleanup"))
	pgtest.Main(m, memory, pgtest.WithTemplate(func(ctx context.Context, conn *pgx.Conn) error {
		if _, err := migrations.Up(ctx, conn, migrations.Options{}); err != nil {
			return err
		}
		_, err := conn.Exec(ctx, `insert into pgsession.settings values ('bcrypt_cost', '4');
			select pgsession.user_create('ann', 'secret'); select pgsession.change_start();
			create table public.sessions (token text primary key, data bytea not null, expiry timestamptz not null);
			create index on public.sessions (expiry)`, pgx.QueryExecModeSimpleProtocol)
		return err
	}))
}

// filling makes a payload of about 1 KiB.
var filling = strings.Repeat("x", 1000)

// BenchmarkHit serves requests whose handler asks who is logged in, and nothing else.
func BenchmarkHit(b *testing.B) {
	pool := pgtest.New(b).Pool(b)
	cache, err := listener.Open(b.Context(), listener.Config{Pool: pool, SweepInterval: -1})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cache.Close(context.Background()) })
	bare := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ann")) })
	b.Run("none", func(b *testing.B) { serve(b, bare, nil) })
	b.Run("sessionhttp/cache", func(b *testing.B) { ours(b, cache) })
	b.Run("sessionhttp/client", func(b *testing.B) { ours(b, client.New(pool)) })
	b.Run("scs/memstore", func(b *testing.B) { theirs(b, memstore.NewWithCleanupInterval(0)) })
	b.Run("scs/pgxstore", func(b *testing.B) {
		// Its statements name its table without a schema.
		public := func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams["search_path"] = "public" }
		theirs(b, pgxstore.NewWithCleanupInterval(pgtest.New(b).Pool(b, public), 0))
	})
}

// ours measures the middleware over a store.
func ours(b *testing.B, store client.Store) {
	token, _, err := store.SessionOpen(b.Context(), client.OpenOptions{
		Username: "ann", Idle: time.Hour, Payload: map[string]string{"filling": filling},
	})
	if err != nil {
		b.Fatal(err)
	}
	mw, err := sessionhttp.New(store, sessionhttp.Config{})
	if err != nil {
		b.Fatal(err)
	}
	serve(b, mw.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		username, err := sessionhttp.From(r.Context()).Username()
		if err != nil {
			b.Error(err)
		}
		_, _ = w.Write([]byte(username))
	})), &http.Cookie{Name: "__Host-pgsession", Value: token.Reveal()})
}

// theirs measures scs over a store.
func theirs(b *testing.B, store scs.Store) {
	manager := scs.New()
	manager.Store = store
	ctx, err := manager.Load(b.Context(), "")
	if err != nil {
		b.Fatal(err)
	}
	manager.Put(ctx, "username", "ann")
	manager.Put(ctx, "filling", filling)
	token, _, err := manager.Commit(ctx)
	if err != nil {
		b.Fatal(err)
	}
	serve(b, manager.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(manager.GetString(r.Context(), "username")))
	})), &http.Cookie{Name: manager.Cookie.Name, Value: token})
}

// serve sends the same request over and over, past the network.
func serve(b *testing.B, h http.Handler, cookie *http.Cookie) {
	r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/", nil)
	if cookie != nil {
		r.AddCookie(cookie)
	}
	first := httptest.NewRecorder()
	h.ServeHTTP(first, r)
	if first.Body.String() != "ann" {
		b.Fatalf("%d %q", first.Code, first.Body)
	}
	w := discard{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		h.ServeHTTP(w, r)
	}
}

// discard is a response that goes nowhere.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}
