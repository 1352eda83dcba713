package sql_test

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"
)

const logIn = "select outcome || ' ' || coalesce(version, 0) from pgsession.login('ann', $1)"

// A login holds the user until it commits: a password set meanwhile waits, and ends its session.
func TestPasswordChangeAfterALogin(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	user(t, conn, "ann")
	for _, change := range []string{
		"select pgsession.user_set_password('ann', 'another')::text",
		"update pgsession.users set cryptpasswd = pgsession.bcrypt('another') where username = 'ann' returning '1'",
		"update pgsession.users set status = 'disabled' where username = 'ann' returning '1'",
		"select pgsession.user_disable('ann')::integer::text",
		"select strpos(pgsession.user_change_password('ann', '" + password + "', 'another'), 'ok')::text",
	} {
		exec(t, conn, "update pgsession.users set status = 'active', cryptpasswd = pgsession.bcrypt($1)", password)
		in, changing := db.Conn(t), db.Conn(t)
		exec(t, in, "begin")
		same(t, "login", one[string](t, in, logIn, password), "ok 1")
		c := begin(t, changing, change)
		c.blocks(t, in)
		exec(t, in, "commit")
		c.end(t).is(t, "change", "1")
		same(t, "sessions", one[int](t, conn, "select count(*) from pgsession.sessions"), 0)
	}
}

// A login that has verified the old password while the new one was being set looks again.
func TestLoginDuringAPasswordChange(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	for change, want := range map[string]map[string]string{
		"select pgsession.user_set_password('ann', 'another')":                        {password: "bad_credentials 0", "another": "bad_credentials 0"},
		"select pgsession.user_set_password('ann', '" + password + "')":               {password: "ok 1"}, // another hash of the same password
		"update pgsession.users set cryptpasswd = '*'":                                {password: "bad_credentials 0"},
		"update pgsession.users set status = 'disabled'":                              {password: "disabled 0"},
		"select pgsession.user_delete('ann')":                                         {password: "bad_credentials 0"},
		"update pgsession.users set username = 'eve' where username = 'ann'":          {password: "bad_credentials 0"},
		"select pgsession.user_rename('ann', 'eve')":                                  {password: "bad_credentials 0"},
		"select pgsession.user_disable('ann')":                                        {password: "disabled 0"},
		"select pgsession.user_change_password('ann', '" + password + "', 'another')": {password: "bad_credentials 0"},
	} {
		for guess, outcome := range want {
			exec(t, conn, "delete from pgsession.users")
			user(t, conn, "ann")
			changing, in := db.Conn(t), db.Conn(t)
			exec(t, changing, "begin")
			exec(t, changing, change)
			c := begin(t, in, logIn, guess)
			if guess == password { // who guesses wrong need not wait
				c.blocks(t, changing)
			} else {
				c.end(t).is(t, change+", "+guess+" before", outcome)
			}
			exec(t, changing, "commit")
			if guess == password {
				c.end(t).is(t, change+", "+guess, outcome)
			}
		}
	}
}

// Two logins at once upgrade an old hash once, and neither's session is ended by the other's.
func TestTwoLoginsUpgradeAHashOnce(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	exec(t, conn, "insert into pgsession.users (username, cryptpasswd) values ('ann', $1)", oldHashes()["DES"])
	first, second := db.Conn(t), db.Conn(t)
	exec(t, first, "begin")
	same(t, "first", one[string](t, first, logIn, oldPassword), "ok 1")
	c := begin(t, second, logIn, oldPassword)
	c.blocks(t, first)
	hash := one[string](t, first, "select cryptpasswd from pgsession.users")
	exec(t, first, "commit")
	c.end(t).is(t, "second", "ok 1")
	same(t, "hash", one[string](t, conn, "select cryptpasswd from pgsession.users"), hash)
	same(t, "live sessions", one[int](t, conn, "select count(*) from pgsession.session_list('ann')"), 2)
}

