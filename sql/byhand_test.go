package sql_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// The rules hold for a DBA's plain SQL too, and for a role that was given rights on the tables.
func TestPlainSQLEndsSessions(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	clerk := db.As(t)
	exec(t, conn, "grant usage on schema pgsession to "+clerk.User+"; grant select, update, delete on pgsession.users, pgsession.sessions to "+clerk.User)
	for _, other := range []string{"superuser", "clerk", "replica"} {
		as := conn
		switch other {
		case "clerk":
			as = clerk.Conn(t)
		case "replica":
			as = db.Conn(t)
			exec(t, as, "set session_replication_role = replica")
		}
		for _, change := range []string{
			"update pgsession.users set cryptpasswd = '*' where username = 'ann'",
			"update pgsession.users set cryptpasswd = cryptpasswd || ' ' where username = 'ann'",
			"update pgsession.users set status = 'disabled' where username = 'ann'",
			"update pgsession.users set status = 'pending' where username = 'ann'",
			"update pgsession.users set username = 'eve', cryptpasswd = '*' where username = 'ann'",
			"update pgsession.users set username = 'eve', status = 'disabled' where username = 'ann'",
			"delete from pgsession.users where username = 'ann'",
			"delete from pgsession.sessions where username = 'ann'",
		} {
			exec(t, conn, "delete from pgsession.users")
			user(t, conn, "ann", "bob")
			gone, anonymous, bystander := open(t, conn, "ann"), open(t, conn, ""), open(t, conn, "bob")
			exec(t, as, change)
			same(t, other+": "+change+": live", live(t, conn, gone.key), false)
			same(t, other+": "+change+": bystanders", live(t, conn, anonymous.key) && live(t, conn, bystander.key), true)
			same(t, other+": "+change+": rows", one[int](t, conn, "select count(*) from pgsession.sessions where id = $1", gone.id), 0)
		}
	}
}

func TestPlainSQLThatEndsNoSession(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	for _, change := range []string{
		"update pgsession.users set cryptpasswd = cryptpasswd, status = status",
		`update pgsession.users set payload = '{"a": 1}'`,
		"update pgsession.users set lasthit = now()",
		"update pgsession.users set cryptpasswd = '*' where username = 'bob'",
		"begin; update pgsession.users set cryptpasswd = '*'; rollback",
		"update pgsession.sessions set cryptpasswd = '*'; update pgsession.users set cryptpasswd = '*'",
		"update pgsession.users set username = 'eve' where username = 'ann'",
	} {
		exec(t, conn, "delete from pgsession.users")
		user(t, conn, "ann", "bob")
		s := open(t, conn, "ann")
		exec(t, conn, change)
		same(t, change+": live", live(t, conn, s.key), true)
	}
	same(t, "renamed", one[string](t, conn, "select username || version from pgsession.sessions where username is not null"), "eve2")
	same(t, "hash", one[bool](t, conn, "select s.cryptpasswd = u.cryptpasswd from pgsession.sessions s join pgsession.users u using (username)"), true)

	// The session that was renamed still ends with the next change of the password.
	same(t, "ended", one[int](t, conn, "select pgsession.user_set_password('eve', 'another')"), 1)
}

// Several renames in one UPDATE, each to the name that another user had until then, and a new password or status.
func TestRenamesInAChain(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	replica := db.Conn(t)
	exec(t, replica, "set session_replication_role = replica")
	for _, as := range []*pgx.Conn{conn, replica} {
		for change, want := range map[string]string{
			"":                      "a>b b>c c>d",
			", cryptpasswd = '*'":   "",
			", status = 'disabled'": "",
			", cryptpasswd = case username when 'b' then '*' else cryptpasswd end": "a>b c>d",
			", status = case username when 'b' then 'disabled' else status end":    "a>b c>d",
		} {
			exec(t, conn, "delete from pgsession.users")
			user(t, conn, "c", "b", "a") // in the order in which a scan comes to them, no name is taken
			for _, name := range []string{"a", "b", "c"} {
				exec(t, conn, `select pgsession.session_open($1, p_payload => jsonb_build_object('was', $1::text))`, name)
			}
			exec(t, as, "update pgsession.users set username = chr(ascii(username) + 1)"+change)
			same(t, change, one[string](t, conn, "select coalesce(string_agg(concat(payload ->> 'was', '>', username), ' ' order by username), '') from pgsession.sessions"), want)
			same(t, change+": other hashes", one[int](t, conn, "select count(*) from pgsession.sessions s join pgsession.users u using (username) where s.cryptpasswd <> u.cryptpasswd"), 0)
		}
	}
}

