package sql_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
)

// loggedBy runs SQL and returns the kinds of the log rows that it left, as text.
func loggedBy(t *testing.T, conn *pgx.Conn, sql string, args ...any) string {
	t.Helper()
	exec(t, conn, "delete from pgsession.change_log")
	exec(t, conn, sql, args...)
	return one[string](t, conn, "select coalesce(string_agg(kind::text, '' order by kind, tag), '') from pgsession.change_log")
}

// deadline describes when a session ends, in seconds from the statement.
const deadline = `select coalesce(extract(epoch from expires - statement_timestamp())::integer::text, 'never') from pgsession.sessions where id = $1`

func TestTouch(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	user(t, conn, "ann")
	s := open(t, conn, "ann")
	const touch = "select pgsession.session_touch(array[$1::bytea])"
	exec(t, conn, "update pgsession.sessions set expires = expires - interval '30 minutes'")
	same(t, "before", one[string](t, conn, deadline, s.id), "1800")
	same(t, "touch logs", loggedBy(t, conn, touch, s.key), "")
	same(t, "after", one[string](t, conn, deadline, s.id), "3600")
	same(t, "version", one[int](t, conn, "select version::int from pgsession.session_get(p_key => $1::bytea)", s.key), 1)

	// Not back: a deadline beyond what use gives stays.
	exec(t, conn, "update pgsession.sessions set expires = expires + interval '30 minutes'")
	same(t, "moved", one[int](t, conn, touch, s.key), 0)
	same(t, "kept", one[string](t, conn, deadline, s.id), "5400")
	for _, use := range []string{"select pgsession.session_save(p_key => $1, p_payload => '{}')", "select pgsession.session_merge(p_key => $1, p_patch => '{}')"} {
		exec(t, conn, use, s.key)
		same(t, "kept", one[string](t, conn, deadline, s.id), "5400")
	}

	// Not past the absolute deadline.
	exec(t, conn, "update pgsession.sessions set ends = statement_timestamp() + interval '40 minutes', expires = statement_timestamp() + interval '20 minutes'")
	same(t, "moved", one[int](t, conn, touch, s.key), 1)
	same(t, "at the end", one[string](t, conn, deadline, s.id), "2400")
	same(t, "moved", one[int](t, conn, touch, s.key), 0)

	// Never revived, however little too late. Not one that never ends.
	exec(t, conn, "update pgsession.sessions set expires = statement_timestamp()")
	same(t, "expired", one[int](t, conn, touch, s.key), 0)
	same(t, "live", live(t, conn, s.key), false)
	forever := one[[]byte](t, conn, "select key from pgsession.session_open('ann')")
	same(t, "without deadline", one[int](t, conn, touch, forever), 0)

	// Many in one call, each once, unknown ones passed over.
	a, b := open(t, conn, "ann"), open(t, conn, "")
	same(t, "several", one[int](t, conn, "select pgsession.session_touch(array[$1::bytea, $2, $1, sha256('x'), null, ''])", a.key, b.key), 2)
}

// Saving, merging and rotating are uses.
func TestUsesMoveTheDeadline(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	for _, u := range uses(session{}) {
		s := open(t, conn, "")
		exec(t, conn, "update pgsession.sessions set expires = expires - interval '30 minutes' where id = $1", s.id)
		exec(t, conn, u.sql, s.key)
		same(t, u.name, one[string](t, conn, deadline, s.id), "3600")
		s = session{id: one[int64](t, conn, "select id from pgsession.session_open(p_key => sha256($1))", []byte(u.name))}
		exec(t, conn, u.sql, one[[]byte](t, conn, "select key from pgsession.sessions where id = $1", s.id))
		same(t, u.name+" without deadline", one[string](t, conn, deadline, s.id), "never")
	}
}

func TestTouchMarksTheUserOnceAMinute(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	user(t, conn, "ann", "bob")
	s := open(t, conn, "ann")
	const touch = "select pgsession.session_touch(array[$1::bytea])"
	const seen = "select coalesce(extract(epoch from statement_timestamp() - lasthit)::integer::text, 'never') from pgsession.user_get($1)"
	same(t, "before", one[string](t, conn, seen, "ann"), "never")
	exec(t, conn, touch, s.key)
	same(t, "after", one[string](t, conn, seen, "ann"), "0")
	for ago, want := range map[string]string{"50 seconds": "50", "70 seconds": "0"} {
		exec(t, conn, "update pgsession.users set lasthit = statement_timestamp() - $1::interval where username = 'ann'", ago)
		exec(t, conn, touch, s.key)
		same(t, ago, one[string](t, conn, seen, "ann"), want)
	}
	same(t, "another user", one[string](t, conn, seen, "bob"), "never")
	same(t, "version", one[int](t, conn, "select version::int from pgsession.user_get('ann')"), 1)
}

// A touch is a heap-only update, as long as the page has room (the fill factor leaves some): no index learns of it.
func TestTouchIsHeapOnly(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	var due [][]byte
	for i, key := range list[[]byte](t, conn, "select (pgsession.session_open(p_expiresecs => 3600)).key from generate_series(1, 200)") {
		if i%4 == 0 {
			due = append(due, key)
		}
	}
	exec(t, conn, "begin")
	same(t, "moved", one[int](t, conn, "select pgsession.session_touch($1)", due), 50)
	same(t, "updates, heap-only updates", one[string](t, conn, `select concat_ws(' ', n_tup_upd, n_tup_hot_upd)
		from pg_catalog.pg_stat_xact_user_tables where relid = 'pgsession.sessions'::pg_catalog.regclass`), "50 50")
	exec(t, conn, "commit")
}

