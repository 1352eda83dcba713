package listener_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/internal/pgtest"
	"github.com/pgsession/pgsession/listener"
	"github.com/pgsession/pgsession/migrations"
)

func TestMain(m *testing.M) {
	pgtest.Main(m, pgtest.WithTemplate(func(ctx context.Context, conn *pgx.Conn) error {
		if _, err := migrations.Up(ctx, conn, migrations.Options{}); err != nil {
			return err
		}
		// The epoch is started here: what runs in other databases at that moment would cost each test a
		// flush when it ends.
		_, err := conn.Exec(ctx, "insert into pgsession.settings values ('bcrypt_cost', '4'), ('password_min', '1'); select pgsession.change_start()",
			pgx.QueryExecModeSimpleProtocol)
		return err
	}))
}

// patience bounds what has to happen soon, on a machine that may be busy.
const patience = 30 * time.Second

// bundle is a database with a user ann, a client, and caches over it.
type bundle struct {
	*testing.T
	db     *pgtest.DB
	pool   *pgxpool.Pool
	client *client.Client
}

func setup(t *testing.T, db *pgtest.DB, edit ...func(*pgxpool.Config)) *bundle {
	t.Helper()
	b := &bundle{T: t, db: db, pool: db.Pool(t, edit...)}
	b.client = client.New(b.pool)
	if _, err := b.client.UserCreate(t.Context(), "ann", "secret", client.UserOptions{}); err != nil {
		t.Fatal(err)
	}
	return b
}

// fast makes the lease short, so that a test sees it run out soon. Tests that want hits leave it.
func (b *bundle) fast() {
	b.Helper()
	b.times("600 milliseconds", "100 milliseconds")
}

// times sets lease and poll interval while nobody holds a lease, so that nobody has to mind the former one.
func (b *bundle) times(lease, poll string) {
	b.Helper()
	b.db.Exec(b, "insert into pgsession.settings values ('lease', $1), ('poll', $2)", lease, poll)
	b.db.Exec(b, "delete from pgsession.lease_changes")
}

// open opens a cache, which is closed with the test.
func (b *bundle) open(edit ...func(*listener.Config)) *listener.Cache {
	b.Helper()
	config := listener.Config{Pool: b.pool, SweepInterval: -1}
	for _, change := range edit {
		change(&config)
	}
	cache, err := listener.Open(b.Context(), config)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := cache.Close(ctx); err != nil {
			b.Logf("close: %v", err) // the server may be gone
		}
	})
	return cache
}

// session opens a session of ann's with a payload {"n": 0}.
func (b *bundle) session(edit ...func(*client.OpenOptions)) client.Key {
	b.Helper()
	o := client.OpenOptions{Username: "ann", Payload: map[string]int{"n": 0}}
	for _, change := range edit {
		change(&o)
	}
	token, _, err := b.client.SessionOpen(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	return token.Key()
}

// n is what the payloads of these tests hold.
func n(t testing.TB, s client.Session) int {
	t.Helper()
	var payload struct{ N int }
	if err := s.Payload.Decode(&payload); err != nil {
		t.Fatal(err)
	}
	return payload.N
}

// want looks a session up and fails unless it is there, with this n, from this source.
func (b *bundle) want(cache *listener.Cache, key client.Key, wantN int, want listener.Source) {
	b.Helper()
	s, source, found, err := cache.Lookup(b.Context(), key)
	if err != nil || !found {
		b.Fatalf("Lookup = found %v, %v", found, err)
	}
	if got := n(b, s); got != wantN || source != want {
		b.Fatalf("Lookup = n %d from %v, want n %d from %v; %+v", got, source, wantN, want, cache.Stats())
	}
}

// warm reads a session until it is served from memory. A read that crosses the notification of the
// very change it saw is not stored, and has to be repeated.
func (b *bundle) warm(cache *listener.Cache, key client.Key) {
	b.Helper()
	pgtest.Eventually(b, patience, func() bool {
		_, source, found, err := cache.Lookup(b.Context(), key)
		if err != nil || !found {
			b.Fatalf("Lookup = found %v, %v", found, err)
		}
		return source == listener.FromCache
	}, "the session is served from memory")
}

// set changes the payload in the database, past every cache.
func (b *bundle) set(key client.Key, n int) {
	b.Helper()
	if _, err := b.client.SessionSave(b.Context(), key, map[string]int{"n": n}, 0); err != nil {
		b.Fatal(err)
	}
}

// polls waits until a number of polls that began after now have been applied.
func (b *bundle) polls(cache *listener.Cache, number uint64) {
	b.Helper()
	from := cache.Stats().Polls
	pgtest.Eventually(b, patience, func() bool { return cache.Stats().Polls >= from+number+1 }, "polls go through")
}

// listening waits until notifications arrive.
func (b *bundle) listening(cache *listener.Cache) {
	b.Helper()
	pgtest.Eventually(b, patience, func() bool { return cache.Stats().Listening }, "the cache listens")
}
