package sql_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
)

// expire has a third of the sessions expire (one of them just now), and another third be touched since they were opened.
func expire(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	exec(t, conn, `
		update pgsession.sessions set expires = statement_timestamp() - (id % 40) * interval '1 minute' where id % 3 = 0;
		update pgsession.sessions set expires = statement_timestamp() + interval '10 seconds' where id % 3 = 1;
		select pgsession.session_touch(array(select key from pgsession.sessions where id % 3 = 1))`)
}

func TestSweepRemovesWhatHasExpired(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	user(t, conn, "ann")
	exec(t, conn, `select pgsession.session_open('ann', 3600) from generate_series(1, 60); select pgsession.session_open() from generate_series(1, 30)`)
	expire(t, conn)
	expired := one[int](t, conn, "select count(*) from pgsession.sessions where expires <= statement_timestamp()")
	same(t, "expired", one[int](t, conn, "select expired::int from pgsession.stats()"), expired)
	same(t, "swept, of a few", one[int](t, conn, "select pgsession.session_sweep(7)"), 7)
	same(t, "swept", one[int](t, conn, "select pgsession.session_sweep()"), expired-7)
	same(t, "swept again", one[int](t, conn, "select pgsession.session_sweep()"), 0)
	same(t, "live ones", one[string](t, conn, "select concat_ws(' ', sessions, expired) from pgsession.stats()"), one[string](t, conn, "select concat_ws(' ', 90 - $1::int, 0)", expired))

	// A session is swept from the very instant in which it is no more to be got. Within one call time stands still.
	s := open(t, conn, "ann")
	exec(t, conn, `create function pg_temp.at_deadline(p_id bigint, p_key bytea) returns text language plpgsql as $$
		begin
			update pgsession.sessions set expires = statement_timestamp() where id = p_id;
			return concat_ws(' ', exists (select from pgsession.session_get(p_key => p_key)), pgsession.session_touch(array[p_key]), pgsession.session_sweep());
		end $$`)
	same(t, "got, touched, swept at its deadline", one[string](t, conn, "select pg_temp.at_deadline($1, $2)", s.id, s.key), "f 0 1")

	for _, limit := range []any{nil, 0, -1} {
		refused(t, conn, "SE005", "select pgsession.session_sweep($1)", limit)
	}
}

// Sessions that were touched since they were last looked at do not keep a sweep from the expired ones behind them.
func TestSweepLooksBeyondTouchedSessions(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	exec(t, conn, `select pgsession.session_open(p_expiresecs => 1) from generate_series(1, 50)`)
	// As if opened long ago and touched ever since: the triggers keep a hand from this.
	exec(t, conn, `alter table pgsession.sessions disable trigger sessions_deadline_update;
		update pgsession.sessions set expires = statement_timestamp() + interval '1 hour', expiresecs = 3600, sweep_from = statement_timestamp() - interval '2 hours';
		update pgsession.sessions set expires = statement_timestamp() - interval '1 second' where id % 10 = 0;
		alter table pgsession.sessions enable always trigger sessions_deadline_update`)
	same(t, "swept", one[int](t, conn, "select pgsession.session_sweep(2)"), 2)
	same(t, "swept", one[int](t, conn, "select pgsession.session_sweep(2)"), 2)
	same(t, "swept", one[int](t, conn, "select pgsession.session_sweep(2)"), 1)
	same(t, "put off to their deadlines", one[int](t, conn, "select count(*) from pgsession.sessions where sweep_from = expires"), 45)
	same(t, "swept", one[int](t, conn, "select pgsession.session_sweep()"), 0)
}

func TestTwoSweepsAtOnceShareTheWork(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	exec(t, conn, "select pgsession.session_open(p_expiresecs => 3600) from generate_series(1, 20); update pgsession.sessions set expires = statement_timestamp()")
	first, second := db.Conn(t), db.Conn(t)
	exec(t, first, "begin")
	same(t, "first", one[int](t, first, "select pgsession.session_sweep(12)"), 12)
	same(t, "second, not waiting", one[int](t, second, "select pgsession.session_sweep()"), 8)
	exec(t, first, "commit")
	same(t, "left", one[int](t, conn, "select count(*) from pgsession.sessions"), 0)
}

// A sweep passes by what others hold: a session being touched, saved or closed.
func TestSweepSkipsLockedSessions(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	holder := db.Conn(t)
	for _, hold := range []string{
		"update pgsession.sessions set expires = statement_timestamp() + interval '1 minute' where key = $1",
		"select from pgsession.sessions where key = $1 for share",
		"select pgsession.session_close(p_key => $1)",
	} {
		s := open(t, conn, "")
		exec(t, conn, "update pgsession.sessions set expires = statement_timestamp() where id = $1", s.id)
		exec(t, holder, "begin")
		exec(t, holder, hold, s.key)
		same(t, "swept", one[int](t, conn, "select pgsession.session_sweep()"), 0)
		exec(t, holder, "rollback")
		same(t, "swept", one[int](t, conn, "select pgsession.session_sweep()"), 1)
	}
}

// Sweeping is told like any other ending: clocks can have been set, others may think the sessions alive.
func TestSweepLogsWhatItRemoves(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	user(t, conn, "ann", "bob")
	exec(t, conn, "select pgsession.session_open('ann', 60) from generate_series(1, 3); select pgsession.session_open('bob', 60); select pgsession.session_open(null, 60)")
	exec(t, conn, "update pgsession.sessions set expires = statement_timestamp()")
	same(t, "logged", loggedBy(t, conn, "select pgsession.session_sweep()"), "sstu")
	same(t, "the tags", one[int](t, conn, `select count(*) from pgsession.change_log where (kind, tag) in (('u', pgsession.user_tag('ann')), ('t', tag))`), 2)
	same(t, "logged by a sweep of nothing", loggedBy(t, conn, "select pgsession.session_sweep()"), "t")
}
