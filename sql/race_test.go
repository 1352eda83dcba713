package sql_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/internal/pgtest"
)

// patience bounds the waiting for what another backend does.
const patience = 20 * time.Second

// call is SQL that runs on a connection of its own while the test goes on.
type call struct {
	pid    uint32
	answer chan answer
}

// answer is the rows of a call, one text each, or what it was refused with.
type answer struct {
	rows []string
	err  error
}

// begin runs SQL that returns one text column.
func begin(t *testing.T, conn *pgx.Conn, sql string, args ...any) call {
	t.Helper()
	c := call{pid: conn.PgConn().PID(), answer: make(chan answer, 1)}
	go func() {
		rows, err := conn.Query(t.Context(), sql, args...)
		if err != nil {
			c.answer <- answer{err: err}
			return
		}
		texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
		c.answer <- answer{rows: texts, err: err}
	}()
	return c
}

// blocks waits until the call waits for a lock of the connection's transaction, in which the test may look.
func (c call) blocks(t *testing.T, holder *pgx.Conn) {
	t.Helper()
	pgtest.Eventually(t, patience, func() bool {
		return one[bool](t, holder, "select pg_catalog.pg_backend_pid() = any (pg_catalog.pg_blocking_pids($1))", c.pid)
	}, "another connection waiting for this one's lock")
}

// end waits for the answer.
func (c call) end(t *testing.T) answer {
	t.Helper()
	select {
	case a := <-c.answer:
		return a
	case <-time.After(patience):
		t.Fatal("a call does not return")
		return answer{}
	}
}

// is compares the answer: with an SE code, or with the only row.
func (a answer) is(t *testing.T, what, want string) {
	t.Helper()
	switch {
	case a.err != nil && state(a.err) != want:
		t.Errorf("%s: %v; should be %s", what, a.err, want)
	case a.err == nil && (len(a.rows) != 1 || a.rows[0] != want):
		t.Errorf("%s: %q; should be %s", what, a.rows, want)
	}
}

// uses are the three that must never bring a session back, and what they say when it is gone and when it is not.
func uses(s session) []use {
	return []use{
		{"save", `select pgsession.session_save(p_key => $1, p_payload => '{"a": 1}')::text`, s.key, "SE001", "2"},
		{"save a version", `select pgsession.session_save(p_key => $1, p_payload => '{"a": 1}', p_version => 1)::text`, s.key, "SE001", "2"},
		{"merge", `select payload::text from pgsession.session_merge(p_key => $1, p_patch => '{"a": 1}')`, s.key, "SE001", `{"a": 1}`},
		{"touch", `select pgsession.session_touch(array[$1::bytea])::text`, s.key, "0", "1"},
		{"rotate", `select version::text from pgsession.session_rotate(p_key => $1, p_new_key => sha256($1))`, s.key, "SE001", "2"},
	}
}

type use struct {
	name, sql  string
	key        []byte
	gone, done string
}

// endings are the ways in which a session ends.
var endings = map[string]string{
	"close":      "select pgsession.session_close(p_key => $1)::text from pgsession.sessions s where s.id = $2",
	"close id":   "select pgsession.session_close_id(s.username, $2)::text from pgsession.sessions s where s.key = $1 or s.id = $2 limit 1",
	"close user": "select (pgsession.session_close_user(s.username) = 1)::text from pgsession.sessions s where s.key = $1 or s.id = $2 limit 1",
	"close all":  "select (pgsession.session_close_all() = 1)::text from (select $1::bytea, $2::bigint) a",
	"password":   "select (pgsession.user_set_password(s.username, 'another') = 1)::text from pgsession.sessions s where s.key = $1 or s.id = $2 limit 1",
	"user gone":  "select pgsession.user_delete(s.username)::text from pgsession.sessions s where s.key = $1 or s.id = $2 limit 1",
	"disable":    "select pgsession.user_disable(s.username)::text from pgsession.sessions s where s.key = $1 or s.id = $2 limit 1",
	"change":     "select (pgsession.user_change_password(s.username, '" + password + "', 'another') = 'ok')::text from pgsession.sessions s where s.key = $1 or s.id = $2 limit 1",
	"disabled":   "update pgsession.users u set status = 'disabled' from pgsession.sessions s where u.username = s.username and (s.key = $1 or s.id = $2) returning 'true'",
	"delete":     "delete from pgsession.sessions where key = $1 or id = $2 returning 'true'",
}

// The ending comes first and is not yet committed: a use waits for it, or passes by, and changes nothing.
func TestNoUseBringsASessionBack(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	user(t, conn, "ann")
	ending, using := db.Conn(t), db.Conn(t)
	for name, end := range endings {
		for _, u := range uses(session{}) {
			t.Run(name+", "+u.name, func(t *testing.T) {
				exec(t, conn, "update pgsession.users set status = 'active'; insert into pgsession.users (username, cryptpasswd) values ('ann', '*') on conflict do nothing; update pgsession.users set cryptpasswd = pgsession.bcrypt('"+password+"')")
				s := open(t, conn, "ann")
				exec(t, ending, "begin")
				same(t, "ended", one[string](t, ending, end, s.key, s.id), "true")
				c := begin(t, using, u.sql, s.key)
				if u.name != "touch" {
					c.blocks(t, ending)
				} else {
					c.end(t).is(t, "while it is being ended", "0") // skips what is locked
				}
				exec(t, ending, "commit")
				if u.name != "touch" {
					c.end(t).is(t, "after it has ended", u.gone)
				}
				same(t, "sessions", one[int](t, conn, "select count(*) from pgsession.sessions"), 0)
			})
		}
	}
}

