package sql_test

import (
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/internal/pgtest"
)

// Time does not pass in these tests: ticks are made older by hand.

func ticks(t *testing.T, conn *pgx.Conn) int {
	t.Helper()
	return one[int](t, conn, "select count(*) from pgsession.change_log where kind = 't'")
}

func age(t *testing.T, conn *pgx.Conn, seconds int) {
	t.Helper()
	exec(t, conn, "update pgsession.change_log set tag = tag - $1 where kind = 't'", seconds)
}

// decided waits until all that was changed lies below the xmin of a snapshot: transactions in other databases count too.
func decided(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	pgtest.Eventually(t, patience, func() bool {
		return one[bool](t, conn, "select pg_snapshot_xmin(pg_current_snapshot()) > all (select xid from pgsession.change_log)")
	}, "the end of older transactions")
}

func TestTickAMinute(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	startEpoch(t, conn)
	for range 3 {
		exec(t, conn, "select pgsession.session_sweep()")
	}
	same(t, "ticks within a minute", ticks(t, conn), 1)
	age(t, conn, 61)
	exec(t, conn, "select pgsession.session_sweep(); select pgsession.session_sweep()")
	same(t, "ticks within two", ticks(t, conn), 2)

	// The clock was set back by an hour: its ticks would keep us from ticking.
	age(t, conn, -3600)
	exec(t, conn, "select pgsession.session_sweep()")
	same(t, "ticks after the clock was set back", ticks(t, conn), 1)
	same(t, "ticks in polls", len(pollFrom(t, conn, "1:1:").items), 0)
}

// What is older than the retention goes, all that is younger stays, and low_water says where.
func TestPurge(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	startEpoch(t, conn)
	const rows = "select count(*) from pgsession.change_log where kind <> 't'"
	before := pollFrom(t, conn, "")
	for n := range 5 {
		revoke(t, conn, n)
	}
	decided(t, conn)
	exec(t, conn, "select pgsession.session_sweep()") // ticks
	tick := one[string](t, conn, "select xid::text from pgsession.change_log where kind = 't'")
	var young []item
	for n := range 5 {
		young = append(young, revoke(t, conn, 5+n))
	}
	between := pollFrom(t, conn, before.snapshot)

	age(t, conn, 240)
	exec(t, conn, "select pgsession.session_sweep()")
	same(t, "rows within the retention of five minutes", one[int](t, conn, rows), 10)
	same(t, "low water", pollFrom(t, conn, "").lowWater, before.lowWater)
	age(t, conn, 60)
	exec(t, conn, "select pgsession.session_sweep()")
	same(t, "low water", one[string](t, conn, "select low_water::text from pgsession.stats()"), tick)
	same(t, "rows below it", one[int](t, conn, rows+" and xid < $1::text::xid8", tick), 0)
	if held := logged(t, conn); !covers(held, young) {
		t.Errorf("held: %v, young: %v", held, young)
	}
	same(t, "flush of a cursor that is older", pollFrom(t, conn, before.snapshot).flush, true)
	same(t, "flush of one that is younger", pollFrom(t, conn, between.snapshot).flush, false)
}

// A transaction that is open while the log is purged, again and again, loses nothing.
func TestLongTransactionAcrossPurges(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	exec(t, conn, "insert into pgsession.settings values ('log_retention', '0 seconds')")
	startEpoch(t, conn)
	long := db.Conn(t)
	exec(t, long, "begin")
	late := revoke(t, long, 1)
	cursor := pollFrom(t, conn, "").snapshot
	for n := range 5 {
		revoke(t, conn, 10+n)
		exec(t, conn, "select pgsession.session_sweep()")
		age(t, conn, 61)
	}
	before := pollFrom(t, conn, cursor)
	exec(t, long, "commit")
	same(t, "low water above it", one[bool](t, conn, "select low_water > (select xid from pgsession.change_log where tag = $1) from pgsession.stats()", late.Tag), false)
	if p := pollFrom(t, conn, before.snapshot); !slices.Contains(p.items, late) {
		t.Errorf("polled after its commit: %v, should have %v", p.items, late)
	}

	// Once it is decided, it goes like the others.
	decided(t, conn)
	exec(t, conn, "delete from pgsession.change_log where kind = 't'; select pgsession.session_sweep()")
	same(t, "log rows", one[int](t, conn, "select count(*) from pgsession.change_log where kind <> 't'"), 0)
}

func TestTwoPurgesAtOnce(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	exec(t, conn, "insert into pgsession.settings values ('log_retention', '0 seconds')")
	startEpoch(t, conn)
	first, second := db.Conn(t), db.Conn(t)
	revoke(t, conn, 1)
	exec(t, first, "begin; select pgsession.session_sweep()")
	exec(t, second, "select pgsession.session_sweep()") // does not wait
	exec(t, first, "commit")
	same(t, "ticks", ticks(t, conn), 1)

	// A purge that is rolled back has moved nothing.
	water := pollFrom(t, conn, "").lowWater
	revoke(t, conn, 2)
	age(t, conn, 61)
	exec(t, first, "begin; select pgsession.session_sweep(); rollback")
	same(t, "low water", pollFrom(t, conn, "").lowWater, water)
}

// Low water never falls, also where a tick is older than the epoch.
func TestLowWaterNeverFalls(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	exec(t, conn, "insert into pgsession.settings values ('log_retention', '0 seconds'); select pgsession.session_sweep()")
	same(t, "without an epoch", one[bool](t, conn, "select low_water is null from pgsession.stats()"), true)
	age(t, conn, 20)
	startEpoch(t, conn)
	water := pollFrom(t, conn, "").lowWater
	exec(t, conn, "select pgsession.session_sweep()")
	same(t, "low water", pollFrom(t, conn, "").lowWater, water)
}

// A dump of another server brings transaction numbers that this one has yet to reach. Until the first sweep they cost
// misses, then they are gone.
func TestLogFromAnotherServer(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	startEpoch(t, conn)
	exec(t, conn, `insert into pgsession.change_log (xid, kind, tag) select x::text::xid8, k, 1e9 from unnest(array['s', 't', '*']::"char"[]) k, unnest(array[9000000000, 9000000001]) x`)
	exec(t, conn, "update pgsession.change_state set low_water = '9000000000'")
	same(t, "flush", pollFrom(t, conn, pollFrom(t, conn, "").snapshot).flush, true)
	// A sweep in a transaction that has changed something itself keeps that.
	exec(t, conn, "begin")
	own := revoke(t, conn, 1)
	exec(t, conn, "select pgsession.session_sweep(); commit")
	if held := logged(t, conn); len(held) != 1 || held[0] != own {
		t.Errorf("held: %v; should be %v", held, own)
	}
	same(t, "ticks", ticks(t, conn), 1)
	decided(t, conn)
	pgtest.Eventually(t, patience, func() bool {
		p := pollFrom(t, conn, "")
		return !pollFrom(t, conn, p.snapshot).flush
	}, "the end of transactions older than the first sweep")
}
