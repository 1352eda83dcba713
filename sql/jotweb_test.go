package sql_test

import (
	"strings"
	"testing"
)

// The views have the seed's columns, in its order, of its types.
func TestJOTWebViewsHaveTheSeedsColumns(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	const columns = `select string_agg(a.attname || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod), ', ' order by a.attnum)
		from pg_catalog.pg_attribute a where a.attrelid = $1::text::pg_catalog.regclass and a.attnum > 0`
	same(t, "jotweb_users", one[string](t, conn, columns, "pgsession.jotweb_users"),
		"id integer, username text, cryptpasswd text, createddate integer, ts_created timestamp without time zone, "+
			"lastlogin integer, lasthit integer, payload text")
	same(t, "jotweb_sessions", one[string](t, conn, columns, "pgsession.jotweb_sessions"),
		"id integer, key text, username text, cryptpasswd text, createddate integer, ts_created timestamp without time zone, "+
			"expiresecs integer, expires integer, payload text")
}

func TestJOTWebViewsShowWhatIsStored(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	exec(t, conn, "set timezone = 'Asia/Tokyo'")
	exec(t, conn, `insert into pgsession.users (id, username, cryptpasswd, createddate, lastlogin, lasthit, payload)
		values (7, 'ann', 'abRy4/6THFs9U', to_timestamp(1050000000), to_timestamp(1050000001.9), null, '{"a": 1}')`)
	same(t, "user", one[string](t, conn, "select u::text from pgsession.jotweb_users u"),
		`(7,ann,abRy4/6THFs9U,1050000000,"2003-04-11 03:40:00",1050000001,,"{""a"": 1}")`)
	exec(t, conn, `insert into pgsession.sessions (id, key, username, createddate, expiresecs, expires)
		values (8, sha256('x'), 'ann', to_timestamp(1050000000), 60, to_timestamp(2000000000)), (9, sha256('y'), null, now(), null, null)`)
	same(t, "session", one[string](t, conn, "select s::text from pgsession.jotweb_sessions s where id = 8"),
		`(8,2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881,ann,abRy4/6THFs9U,1050000000,"2003-04-11 03:40:00",60,2000000000,{})`)
	same(t, "anonymous session", one[string](t, conn, "select concat_ws('|', username, cryptpasswd, expiresecs is null, expires is null) from pgsession.jotweb_sessions where id = 9"), "||t|t")
}

// What an integer cannot hold has the view show its nearest value, or null for an id. Nothing makes it fail.
func TestJOTWebViewsShowWhatNoIntegerHolds(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	exec(t, conn, `insert into pgsession.users (id, username, cryptpasswd, createddate, lastlogin, lasthit)
		values (2147483648, 'ann', '!', 'infinity', '294276-12-31', '-infinity'), (-1, 'bob', '!', '4713-01-01 BC', '2038-01-19 03:14:07 UTC', '2038-01-19 03:14:08 UTC')`)
	same(t, "ann", one[string](t, conn, "select concat_ws(' ', id is null, createddate, ts_created, lastlogin, lasthit) from pgsession.jotweb_users where username = 'ann'"),
		"t 2147483647 infinity 2147483647 -2147483648")
	same(t, "bob", one[string](t, conn, "select concat_ws(' ', id is null, createddate, lastlogin, lasthit) from pgsession.jotweb_users where username = 'bob'"),
		"t -2147483648 2147483647 2147483647")
	exec(t, conn, "insert into pgsession.sessions (id, key, createddate, expires, expiresecs) values (9223372036854775807, sha256('x'), '-infinity', '9999-01-01', 2147483647)")
	same(t, "session", one[string](t, conn, "select concat_ws(' ', id is null, createddate, expires, expiresecs) from pgsession.jotweb_sessions"),
		"t -2147483648 2147483647 2147483647")
}

func TestJOTWebViewsAreClosedAndReadOnly(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	user(t, conn, "ann")
	open(t, conn, "ann")
	app := db.As(t)
	exec(t, conn, "select pgsession.grant_app($1)", app.User)
	for _, view := range []string{"jotweb_users", "jotweb_sessions"} {
		refused(t, app.Conn(t), "42501", "select from pgsession."+view)
		for _, change := range []string{"delete from pgsession.?", "update pgsession.? set username = 'x'", "insert into pgsession.? (username) values ('x')"} {
			refused(t, conn, "55000", strings.Replace(change, "?", view, 1))
		}
		same(t, view+": comment", one[bool](t, conn, "select pg_catalog.obj_description($1::text::pg_catalog.regclass) like '%Nobody is granted it%'", "pgsession."+view), true)
	}
	// To be granted it, no right on the tables is needed.
	exec(t, conn, "grant select on pgsession.jotweb_users to "+app.User)
	same(t, "granted", one[string](t, app.Conn(t), "select username from pgsession.jotweb_users"), "ann")
}