// The use comes first and is not yet committed: the ending waits for it, and ends what it has left.
func TestAnEndingFindsASessionInUse(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	user(t, conn, "ann")
	ending, using := db.Conn(t), db.Conn(t)
	for name, end := range endings {
		for _, u := range uses(session{}) {
			t.Run(name+", "+u.name, func(t *testing.T) {
				exec(t, conn, "update pgsession.users set status = 'active'; insert into pgsession.users (username, cryptpasswd) values ('ann', '*') on conflict do nothing; update pgsession.users set cryptpasswd = pgsession.bcrypt('"+password+"')")
				s := open(t, conn, "ann")
				exec(t, using, "begin")
				same(t, "used", one[string](t, using, u.sql, s.key), u.done)
				c := begin(t, ending, end, s.key, s.id)
				c.blocks(t, using)
				exec(t, using, "commit")
				c.end(t).is(t, "the ending", "true")
				same(t, "sessions", one[int](t, conn, "select count(*) from pgsession.sessions"), 0)
			})
		}
	}
}

// The ending is taken back: then the use that waited for it goes on.
func TestARolledBackEndingEndsNothing(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	ending, using := db.Conn(t), db.Conn(t)
	for _, u := range uses(session{}) {
		if u.name == "touch" {
			continue // it does not wait
		}
		s := open(t, conn, "")
		exec(t, ending, "begin")
		same(t, "closed", one[bool](t, ending, "select pgsession.session_close(p_key => $1)", s.key), true)
		c := begin(t, using, u.sql, s.key)
		c.blocks(t, ending)
		exec(t, ending, "rollback")
		c.end(t).is(t, u.name, u.done)
	}
}

func TestTwoMergesAtOnceBothSurvive(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	s := open(t, conn, "")
	first, second := db.Conn(t), db.Conn(t)
	exec(t, first, "begin")
	same(t, "first", one[string](t, first, `select payload::text from pgsession.session_merge(p_key => $1, p_patch => '{"a": {"x": 1}, "b": 1}')`, s.key), `{"a": {"x": 1}, "b": 1}`)
	c := begin(t, second, `select payload::text || version from pgsession.session_merge(p_key => $1, p_patch => '{"a": {"y": 2}, "c": 2}')`, s.key)
	c.blocks(t, first)
	exec(t, first, "commit")
	c.end(t).is(t, "second", `{"a": {"x": 1, "y": 2}, "b": 1, "c": 2}3`)
}

func TestOfTwoSavesOneWins(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	user(t, conn, "ann")
	s := open(t, conn, "")
	first, second := db.Conn(t), db.Conn(t)
	for _, save := range []string{
		"select pgsession.session_save(p_key => $1, p_payload => jsonb_build_object('by', $2::text), p_version => 1)::text",
		"select pgsession.user_save('ann', jsonb_build_object('by', $2::text, 'n', octet_length($1::bytea)), p_version => 1)::text",
	} {
		exec(t, first, "begin")
		same(t, "first", one[string](t, first, save, s.key, "first"), "2")
		c := begin(t, second, save, s.key, "second")
		c.blocks(t, first)
		exec(t, first, "commit")
		c.end(t).is(t, "second", "SE002")
	}
	same(t, "saved", one[string](t, conn, "select payload ->> 'by' from pgsession.session_get(p_key => $1::bytea)", s.key), "first")
	same(t, "saved", one[string](t, conn, "select payload ->> 'by' from pgsession.user_get('ann')"), "first")
}

// Two that rotate one session: the second one's key is dead by then.
func TestOfTwoRotationsOneWins(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	s := open(t, conn, "")
	first, second := db.Conn(t), db.Conn(t)
	const rotate = "select version::text from pgsession.session_rotate(p_key => $1, p_new_key => sha256($2))"
	exec(t, first, "begin")
	same(t, "first", one[string](t, first, rotate, s.key, []byte("first")), "2")
	c := begin(t, second, rotate, s.key, []byte("second"))
	c.blocks(t, first)
	exec(t, first, "commit")
	c.end(t).is(t, "second", "SE001")
	same(t, "sessions", one[string](t, conn, "select concat_ws(' ', count(*), bool_and(key = sha256('first'))) from pgsession.sessions"), "1 t")
}