// A session that is given to a user by hand becomes like any other of the user's.
func TestSessionGivenByHand(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	user(t, conn, "ann", "bob", "cy")
	exec(t, conn, "update pgsession.users set status = 'disabled' where username = 'cy'")
	for _, from := range []string{"", "ann"} {
		s := open(t, conn, from)
		refused(t, conn, "SE003", "update pgsession.sessions set username = 'nobody' where id = $1", s.id)
		refused(t, conn, "SE006", "update pgsession.sessions set username = 'cy' where id = $1", s.id)
		exec(t, conn, "update pgsession.sessions set username = 'bob', cryptpasswd = '*' where id = $1", s.id)
		same(t, "owner and version", one[string](t, conn, "select username || version from pgsession.session_get(p_key => $1::bytea)", s.key), "bob2")
		same(t, "ended", one[int](t, conn, "select pgsession.user_set_password('bob', 'another')"), 1)
	}
	refused(t, conn, "SE003", "insert into pgsession.sessions (key, username) values (sha256('x'), 'nobody')")
	refused(t, conn, "SE006", "insert into pgsession.sessions (key, username) values (sha256('x'), 'cy')")
	refused(t, conn, "23514", "insert into pgsession.sessions (key) values ('short')")
	refused(t, conn, "23514", "insert into pgsession.sessions (key, cryptpasswd) values (sha256('x'), 'x')")
	refused(t, conn, "23514", "insert into pgsession.sessions (key, payload) values (sha256('x'), '[]')")
	refused(t, conn, "23514", "insert into pgsession.sessions (key, expiresecs) values (sha256('x'), 0)")
	refused(t, conn, "23514", "insert into pgsession.sessions (key, expires) values (sha256('x'), 'infinity')")
	exec(t, conn, "insert into pgsession.sessions (key, username, cryptpasswd) values (sha256('x'), 'ann', '*')")
	same(t, "hash", one[bool](t, conn, "select s.cryptpasswd = u.cryptpasswd from pgsession.sessions s join pgsession.users u using (username)"), true)
}

// What a caller has set, or put on the search path, changes nothing of what the functions mean.
func TestCallersSettingsDoNotMatter(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	user(t, conn, "ann")
	caller := db.As(t)
	exec(t, conn, "select pgsession.grant_app($1)", caller.User)
	exec(t, conn, "create schema evil authorization "+caller.User)
	as := caller.Conn(t)
	exec(t, as, `set search_path = evil, pg_catalog;
		create function evil.sha256(bytea) returns bytea language sql as 'select ''\x''::bytea';
		create function evil.lower(text) returns text language sql as 'select ''''';
		create function evil.statement_timestamp() returns timestamptz language sql as 'select ''infinity''::timestamptz';
		create operator evil.= (leftarg = text, rightarg = text, function = pg_catalog.textne);
		create temp table users (username text, cryptpasswd text);
		create temp table sessions (key bytea);
		set standard_conforming_strings = off; set bytea_output = 'escape'; set datestyle = 'German'; set intervalstyle = 'sql_standard';
		set timezone = 'Pacific/Kiritimati'; set extra_float_digits = -15; set default_transaction_deferrable = on;
		set row_security = off; set transform_null_equals = on; set quote_all_identifiers = on; set backslash_quote = on`)
	same(t, "login", one[string](t, as, "select outcome::pg_catalog.text from pgsession.login('ann', $1)", password), "ok")
	same(t, "wrong", one[string](t, as, "select outcome::pg_catalog.text from pgsession.login('ann', 'wrong')"), "bad_credentials")
	s := open(t, as, "ann")
	same(t, "live", live(t, as, s.key), true)
	same(t, "merged", one[string](t, as, `select payload::pg_catalog.text from pgsession.session_merge(p_token => $1::pg_catalog.text, p_patch => '{"a": 1}')`, s.token), `{"a": 1}`)
	same(t, "ended", one[int](t, as, "select pgsession.user_set_password('ann', 'x', $1)", s.key), 1)
	exec(t, as, "select pgsession.change_start(); select pgsession.session_sweep()")
	same(t, "epoch", one[string](t, as, "select pgsession.epoch()::pg_catalog.text"), one[string](t, conn, "select pgsession.epoch()::text"))
}

// What is marked parallel safe gives the same answers in a worker.
func TestParallelWorkers(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	user(t, conn, "ann")
	exec(t, conn, "select pgsession.change_start()")
	s := open(t, conn, "ann")
	queries := []string{
		"select pgsession.epoch()::text", "select pgsession.version()", "select pgsession.setting('lease')", "select s::text from pgsession.stats() s",
		"select u::text from pgsession.user_get('ann') u", "select encode(pgsession.session_key('" + s.token + "'), 'hex')",
		"select concat_ws(' ', id, key, username, payload, version, epoch) from pgsession.session_get(p_token => '" + s.token + "')",
		"select concat_ws(' ', id, username, version, epoch, origin) from pgsession.session_list('ann')",
		"select pgsession.password_matches('x', '$2a$05$abcdefghijklmnopqrstuuau5MhcDzH.hfkcbVWmQyhss.9iZvTaO')::text",
	}
	parallel := db.Conn(t)
	exec(t, parallel, `select pg_catalog.set_config(name, 'on', false) from pg_catalog.pg_settings where name in ('force_parallel_mode', 'debug_parallel_query')`)
	for _, query := range queries {
		plan := strings.Join(list[string](t, parallel, "explain (costs off) "+query), "\n")
		if !strings.Contains(plan, "Gather") {
			t.Errorf("%s: not parallel: %s", query, plan)
		}
		same(t, query, one[string](t, parallel, query), one[string](t, conn, query))
	}
	refused(t, parallel, "SE005", "select pgsession.setting('nosuch')")
}