// Whoever opens or rotates into a user who is being disabled waits, and is refused; the other way round the disabling
// waits, and finds the session.
func TestDisablingAgainstOpening(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	user(t, conn, "ann")
	const disable = "update pgsession.users set status = 'disabled' where username = 'ann' returning status"
	for name, openIt := range map[string]string{
		"open":   "select username from pgsession.session_open('ann') where $1::bytea is not null",
		"rotate": "select username from pgsession.session_rotate(p_key => $1, p_new_key => sha256($1), p_username => 'ann')",
		"insert": "insert into pgsession.sessions (key, username) values (sha256(sha256($1)), 'ann') returning username",
		"update": "update pgsession.sessions set username = 'ann' where key = $1 returning username",
	} {
		exec(t, conn, "update pgsession.users set status = 'active'")
		disabling, opening := db.Conn(t), db.Conn(t)
		anonymous := open(t, conn, "")
		exec(t, disabling, "begin")
		same(t, "disabled", one[string](t, disabling, disable), "disabled")
		c := begin(t, opening, openIt, anonymous.key)
		c.blocks(t, disabling)
		exec(t, disabling, "commit")
		c.end(t).is(t, name+" after the disabling", "SE006")

		exec(t, conn, "update pgsession.users set status = 'active'")
		exec(t, opening, "begin")
		same(t, name, one[string](t, opening, openIt, anonymous.key), "ann")
		c = begin(t, disabling, disable)
		c.blocks(t, opening)
		exec(t, opening, "commit")
		c.end(t).is(t, "the disabling after "+name, "disabled")
		same(t, name+": sessions", one[int](t, conn, "select count(*) from pgsession.sessions where username is not null"), 0)
	}
}

