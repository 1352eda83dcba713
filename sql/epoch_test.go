package sql_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/internal/pgserver"
	"github.com/pgsession/pgsession/internal/pgtest"
)

const epoch = "select coalesce(pgsession.epoch()::text, '')"

func TestStartingAnEpochTwiceIsStartingItOnce(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	same(t, "before", one[string](t, conn, epoch), "")
	first, second := db.Conn(t), db.Conn(t)
	exec(t, first, "begin; select pgsession.change_start()")
	same(t, "before its commit", one[string](t, conn, epoch), "")
	c := begin(t, second, "select coalesce(pgsession.change_start()::text, '')")
	c.blocks(t, first)
	exec(t, first, "commit")
	c.end(t).is(t, "second", "")
	same(t, "rows", one[int](t, conn, "select count(*) from pgsession.change_state"), 1)
	now := one[string](t, conn, epoch)
	exec(t, conn, "select pgsession.change_start()")
	exec(t, conn, "begin isolation level serializable; select pgsession.change_start(); commit")
	same(t, "epoch", one[string](t, conn, epoch), now)
	same(t, "by poll", one[string](t, conn, "select epoch::text from pgsession.change_poll()"), now)
	same(t, "by stats", one[string](t, conn, "select epoch::text from pgsession.stats()"), now)
	same(t, "by a session", one[string](t, conn, "select epoch::text from pgsession.session_open()"), now)

	// Emptied by hand, as by a crash.
	exec(t, conn, "delete from pgsession.change_state")
	same(t, "without a row", one[string](t, conn, epoch), "")
	exec(t, conn, "select pgsession.change_start()")
	if again := one[string](t, conn, epoch); again == "" || again == now {
		t.Errorf("after it was emptied: %q, before: %q", again, now)
	}
}

// A server of its own is stopped, crashed and cloned.
func TestEpochEndsWhereCommitsCanBeLost(t *testing.T) {
	t.Parallel()
	server := pgtest.NewServer(t, pgserver.Options{})
	db := server.New(t)
	seen := map[string]string{"": "none"}
	conn := db.Conn(t)
	next := func(how string) {
		t.Helper()
		now := one[string](t, conn, epoch)
		if was, old := seen[now]; old {
			t.Errorf("%s: the epoch is that of: %s", how, was)
		}
		seen[now] = how
		same(t, how+": asked again", one[string](t, db.Conn(t), epoch), now)
	}
	again := func(stop func() error) {
		t.Helper()
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if err := server.StartAgain(t.Context()); err != nil {
			t.Fatal(err)
		}
		conn = db.Conn(t)
	}

	user(t, conn, "ann")
	s := open(t, conn, "ann")
	exec(t, conn, "select pgsession.change_start()")
	next("the first")
	revoke(t, conn, 1)

	again(func() error { return server.Stop(t.Context()) })
	next("a clean restart")
	same(t, "log rows after a clean restart", one[int](t, conn, "select log_rows::int from pgsession.stats()"), 1)

	// A crash empties the log, and with it the epoch. What was prepared before it comes back without its log rows.
	exec(t, conn, "insert into pgsession.settings values ('notify', 'none')")
	exec(t, conn, "begin")
	exec(t, conn, "select pgsession.session_close(p_key => $1)", s.key)
	exec(t, conn, "prepare transaction 'p'")
	again(func() error { return server.Kill(t.Context()) })
	same(t, "epoch after a crash", one[string](t, conn, epoch), "")
	same(t, "log rows after a crash", one[int](t, conn, "select log_rows::int from pgsession.stats()"), 0)
	same(t, "epoch of a session after a crash", one[bool](t, conn, "select epoch is null from pgsession.session_get(p_key => $1::bytea)", s.key), true)
	exec(t, conn, "select pgsession.change_start()")
	next("a crash")
	p := pollFrom(t, conn, pollFrom(t, conn, "").snapshot)
	same(t, "flush while what was prepared may still commit", p.flush, true)
	exec(t, conn, "commit prepared 'p'")
	same(t, "session", live(t, conn, s.key), false)
	p = pollFrom(t, conn, p.snapshot)
	same(t, "flush once it has", p.flush, true)
	same(t, "flush after that", pollFrom(t, conn, p.snapshot).flush, false)

	// A clone of the database is not the database, although all its tables are the same.
	before := one[string](t, conn, epoch)
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	clone := clone(t, server, db.Name)
	cloned := one[string](t, clone, epoch)
	if was, old := seen[cloned]; old {
		t.Errorf("the clone's epoch is that of: %s", was)
	}
	conn = db.Conn(t)
	same(t, "the original", one[string](t, conn, epoch), before)

	// Nor is the table the table, once it was rewritten: it might have been restored.
	exec(t, conn, "vacuum full pgsession.change_state")
	next("a rewritten table")
}

// clone copies a database and connects to the copy.
func clone(t *testing.T, server *pgtest.Server, name string) *pgx.Conn {
	t.Helper()
	admin, err := pgx.Connect(t.Context(), server.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	exec(t, admin, "select pg_catalog.pg_terminate_backend(pid, 10000) from pg_catalog.pg_stat_activity where datname = $1", name)
	exec(t, admin, "create database clone template "+pgx.Identifier{name}.Sanitize(), pgx.QueryExecModeSimpleProtocol)
	if err := admin.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), server.DSN("clone"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}
