package sql_test

import (
	"fmt"
	"strings"
	"testing"
)

// A hundred thousand sessions of a thousand users: nothing that concerns one session or one user reads the table.
func TestAHundredThousandSessions(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	exec(t, conn, `
		insert into pgsession.users (username, cryptpasswd) select 'user ' || n, '!' from generate_series(0, 999) n;
		insert into pgsession.sessions (key, username, expiresecs, payload)
		select sha256(int4send(n)), 'user ' || n % 1000, 3600, jsonb_build_object('n', n) from generate_series(1, 100000) n;
		analyze pgsession.users, pgsession.sessions`)
	same(t, "sessions", one[int](t, conn, "select sessions::int from pgsession.stats()"), 100000)

	// The plans that a connection keeps are made for the first rows that it sees, which may be many.
	exec(t, conn, "delete from pgsession.sessions where id in (select id from pgsession.sessions order by id desc limit 900)")

	const scans = `select array[sum(seq_scan), sum(idx_scan)]::bigint[] from pg_catalog.pg_stat_xact_user_tables where schemaname = 'pgsession' and relname in ('users', 'sessions')`
	for _, call := range []string{
		"pgsession.session_get(p_key => sha256(int4send($1)))",
		"pgsession.session_save(p_key => sha256(int4send($1)), p_payload => '{}')",
		"pgsession.session_merge(p_key => sha256(int4send($1)), p_patch => '{}')",
		"pgsession.session_touch(array[sha256(int4send($1)), sha256(int4send(7))])",
		"pgsession.session_rotate(p_key => sha256(int4send($1)), p_new_key => sha256(int4send(-$1)))",
		"pgsession.session_open(p_key => sha256(int4send(1000000 + $1))) o, pgsession.session_rotate(o.key, sha256(int4send(-1000000 - $1)), 'user 7')",
		"pgsession.session_close(p_key => sha256(int4send(1000 + $1)))",
		"pgsession.session_close_id('user ' || $1, 2000 + $1)",
		"pgsession.session_close_user('user ' || $1)",
		"pgsession.session_open('user ' || $1)",
		"pgsession.session_list('user ' || $1)",
		"pgsession.login('user ' || $1, 'x')",
		"pgsession.user_get('user ' || $1)",
		"pgsession.user_save('user ' || $1, '{}')",
		"pgsession.user_set_password('user ' || $1, 'x')",
		"pgsession.user_delete('user ' || $1)",
		"pgsession.session_sweep(1 + $1)",
	} {
		for n := 500; n < 512; n++ { // more than a statement's first five executions, whose plans are made for the values
			exec(t, conn, "begin")
			before := one[[]int64](t, conn, scans)
			exec(t, conn, "select from "+strings.ReplaceAll(call, "$1", "$1::integer"), n)
			after := one[[]int64](t, conn, scans)
			if whole, index := after[0]-before[0], after[1]-before[1]; whole > 0 || index == 0 {
				t.Errorf("%s: %d scans of a whole table, %d of an index", call, whole, index)
			}
			exec(t, conn, "commit")
		}
	}

	expired := one[int](t, conn, "with e as (update pgsession.sessions set expires = statement_timestamp() - interval '1 second' where id % 9 = 0 returning 1) select count(*)::int from e")
	left := one[int](t, conn, "select sessions::int from pgsession.stats()")
	swept := 0
	for {
		n := one[int](t, conn, "select pgsession.session_sweep(2500)")
		if n == 0 {
			break
		}
		swept += n
	}
	same(t, "swept", swept, expired)
	same(t, "left", one[string](t, conn, "select concat_ws(' ', sessions, expired) from pgsession.stats()"), fmt.Sprint(left, 0))
}