func TestOfTwoOpeningsUnderOneKeyOneWins(t *testing.T) {
	t.Parallel()
	db, _ := start(t)
	first, second := db.Conn(t), db.Conn(t)
	const openIt = "select version::text from pgsession.session_open(p_key => sha256('one'))"
	exec(t, first, "begin")
	same(t, "first", one[string](t, first, openIt), "1")
	c := begin(t, second, openIt)
	c.blocks(t, first)
	exec(t, first, "commit")
	c.end(t).is(t, "second", "SE004")
}

func TestOfTwoCreationsOfAUserOneWins(t *testing.T) {
	t.Parallel()
	db, _ := start(t)
	first, second := db.Conn(t), db.Conn(t)
	exec(t, first, "begin")
	exec(t, first, "select pgsession.user_create('ann', 'first')")
	c := begin(t, second, "select coalesce(pgsession.user_create('ann', 'second'), '')")
	c.blocks(t, first)
	exec(t, first, "commit")
	c.end(t).is(t, "second", "SE004")
}

// A session that expires while a use of it waits for somebody's change is gone for that use, too.
func TestExpiryWhileWaiting(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	holder, using := db.Conn(t), db.Conn(t)
	for _, u := range uses(session{}) {
		if u.name == "touch" {
			continue // it does not wait
		}
		t.Run(u.name, func(t *testing.T) {
			s := open(t, conn, "")
			exec(t, holder, "begin")
			exec(t, holder, "update pgsession.sessions set origin = '{}' where key = $1", s.key)
			c := begin(t, using, u.sql, s.key)
			c.blocks(t, holder)
			// A deadline that the use, when it began, had still before it.
			exec(t, holder, "update pgsession.sessions set expires = clock_timestamp() where key = $1", s.key)
			exec(t, holder, "commit")
			c.end(t).is(t, u.name, u.gone)
		})
	}
}

// So is one whose deadline comes while a use waits for somebody who does nothing to it in the end.
func TestExpiryWhileWaitingForNothing(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	user(t, conn, "ann")
	holder, using := db.Conn(t), db.Conn(t)
	for _, hold := range []string{
		"select from pgsession.sessions where key = $1 for update",
		"update pgsession.sessions set origin = '{}', expires = expires + interval '1 hour' where key = $1",
		"delete from pgsession.sessions where key = $1",
	} {
		into := use{"rotate into", "select version::text from pgsession.session_rotate(p_key => $1, p_new_key => sha256($1), p_username => 'ann')", nil, "SE001", ""}
		for _, u := range append(uses(session{}), into) {
			if u.name == "touch" {
				continue // it does not wait
			}
			t.Run(u.name+", "+hold, func(t *testing.T) {
				s := open(t, conn, "")
				exec(t, conn, "update pgsession.sessions set expires = clock_timestamp() + interval '1 second' where key = $1", s.key)
				exec(t, holder, "begin")
				exec(t, holder, hold, s.key)
				c := begin(t, using, u.sql, s.key)
				c.blocks(t, holder)
				pgtest.Eventually(t, patience, func() bool {
					return one[bool](t, conn, "select expires < clock_timestamp() from pgsession.sessions where id = $1", s.id)
				}, "the deadline")
				exec(t, holder, "rollback")
				c.end(t).is(t, u.name, u.gone)
				exec(t, conn, "delete from pgsession.sessions")
			})
		}
	}
}

// Two that rotate two sessions to one key: the second one is told that it is taken.
func TestTwoRotationsToOneKey(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	s, other := open(t, conn, ""), open(t, conn, "")
	first, second := db.Conn(t), db.Conn(t)
	const rotate = "select version::text from pgsession.session_rotate(p_key => $1, p_new_key => sha256('one'))"
	exec(t, first, "begin")
	same(t, "first", one[string](t, first, rotate, s.key), "2")
	c := begin(t, second, rotate, other.key)
	c.blocks(t, first)
	exec(t, first, "commit")
	c.end(t).is(t, "second", "SE004")
	same(t, "live", live(t, conn, other.key), true)
}

// A save waits for a sweep that looks at its session, and finds it gone if it had expired; a sweep passes a save by.
func TestSaveAgainstSweep(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	saving, sweeping := db.Conn(t), db.Conn(t)
	const sweep = "select pgsession.session_sweep()::text"
	save := uses(session{})[0]
	for _, expired := range []bool{true, false} {
		s := open(t, conn, "")
		exec(t, conn, "update pgsession.sessions set expires = statement_timestamp()")
		if !expired { // a touch has moved its deadline since, and the sweep puts it off
			exec(t, conn, "update pgsession.sessions set expires = statement_timestamp() + interval '1 hour'")
		}
		exec(t, sweeping, "begin")
		same(t, "sweep", one[string](t, sweeping, sweep) == "1", expired)
		c := begin(t, saving, save.sql, s.key)
		c.blocks(t, sweeping)
		exec(t, sweeping, "commit")
		if expired {
			c.end(t).is(t, "save", save.gone)
			continue
		}
		c.end(t).is(t, "save", save.done)

		exec(t, saving, "begin")
		exec(t, saving, save.sql, s.key)
		same(t, "sweep", one[string](t, sweeping, sweep), "0")
		exec(t, saving, "commit")
		same(t, "live", live(t, conn, s.key), true)
	}
}