// What a hand does to the lifetimes: the deadline that follows, and whether processes are told. Of a session of an hour
// that was used half an hour ago, unless said otherwise.
func TestLifetimesMovedByHand(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	for _, tt := range []struct{ before, change, deadline, logged string }{
		{"", "expires = expires + interval '10 minutes'", "2400", ""},
		{"", "expires = expires - interval '10 minutes'", "1200", "s"},
		{"", "expires = now() - interval '10 minutes'", "-600", "s"},
		{"", "expires = null", "never", ""},
		{"expires = null", "expires = now() + interval '10 minutes'", "600", "s"},
		{"", "ends = now() + interval '10 minutes'", "600", "s"},
		{"", "ends = now() - interval '10 minutes'", "-600", "s"},
		{"", "ends = now() + interval '2 hours'", "1800", "s"}, // the session has changed, the deadline has not
		{"", "ends = now() + interval '10 minutes', expires = now() + interval '20 minutes'", "600", "s"},
		{"", "ends = now() + interval '20 minutes', expires = now() + interval '10 minutes'", "600", "s"},
		{"ends = now() + interval '10 minutes'", "expires = now() + interval '20 minutes'", "600", ""},
		{"ends = now() + interval '10 minutes'", "expires = null", "600", ""},
		{"ends = now() + interval '10 minutes'", "ends = null", "3600", "s"},
		{"ends = now() + interval '10 minutes'", "ends = now() + interval '20 minutes'", "1200", "s"},
		{"ends = now() + interval '10 minutes'", "ends = now() + interval '20 hours'", "3600", "s"},
		{"expiresecs = null, expires = null", "ends = now() + interval '10 minutes'", "600", "s"},
		{"expiresecs = null, expires = null", "expiresecs = 600", "600", "s"},
		{"", "expiresecs = 7200", "5400", "s"},
		{"", "expiresecs = 600", "-1200", "s"},
		{"", "expiresecs = null", "never", "s"},
		{"ends = now() + interval '40 minutes'", "expiresecs = null", "2400", "s"},
		{"ends = now() + interval '40 minutes'", "expiresecs = 7200", "2400", "s"},
		{"expires = now() - interval '1 minute'", "ends = now() + interval '10 minutes'", "-60", "s"},
		{"expires = now() - interval '1 minute'", "expiresecs = 86400", "-60", "s"}, // an expired session stays so
		{"", "sweep_from = null", "1800", ""},
		{"", "sweep_from = now() + interval '10 hours'", "1800", ""},
		{"", "origin = '{}'", "1800", ""},
		{"", "cryptpasswd = null", "1800", ""},
		{"", "expires = expires, ends = ends, payload = payload, key = key, version = version", "1800", ""},
		{"", `payload = '{"a": 1}'`, "1800", "s"},
		{"", "key = sha256(key)", "1800", "s"},
		{"", "id = id + 1000000", "", "s"},
		{"", "createddate = now() - interval '1 day'", "1800", "s"},
		{"", "version = version + 1", "1800", "s"},
	} {
		t.Run(tt.before+", "+tt.change, func(t *testing.T) {
			s := open(t, conn, "")
			exec(t, conn, "update pgsession.sessions set expires = now() + interval '30 minutes' where id = $1", s.id)
			if tt.before != "" {
				exec(t, conn, "update pgsession.sessions set "+tt.before+" where id = $1", s.id)
			}
			same(t, "logged", loggedBy(t, conn, "update pgsession.sessions set "+tt.change+" where id = $1", s.id), tt.logged)
			if tt.deadline != "" {
				same(t, "deadline", one[string](t, conn, deadline, s.id), tt.deadline)
			}
			same(t, "found by sweeping", one[bool](t, conn, "select bool_and(sweep_from <= expires or expires is null) from pgsession.sessions where (sweep_from is null) = (expires is null)"), true)
		})
	}
	same(t, "sessions that sweeping would never find", one[int](t, conn, "select count(*) from pgsession.sessions where expires is not null and sweep_from is null"), 0)
}

func TestAbsoluteLifetime(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	exec(t, conn, "insert into pgsession.settings values ('absolute_lifetime', '30 minutes')")
	user(t, conn, "ann")
	s := open(t, conn, "ann")
	same(t, "deadline", one[string](t, conn, deadline, s.id), "1800")
	same(t, "touched", one[int](t, conn, "select pgsession.session_touch(array[$1::bytea])", s.key), 0)
	for sql, want := range map[string]string{
		"select id from pgsession.session_open()":                   "1800",
		"select id from pgsession.session_open(p_expiresecs => 60)": "60",
		"select id from pgsession.login('ann', '" + password + "')": "1800",
	} {
		same(t, sql, one[string](t, conn, deadline, one[int64](t, conn, sql)), want)
	}
	exec(t, conn, "update pgsession.settings set value = '1 day' where name = 'absolute_lifetime'")
	same(t, "of those opened before", one[string](t, conn, deadline, s.id), "1800")
}