// Deleting a user, ending the user's sessions and opening some, all at once and over and over: nobody deadlocks, nobody
// is told anything but an answer or an SE code, and nothing is left.
func TestNoDeadlock(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	exec(t, conn, "insert into pgsession.users (username, cryptpasswd) values ('keep', '*')")
	calls := []string{
		"select pgsession.user_delete('ann')",
		"insert into pgsession.users (username, cryptpasswd) values ('ann', '*') on conflict do nothing",
		"select pgsession.user_rename('ann', 'eve')",
		"select pgsession.user_rename('eve', 'ann')",
		"select pgsession.login('ann', '*')",
		"select pgsession.user_change_password('ann', 'x', 'y')",
		"select pgsession.login('ann', 'x', p_origin => '{\"address\": \"192.0.2.1\"}')",
		"select pgsession.session_close_user('ann')",
		"select pgsession.session_close_all()",
		"select pgsession.session_open('ann', 60) from generate_series(1, 5)",
		"select pgsession.session_open('ann', 60)",
		"select pgsession.session_rotate(p_key => (pgsession.session_open(p_expiresecs => 60)).key, p_new_key => sha256(random()::text::bytea), p_username => 'ann')",
		"select pgsession.user_set_password('ann', 'x', (select key from pgsession.sessions where username = 'ann' order by key limit 1))",
		"update pgsession.users set status = 'disabled' where username = 'ann'",
		"update pgsession.users set status = 'active' where username = 'ann'",
		"select pgsession.session_touch(array(select key from pgsession.sessions order by random()))",
		"update pgsession.sessions set expires = statement_timestamp() where id in (select id from pgsession.sessions order by key limit 2 for update skip locked)",
		"select pgsession.session_sweep(3)",
		"select pgsession.session_merge(p_key => key, p_patch => '{}') from (select key from pgsession.sessions limit 1) s",
	}
	var group errgroup.Group
	for worker := range 6 {
		other := db.Conn(t)
		group.Go(func() error {
			for round := range 60 {
				sql := calls[(round*(worker+1)+worker)%len(calls)]
				_, err := other.Exec(t.Context(), sql)
				switch state(err) {
				case "SE001", "SE003", "SE004", "SE006":
				default:
					if err != nil {
						return fmt.Errorf("%s: %w", sql, err)
					}
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	exec(t, conn, "select pgsession.user_delete('ann'), pgsession.user_delete('eve')")
	same(t, "sessions of users", one[int](t, conn, "select count(*) from pgsession.sessions where username is not null"), 0)
}

// The order of locks, made visible: each of these has the user first and then waits for a session, holding no other
// session of a greater key.
func TestLockOrder(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	user(t, conn, "ann")
	for _, call := range []string{
		"select pgsession.user_delete('ann')::text",
		"select pgsession.user_set_password('ann', 'another')::text",
		"select pgsession.user_rename('ann', 'eve')::text",
		"select pgsession.user_disable('ann')::text",
		"select pgsession.session_close_user('ann')::text",
		"select pgsession.session_close_all()::text",
		"update pgsession.users set status = 'disabled' where username = 'ann' returning status",
	} {
		exec(t, conn, "delete from pgsession.sessions")
		for range 4 {
			open(t, conn, "ann")
		}
		holder, caller, looker := db.Conn(t), db.Conn(t), db.Conn(t)
		const second = "select key from pgsession.sessions order by key limit 1 offset 1"
		exec(t, holder, "begin")
		exec(t, holder, "select from pgsession.sessions where key = ("+second+") for update")
		exec(t, caller, "begin")
		c := begin(t, caller, call)
		c.blocks(t, holder)
		const free = "select coalesce(string_agg(n::text, ' '), 'none') from (select rank() over (order by key) n, key from pgsession.sessions) k where exists (select from pgsession.sessions s where s.key = k.key for update skip locked)"
		same(t, call+": sessions still free", one[string](t, looker, free), "3 4")
		userFree := one[bool](t, looker, "select exists (select from pgsession.users where username = 'ann' for no key update skip locked)")
		same(t, call+": user still free", userFree, call == "select pgsession.session_close_all()::text")
		exec(t, holder, "rollback")
		if a := c.end(t); a.err != nil {
			t.Errorf("%s: %v", call, a.err)
		}
		exec(t, caller, "rollback")
	}
}

// Granting, too, queues up: two installers of two applications do not fail on one row of the catalogue.
func TestTwoGrantsAtOnce(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	app, other, first, second := db.As(t), db.As(t), db.Conn(t), db.Conn(t)
	exec(t, first, "begin")
	exec(t, first, "select pgsession.grant_app($1)", app.User)
	c := begin(t, second, "select coalesce(pgsession.grant_app($1)::text, '')", other.User)
	c.blocks(t, first)
	exec(t, first, "commit")
	c.end(t).is(t, "second", "")
	for _, role := range []string{app.User, other.User} {
		same(t, "granted", one[bool](t, conn, "select pg_catalog.has_function_privilege($1, 'pgsession.version()', 'execute')", role), true)
	}
}

// A rename waits for a login in progress, whose session follows it.
func TestRenameAfterALogin(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	user(t, conn, "ann")
	in, renaming := db.Conn(t), db.Conn(t)
	exec(t, in, "begin")
	same(t, "login", one[string](t, in, logIn, password), "ok 1")
	c := begin(t, renaming, "select pgsession.user_rename('ann', 'eve')::text")
	c.blocks(t, in)
	exec(t, in, "commit")
	c.end(t).is(t, "rename", "true")
	same(t, "sessions", one[int](t, conn, "select count(*) from pgsession.session_list('eve')"), 1)
}

func TestOfTwoRenamesToOneNameOneWins(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	user(t, conn, "ann", "bob")
	first, second := db.Conn(t), db.Conn(t)
	exec(t, first, "begin")
	exec(t, first, "select pgsession.user_rename('ann', 'eve')")
	c := begin(t, second, "select pgsession.user_rename('bob', 'eve')::text")
	c.blocks(t, first)
	exec(t, first, "commit")
	c.end(t).is(t, "second", "SE004")
}

// Whatever meets the deletion of its user waits for it, if it does, and finds nobody; the deletion waits for whatever was
// first, and leaves nothing of it.
func TestDeletionAgainstEverything(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	const del = "select pgsession.user_delete('ann')::text"
	for _, tt := range []struct {
		call         string
		first, after string // what it says if it comes first, and if it comes second
		passes       bool   // it does not wait for the deletion
	}{
		{"select outcome from pgsession.login('ann', '" + password + "') where $1::bytea is not null", "ok", "bad_credentials", false},
		{"select pgsession.user_change_password('ann', '" + password + "', 'another', $1)", "ok", "bad_credentials", false},
		{"select pgsession.user_set_password('ann', 'another', $1)::text", "0", "SE003", false},
		{"select pgsession.user_save('ann', jsonb_build_object('n', octet_length($1::bytea)))::text", "2", "SE003", false},
		{"select pgsession.user_disable('ann')::text where $1::bytea is not null", "true", "false", false},
		{"select pgsession.user_enable('ann')::text where $1::bytea is not null", "true", "false", false},
		{"select pgsession.user_rename('ann', 'ann')::text where $1::bytea is not null", "true", "false", false},
		{"select pgsession.user_delete('ann')::text where $1::bytea is not null", "true", "false", false},
		{"select username from pgsession.session_open('ann') where $1::bytea is not null", "ann", "SE003", false},
		{"select username from pgsession.session_rotate(p_key => $1, p_new_key => sha256($1))", "ann", "SE001", false},
		{"select username from pgsession.session_rotate((select token from pgsession.session_open()), 'ann') where $1::bytea is not null", "ann", "SE003", false},
		{"select version::text from pgsession.session_merge(p_key => $1, p_patch => '{}')", "2", "SE001", false},
		{"select pgsession.session_save(p_key => $1, p_payload => '{}')::text", "2", "SE001", false},
		{"select pgsession.session_close(p_key => $1)::text", "true", "false", false},
		{"select pgsession.session_close_user('ann')::text where $1::bytea is not null", "1", "0", false},
		{"select pgsession.session_close_all()::text where $1::bytea is not null", "1", "0", false},
		{"select pgsession.session_touch(array[$1::bytea])::text", "1", "0", true},
		{"select pgsession.session_sweep()::text where $1::bytea is not null", "0", "0", true},
	} {
		t.Run(tt.call, func(t *testing.T) {
			calling, deleting := db.Conn(t), db.Conn(t)
			again := func() session {
				exec(t, conn, "delete from pgsession.users; delete from pgsession.sessions")
				user(t, conn, "ann")
				return open(t, conn, "ann")
			}
			s := again()
			exec(t, deleting, "begin")
			same(t, "deleted", one[string](t, deleting, del), "true")
			c := begin(t, calling, tt.call, s.key)
			if !tt.passes {
				c.blocks(t, deleting)
			} else {
				c.end(t).is(t, "during the deletion", tt.after)
			}
			exec(t, deleting, "commit")
			if !tt.passes {
				c.end(t).is(t, "after the deletion", tt.after)
			}
			same(t, "sessions", one[int](t, conn, "select count(*) from pgsession.sessions where username is not null"), 0)

			s = again()
			exec(t, calling, "begin")
			same(t, "first", one[string](t, calling, tt.call, s.key), tt.first)
			c = begin(t, deleting, del)
			if strings.Contains(tt.call, "sweep") {
				c.end(t).is(t, "the deletion", "true")
			} else {
				c.blocks(t, calling)
			}
			exec(t, calling, "commit")
			if !strings.Contains(tt.call, "sweep") {
				c.end(t).is(t, "the deletion", map[bool]string{true: "false", false: "true"}[strings.Contains(tt.call, "user_delete")])
			}
			same(t, "sessions", one[int](t, conn, "select count(*) from pgsession.sessions where username is not null"), 0)
		})
	}
}
