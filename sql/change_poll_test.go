package sql_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/pgsession/pgsession/internal/pgtest"
)

// poll is an answer of change_poll, as a process sees it.
type poll struct {
	epoch    pgtype.UUID
	lowWater pgtype.Uint64
	snapshot string
	items    []item
	flush    bool // everything is to be forgotten
}

// pollFrom polls with a cursor; an empty one is null.
func pollFrom(t *testing.T, conn *pgx.Conn, cursor string) poll {
	t.Helper()
	rows, err := conn.Query(t.Context(), `
		select epoch, low_water, snapshot::text, kind::text, tag,
		       coalesce(low_water > pg_snapshot_xmin($1::text::pg_snapshot), true)
		       or pg_snapshot_xmax(snapshot) < pg_snapshot_xmax($1::text::pg_snapshot) or coalesce(kind = '*', false)
		  from pgsession.change_poll(p_cursor => $1::text::pg_snapshot)`, pgtype.Text{String: cursor, Valid: cursor != ""})
	if err != nil {
		t.Fatal(err)
	}
	var p poll
	var kind *string
	var tag *int64
	var flush bool
	count, err := pgx.ForEachRow(rows, []any{&p.epoch, &p.lowWater, &p.snapshot, &kind, &tag, &flush}, func() error {
		if kind != nil {
			p.items = append(p.items, item{*kind, *tag})
		}
		p.flush = p.flush || flush
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if count.RowsAffected() == 0 {
		t.Fatal("a poll without a row")
	}
	sorted(p.items)
	return p
}

// startEpoch starts one and waits until no transaction of the server is older: as long as one is, each poll is told to
// forget everything.
func startEpoch(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	exec(t, conn, "select pgsession.change_start()")
	pgtest.Eventually(t, patience, func() bool {
		return one[bool](t, conn, "select pg_snapshot_xmin(pg_current_snapshot()) >= low_water from pgsession.stats()")
	}, "the end of transactions older than the epoch")
}

// revoke closes a session that it has just opened, the n-th, and returns what the log will say of it.
func revoke(t *testing.T, conn *pgx.Conn, n int) item {
	t.Helper()
	return item{"s", one[int64](t, conn, `select pgsession.session_tag(s.key) from pgsession.session_open(p_key => sha256(int4send($1))) s where pgsession.session_close(p_key => s.key)`, n)}
}

func TestPollReturnsEachChangeOnce(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	startEpoch(t, conn)
	revoke(t, conn, 0)
	first := pollFrom(t, conn, "")
	same(t, "without a cursor", len(first.items), 0)
	a, b := revoke(t, conn, 1), revoke(t, conn, 2)
	second := pollFrom(t, conn, first.snapshot)
	if !slices.Equal(second.items, sorted([]item{a, b})) {
		t.Errorf("polled %v", second.items)
	}
	same(t, "polled again", len(pollFrom(t, conn, second.snapshot).items), 0)
	same(t, "with the old cursor", len(pollFrom(t, conn, first.snapshot).items), 2)
	same(t, "flush", second.flush, false)
}

func TestPollOfTransactionsThatLandInReverse(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	startEpoch(t, conn)
	older, younger := db.Conn(t), db.Conn(t)
	exec(t, older, "begin")
	a := revoke(t, older, 1)
	exec(t, younger, "begin")
	b := revoke(t, younger, 2)
	p := pollFrom(t, conn, pollFrom(t, conn, "").snapshot)
	same(t, "before they commit", len(p.items), 0)
	exec(t, younger, "commit")
	p = pollFrom(t, conn, p.snapshot)
	if !slices.Equal(p.items, []item{b}) {
		t.Errorf("after the younger: %v", p.items)
	}
	exec(t, older, "commit")
	p = pollFrom(t, conn, p.snapshot)
	if !slices.Equal(p.items, []item{a}) {
		t.Errorf("after the older: %v", p.items)
	}
}

// Any number of transactions, with savepoints, some prepared, some rolled back, in any interleaving: each poll returns
// what was committed since the last one, all of it and nothing else; or says that everything is to be forgotten, which
// it does only where the log is being purged.
func TestPollFollowsAnyInterleaving(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		purge := seed%2 == 1
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			db, conn := start(t)
			exec(t, conn, "insert into pgsession.settings values ('notify', 'none'), ('log_retention', '0 seconds')")
			startEpoch(t, conn)
			w := &world{t: t, random: rand.New(rand.NewPCG(seed, 0)), prepares: one[int](t, conn, "select current_setting('max_prepared_transactions')::int") >= 5}
			for range 5 {
				w.writers = append(w.writers, &writer{conn: db.Conn(t)})
			}
			t.Cleanup(w.clean)
			cursor, flushes, polled := pollFrom(t, conn, "").snapshot, 0, 0
			for range 250 {
				switch n := w.random.IntN(20); {
				case n < 3:
					p := pollFrom(t, conn, cursor)
					if p.flush {
						flushes++
					} else if want := sorted(w.committed); !slices.Equal(p.items, want) {
						t.Fatalf("polled %v, committed since the last poll: %v", p.items, want)
					}
					polled += len(p.items)
					cursor, w.committed = p.snapshot, nil
				case n == 3 && purge:
					exec(t, conn, "select pgsession.session_sweep()")
				default:
					w.step()
				}
			}
			if flushes > 0 && !purge {
				t.Errorf("%d flushes", flushes)
			}
			if polled < 20 {
				t.Errorf("only %d changes were polled", polled)
			}
		})
	}
}

