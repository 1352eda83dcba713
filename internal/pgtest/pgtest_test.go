package pgtest_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pgsession/pgsession/internal/pgserver"
	"github.com/pgsession/pgsession/internal/pgtest"
)

func TestMain(m *testing.M) {
	pgtest.Main(m, pgtest.WithTemplate(migrate))
}

func migrate(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, `create schema app; create table app.notes (note text); insert into app.notes values ('from the template')`)
	return err
}

type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// text runs a query of one text.
func text(t *testing.T, q querier, sql string, args ...any) string {
	t.Helper()
	var s string
	if err := q.QueryRow(t.Context(), sql, args...).Scan(&s); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return s
}

func sqlState(err error) string {
	if pgErr := (*pgconn.PgError)(nil); errors.As(err, &pgErr) {
		return pgErr.Code
	}
	return ""
}

func TestEachTestHasItsDatabase(t *testing.T) {
	t.Parallel()
	seen := make(chan string, 3)
	for _, name := range []string{"one", "two", "three"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := pgtest.New(t)
			conn := db.Conn(t)
			if got := text(t, conn, "select string_agg(note, ',') from app.notes"); got != "from the template" {
				t.Errorf("notes: %s", got)
			}
			db.Exec(t, "insert into app.notes values ($1)", name)
			if got := text(t, conn, "select current_database()::text"); got != db.Name {
				t.Errorf("connected to %s, not %s", got, db.Name)
			}
			seen <- db.Name
		})
	}
	t.Cleanup(func() {
		names := map[string]bool{<-seen: true, <-seen: true, <-seen: true}
		if len(names) != 3 {
			t.Errorf("databases: %v", names)
		}
	})
}

func TestDroppedAfterTheTest(t *testing.T) {
	t.Parallel()
	outer := pgtest.Empty(t)
	var database, role string
	var left *pgx.Conn
	t.Run("inner", func(t *testing.T) {
		db := pgtest.New(t)
		as := db.As(t)
		database, role = db.Name, as.User
		db.Exec(t, "grant create on schema public to "+pgx.Identifier{role}.Sanitize())
		as.Exec(t, "create table public.mine ()")
		// Neither what the role owns nor a connection stands in the way.
		var err error
		if left, err = pgx.Connect(t.Context(), as.DSN()); err != nil {
			t.Fatal(err)
		}
	})
	_ = left.Close(t.Context())
	conn := outer.Conn(t)
	if got := text(t, conn, "select count(*)::text from pg_database where datname = $1", database); got != "0" {
		t.Error("the database is still there")
	}
	if got := text(t, conn, "select count(*)::text from pg_roles where rolname = $1", role); got != "0" {
		t.Error("the role is still there")
	}
}

func TestUnqualifiedNamesFail(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	db.Exec(t, "create table public.notes (note text)")
	for name, q := range map[string]querier{"connection": db.Conn(t), "pool": db.Pool(t)} {
		var n int
		if err := q.QueryRow(t.Context(), "select count(*) from notes").Scan(&n); sqlState(err) != "42P01" {
			t.Errorf("%s: %v", name, err)
		}
		if err := q.QueryRow(t.Context(), "select count(*) from app.notes").Scan(&n); err != nil || n != 1 {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
	// A program that is given the DSN is on its own.
	conn, err := pgx.Connect(t.Context(), db.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	text(t, conn, "select count(*)::text from notes")
}

func TestEmpty(t *testing.T) {
	t.Parallel()
	conn := pgtest.Empty(t).Conn(t)
	if got := text(t, conn, "select coalesce(to_regnamespace('app')::text, 'none')"); got != "none" {
		t.Error("an empty database has the template's schema")
	}
}

func TestEdits(t *testing.T) {
	t.Parallel()
	db := pgtest.Empty(t)
	conn := db.Conn(t, func(c *pgx.ConnConfig) { c.RuntimeParams["application_name"] = "edited" })
	if got := text(t, conn, "show application_name"); got != "edited" {
		t.Errorf("connection: %s", got)
	}
	pool := db.Pool(t, func(c *pgxpool.Config) { c.MaxConns = 1 })
	if got := pool.Config().MaxConns; got != 1 {
		t.Errorf("pool: %d connections", got)
	}
}

func TestAs(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	as := db.As(t)
	var n int
	for name, q := range map[string]querier{"connection": as.Conn(t), "pool": as.Pool(t)} {
		if err := q.QueryRow(t.Context(), "select count(*) from app.notes").Scan(&n); sqlState(err) != "42501" {
			t.Errorf("%s: a role without rights reads: %v", name, err)
		}
		if got := text(t, q, "select session_user::text"); got != as.User {
			t.Errorf("%s: connected as %s, not %s", name, got, as.User)
		}
	}
	creator := db.As(t, "createrole")
	if got := text(t, creator.Conn(t), "select rolcreaterole::text from pg_roles where rolname = session_user"); got != "true" {
		t.Error("attributes are lost")
	}
}

func TestPrivateServerCrashes(t *testing.T) {
	t.Parallel()
	srv := pgtest.NewServer(t, pgserver.Options{})
	db := srv.New(t)
	if db.Server() != srv.Server {
		t.Error("the database is on another server")
	}
	pool := db.Pool(t)
	if got := text(t, pool, "select note from app.notes"); got != "from the template" {
		t.Errorf("notes: %s", got)
	}
	if err := srv.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := pool.Ping(t.Context()); err == nil {
		t.Error("a killed server answers")
	}
	if err := srv.StartAgain(t.Context()); err != nil {
		t.Fatal(err)
	}
	pgtest.Eventually(t, 30*time.Second, func() bool { return pool.Ping(t.Context()) == nil }, "the pool recovers")
	if got := text(t, pool, "select note from app.notes"); got != "from the template" {
		t.Errorf("notes: %s", got)
	}
	srv.Empty(t) // also the connection that makes databases recovers
	if err := srv.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// recorder takes what a helper would end its test with.
type recorder struct {
	testing.TB
	failed atomic.Bool
}

func (r *recorder) Helper() {}

func (r *recorder) Fatalf(string, ...any) {
	r.failed.Store(true)
	panic(r)
}

func TestEventually(t *testing.T) {
	t.Parallel()
	calls := 0
	pgtest.Eventually(t, time.Minute, func() bool { calls++; return calls == 3 })
	if calls != 3 {
		t.Errorf("asked %d times", calls)
	}
	r := &recorder{TB: t}
	func() {
		defer func() {
			if got := recover(); got != any(r) {
				t.Errorf("Eventually panics: %v", got)
			}
		}()
		pgtest.Eventually(r, time.Millisecond, func() bool { return false }, "pigs fly")
	}()
	if !r.failed.Load() {
		t.Error("what never happens passes")
	}
}