// world is writers at work, and what they have committed since the last poll.
type world struct {
	t         *testing.T
	random    *rand.Rand
	prepares  bool
	writers   []*writer
	made      int
	committed []item
}

// writer is a connection with a transaction, or between two.
type writer struct {
	conn     *pgx.Conn
	open     bool
	prepared string   // the name of the prepared transaction, if there is one
	levels   [][]item // what was changed, on each level of savepoints
}

// step has one of the writers do something.
func (w *world) step() {
	at := w.random.IntN(len(w.writers))
	k := w.writers[at]
	run := func(sql string) { exec(w.t, k.conn, sql) }
	if k.prepared != "" {
		w.finish(k, w.random.IntN(3) > 0, "commit prepared '"+k.prepared+"'", "rollback prepared '"+k.prepared+"'")
		return
	}
	if !k.open {
		run("begin")
		k.open, k.levels = true, [][]item{nil}
		return
	}
	top := len(k.levels) - 1
	switch n := w.random.IntN(13); {
	case n < 5 && len(slices.Concat(k.levels...)) < 8: // a transaction that changes more often ends in a flush
		w.made++
		k.levels[top] = append(k.levels[top], revoke(w.t, k.conn, w.made))
	case n == 5:
		run("savepoint s")
		k.levels = append(k.levels, nil)
	case n == 6 && top > 0:
		run("rollback to savepoint s; release savepoint s")
		k.levels = k.levels[:top]
	case n == 7 && top > 0:
		run("release savepoint s")
		k.levels[top-1] = append(k.levels[top-1], k.levels[top]...)
		k.levels = k.levels[:top]
	case n == 8 && w.prepares:
		k.prepared = fmt.Sprintf("%s %d", k.conn.Config().Database, at)
		run("prepare transaction '" + k.prepared + "'")
	case n > 9:
		w.finish(k, n > 10, "commit", "rollback")
	}
}

// finish ends a writer's transaction.
func (w *world) finish(k *writer, commit bool, committing, rollingBack string) {
	if commit {
		exec(w.t, k.conn, committing)
		w.committed = append(w.committed, slices.Concat(k.levels...)...)
	} else {
		exec(w.t, k.conn, rollingBack)
	}
	*k = writer{conn: k.conn}
}

// clean rolls back what is prepared: it would keep the database from being dropped and its log from being purged.
func (w *world) clean() {
	for _, k := range w.writers {
		if k.prepared == "" {
			continue
		}
		if _, err := k.conn.Exec(context.WithoutCancel(w.t.Context()), "rollback prepared '"+k.prepared+"'"); err != nil {
			w.t.Error(err)
		}
	}
}

// Inline notifications are what PostgreSQL cannot prepare.
func TestPrepareTransactionIsRefusedInline(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	if one[int](t, conn, "select current_setting('max_prepared_transactions')::int") == 0 {
		pgtest.Lacking(t, "max_prepared_transactions", "max_prepared_transactions is 0")
	}
	exec(t, conn, "begin")
	revoke(t, conn, 1)
	refused(t, conn, "0A000", "prepare transaction 'inline'")
	same(t, "logged", len(logged(t, conn)), 0)
}

func TestPollLimit(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	exec(t, conn, "insert into pgsession.settings values ('poll_limit', '10')")
	startEpoch(t, conn)
	cursor := pollFrom(t, conn, "").snapshot
	var want []item
	for n := range 10 {
		want = append(want, revoke(t, conn, n))
	}
	p := pollFrom(t, conn, cursor)
	if !slices.Equal(p.items, sorted(want)) || p.flush {
		t.Errorf("at the limit: %v", p)
	}
	revoke(t, conn, 11)
	over := pollFrom(t, conn, cursor)
	if !slices.Equal(over.items, []item{{Kind: "*"}}) {
		t.Errorf("over the limit: %v", over.items)
	}
	same(t, "after it", len(pollFrom(t, conn, over.snapshot).items), 0)

	// One session that changes often is one change.
	s := open(t, conn, "")
	cursor = pollFrom(t, conn, over.snapshot).snapshot
	for range 5 {
		exec(t, conn, "select pgsession.session_save(p_key => $1, p_payload => '{}')", s.key)
	}
	same(t, "of one session", len(pollFrom(t, conn, cursor).items), 1)
}

func TestPollIsRefusedWhereItCannotWork(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	for _, begin := range []string{"begin read only", "begin isolation level repeatable read", "begin isolation level serializable"} {
		exec(t, conn, begin)
		refused(t, conn, "SE007", "select pgsession.change_poll()")
		exec(t, conn, "rollback")
	}
	for _, set := range []string{"default_transaction_read_only = on", "default_transaction_isolation = 'repeatable read'"} {
		as := db.Conn(t)
		exec(t, as, "set "+set)
		refused(t, as, "SE007", "select pgsession.change_poll()")
	}
	exec(t, conn, "begin isolation level read uncommitted; select pgsession.change_poll(); rollback")
}

// Before change_start there is no epoch, so no lease; everything else works.
func TestPollBeforeStart(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	p := pollFrom(t, conn, pollFrom(t, conn, "").snapshot)
	same(t, "epoch, low water", p.epoch.Valid || p.lowWater.Valid, false)
	same(t, "flush", p.flush, true)
	same(t, "epoch of a session", one[bool](t, conn, "select epoch is null from pgsession.session_open()"), true)
}
