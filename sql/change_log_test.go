package sql_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// cast is the sessions that a change is made to: three of ann's, one of bob's, an anonymous one, by the keys
// sha256('a1') and so on.
func cast(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	exec(t, conn, `
		delete from pgsession.sessions; delete from pgsession.users;
		insert into pgsession.users (username, cryptpasswd) values ('ann', '!'), ('bob', '!');
		select pgsession.session_open('ann', 3600, '{"p": 1}', p_key => sha256(k)) from unnest(array['a1', 'a2', 'a3']::bytea[]) k;
		select pgsession.session_open('bob', 3600, p_key => sha256('b1'));
		select pgsession.session_open(null, 3600, p_key => sha256('x1'))`)
}

// roles says of items whose they are: "s(a1)", "u(ann)", "*".
func roles(t *testing.T, conn *pgx.Conn, items []item) string {
	t.Helper()
	names := map[item]string{{Kind: "*"}: "*"}
	for _, name := range []string{"a1", "a2", "a3", "b1", "x1", "new"} {
		names[item{"s", one[int64](t, conn, "select pgsession.session_tag(sha256($1))", []byte(name))}] = "s(" + name + ")"
	}
	for _, name := range []string{"ann", "bob", "eve"} {
		names[item{"u", one[int64](t, conn, "select pgsession.user_tag($1)", name)}] = "u(" + name + ")"
	}
	var texts []string
	for _, i := range items {
		if names[i] == "" {
			t.Errorf("an item of nobody's: %v", i)
		}
		texts = append(texts, names[i])
	}
	slices.Sort(texts)
	return strings.Join(texts, " ")
}

// byFunctions is what calls of functions log and notify.
var byFunctions = map[string]string{
	// Opening: absence is never cached. Reading, touching and what concerns the user alone: nothing that is cached.
	"select pgsession.session_open('ann', p_key => sha256('new'))":                             "",
	"select pgsession.login('ann', 'x')":                                                       "",
	"select pgsession.session_get(p_key => sha256('a1'))":                                      "",
	"select pgsession.session_list('ann')":                                                     "",
	"select pgsession.session_touch(array[sha256('a1'), sha256('b1')])":                        "",
	"select pgsession.user_create('cy', 'x')":                                                  "",
	`select pgsession.user_save('ann', '{"a": 1}')`:                                            "",
	"select pgsession.session_sweep()":                                                         "",
	"select pgsession.session_close(p_key => sha256('none'))":                                  "",
	"select pgsession.session_close_user('nobody')":                                            "",
	"select pgsession.session_close_user('bob', sha256('b1'))":                                 "",
	"select pgsession.session_save(p_key => sha256('a1'), p_payload => '{}')":                  "s(a1)",
	"select pgsession.session_merge(p_key => sha256('a1'), p_patch => '{}')":                   "s(a1)",
	"select pgsession.session_rotate(p_key => sha256('a1'), p_new_key => sha256('new'))":       "s(a1)",
	"select pgsession.session_rotate(sha256('x1'), sha256('new'), 'ann')":                      "s(x1)",
	"select pgsession.session_close(p_key => sha256('a1'))":                                    "s(a1)",
	"select pgsession.session_close_id('bob', (select id from pgsession.session_list('bob')))": "s(b1)",
	"select pgsession.session_close_user('ann')":                                               "u(ann)",
	"select pgsession.session_close_user('ann', sha256('a1'))":                                 "u(ann)",
	"select pgsession.session_close_user('bob')":                                               "s(b1)",
	"select pgsession.session_close_all()":                                                     "s(b1) s(x1) u(ann)",
	"select pgsession.user_set_password('ann', 'x')":                                           "u(ann)",
	"select pgsession.user_set_password('bob', 'x')":                                           "s(b1)",
	"select pgsession.user_set_password('bob', 'x', sha256('b1'))":                             "",
	"select pgsession.user_delete('ann')":                                                      "u(ann)",
	"select pgsession.user_delete('nobody')":                                                   "",
}

// byHand is what plain SQL logs and notifies, whoever sends it.
var byHand = map[string]string{
	"update pgsession.sessions set payload = '{\"by\": \"hand\"}' where key = sha256('a1')":                                                           "s(a1)",
	"update pgsession.sessions set payload = payload":                                                                                                 "",
	"update pgsession.sessions set payload = '{}' where key = sha256('none')":                                                                         "",
	"update pgsession.sessions set origin = '{}', cryptpasswd = cryptpasswd":                                                                          "",
	"update pgsession.sessions set expires = expires + interval '1 hour'":                                                                             "",
	"update pgsession.sessions set expires = expires - interval '1 hour' where username = 'ann'":                                                      "s(a1) s(a2) s(a3)",
	"update pgsession.sessions set ends = now()":                                                                                                      "s(a1) s(a2) s(a3) s(b1) s(x1)",
	"update pgsession.sessions set username = null, cryptpasswd = null where key = sha256('b1')":                                                      "s(b1)",
	"update pgsession.sessions set key = sha256('new') where key = sha256('b1')":                                                                      "s(b1)",
	"with u as (update pgsession.sessions set payload = '{}' where key = sha256('a2') returning 1) select":                                            "s(a2)",
	"delete from pgsession.sessions where key = sha256('a3')":                                                                                         "s(a3)",
	"delete from pgsession.sessions where username = 'ann'":                                                                                           "u(ann)",
	"delete from pgsession.sessions":                                                                                                                  "s(b1) s(x1) u(ann)",
	"delete from pgsession.sessions where false":                                                                                                      "",
	"with d as (delete from pgsession.sessions where key = sha256('x1') returning 1) select count(*) from d":                                          "s(x1)",
	"update pgsession.users set username = 'eve' where username = 'ann'":                                                                              "s(a1) s(a2) s(a3) u(ann)",
	"update pgsession.users set cryptpasswd = '*' where username = 'ann'":                                                                             "u(ann)",
	"update pgsession.users set status = 'disabled'":                                                                                                  "s(b1) u(ann)",
	"update pgsession.users set payload = '{}', lasthit = now(), lastlogin = now()":                                                                   "",
	"delete from pgsession.users where username = 'bob'":                                                                                              "s(b1)",
	"delete from pgsession.users":                                                                                                                     "s(b1) u(ann)",
	"insert into pgsession.sessions (key) values (sha256('new'))":                                                                                     "",
	"insert into pgsession.sessions (key) values (sha256('new')), (sha256('a1')) on conflict (key) do update set payload = '{\"b\": 2}'":              "s(a1)",
	"insert into pgsession.sessions (key) values (sha256('a1')) on conflict do nothing":                                                               "",
	"insert into pgsession.users (username, cryptpasswd) values ('ann', '*') on conflict (username) do update set cryptpasswd = excluded.cryptpasswd": "u(ann)",
	"truncate pgsession.sessions":                                                                                                                     "*",
	"truncate pgsession.users cascade":                                                                                                                "*",
	"begin; delete from pgsession.sessions where key = sha256('a1'); rollback":                                                                        "",
	"begin; update pgsession.sessions set payload = '{\"c\": 3}' where key = sha256('x1'); savepoint a; delete from pgsession.sessions; truncate pgsession.sessions; rollback to a; update pgsession.sessions set payload = '{\"c\": 3}' where key = sha256('b1'); commit": "s(b1) s(x1)",
	"do $$ <<outer>> begin delete from pgsession.sessions where false; begin delete from pgsession.sessions; perform 1 / 0; exception when division_by_zero then null; end; delete from pgsession.sessions where key = sha256('x1'); end $$":                               "s(x1)",
}

// byMerge needs PostgreSQL 15.
var byMerge = map[string]string{
	"merge into pgsession.sessions s using (values (sha256('a1'))) v (key) on s.key = v.key when matched then update set payload = '{\"b\": 2}'": "s(a1)",
	"merge into pgsession.sessions s using (values (sha256('a1')), (sha256('b1'))) v (key) on s.key = v.key when matched then delete":            "s(a1) s(b1)",
	"merge into pgsession.sessions s using (values (sha256('new'))) v (key) on s.key = v.key when not matched then insert (key) values (v.key)":  "",
}

func TestWhatIsLogged(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	clerk := db.As(t)
	exec(t, conn, "grant usage on schema pgsession to "+clerk.User+"; grant select, insert, update, delete, truncate on pgsession.users, pgsession.sessions to "+clerk.User)
	app := db.As(t)
	exec(t, conn, "select pgsession.grant_app($1)", app.User)
	replica := db.Conn(t)
	exec(t, replica, "set session_replication_role = replica")
	byClerk, byApp := clerk.Conn(t), app.Conn(t)
	e := listen(t, db)

	check := func(who string, as *pgx.Conn, sql, want string) {
		t.Helper()
		cast(t, conn)
		logged(t, conn)
		e.heard(t)
		exec(t, as, sql)
		log, heard := logged(t, conn), e.heard(t)
		same(t, who+": "+sql+": logged", roles(t, conn, log), want)
		same(t, who+": "+sql+": notified", roles(t, conn, items(heard)), want)
		if len(heard) > 1 && !strings.Contains(sql, ";") && !strings.Contains(sql, "pgsession.users") {
			t.Errorf("%s: %d notifications", sql, len(heard))
		}
	}
	for sql, want := range byFunctions {
		if !strings.Contains(sql, "session_close_all") {
			check("application", byApp, sql, want)
		}
		check("superuser", conn, sql, want)
	}
	for sql, want := range byHand {
		check("superuser", conn, sql, want)
		check("clerk", byClerk, sql, want)
		check("replica", replica, sql, want)
	}
	if one[int](t, conn, "select current_setting('server_version_num')::int") >= 150000 {
		for sql, want := range byMerge {
			check("superuser", conn, sql, want)
			check("clerk", byClerk, sql, want)
		}
	}
}

func TestCopyIsJudgedLikeAnInsert(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	cast(t, conn)
	e := listen(t, db)
	logged(t, conn)
	copied, err := conn.CopyFrom(t.Context(), pgx.Identifier{"pgsession", "sessions"}, []string{"key", "username", "expiresecs"}, pgx.CopyFromRows([][]any{
		{one[[]byte](t, conn, "select sha256('c1')"), "ann", 60}, {one[[]byte](t, conn, "select sha256('c2')"), nil, nil},
	}))
	if err != nil || copied != 2 {
		t.Fatal(copied, err)
	}
	same(t, "hash", one[int](t, conn, "select count(*) from pgsession.sessions where key in (sha256('c1'), sha256('c2')) and (username is null or cryptpasswd = '!' and expires > now())"), 2)
	same(t, "logged and heard", len(logged(t, conn))+len(e.heard(t)), 0)
	if _, err := conn.CopyFrom(t.Context(), pgx.Identifier{"pgsession", "sessions"}, []string{"key", "username"}, pgx.CopyFromRows([][]any{{[]byte(strings.Repeat("k", 32)), "nobody"}})); state(err) != "SE003" {
		t.Error(err)
	}
}

func TestLogCannotBeTruncated(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	replica := db.Conn(t)
	exec(t, replica, "set session_replication_role = replica")
	for _, as := range []*pgx.Conn{conn, replica} {
		refused(t, as, "SE009", "truncate pgsession.change_log")
		refused(t, as, "SE009", "truncate pgsession.instances")
		refused(t, as, "SE009", "truncate pgsession.change_log, pgsession.change_state, pgsession.sessions restart identity cascade")
	}
}

// The parameters in which a transaction keeps what it has still to announce can be set by anybody. That may cost
// misses, or make the forger's own statements fail; it never keeps a change out of the log.
func TestForgedParametersHideNothing(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	app := db.As(t)
	exec(t, conn, "select pgsession.grant_app($1)", app.User)
	for _, parameter := range []string{"pgsession.sent_pgsession", "pgsession.pending_pgsession"} {
		for _, value := range []string{"*", "", "0", "8", "9", "-9999", "99999999999", "abc", "u", strings.Repeat("sAAAAAAAAAAA", 600), strings.Repeat("é", 9000)} {
			for how, set := range map[string]string{
				"for the session":     "select set_config('" + parameter + "', '" + value + "', false); begin; ",
				"for the transaction": "begin; select set_config('" + parameter + "', '" + value + "', true); ",
				"after a change":      "begin; select pgsession.session_merge(p_key => sha256('b1'), p_patch => '{}'); select set_config('" + parameter + "', '" + value + "', true); ",
			} {
				cast(t, conn)
				logged(t, conn)
				as := app.Conn(t)
				_, err := as.Exec(t.Context(), set+"select pgsession.session_save(p_key => sha256('a1'), p_payload => '{\"forged\": 1}'); select pgsession.session_close(p_key => sha256('b1')); commit")
				log := roles(t, conn, logged(t, conn))
				if err != nil {
					if !strings.HasPrefix(state(err), "22") {
						t.Errorf("%s = %.10s %s: %v", parameter, value, how, err)
					}
					same(t, "after a failure: payload", one[string](t, conn, "select payload::text from pgsession.session_get(p_key => sha256('a1'))"), `{"p": 1}`)
					continue
				}
				if !strings.Contains(log, "*") && !strings.HasPrefix(log, "s(a1) s(b1)") {
					t.Errorf("%s = %.10s %s: logged %q", parameter, value, how, log)
				}
				if err := as.Close(t.Context()); err != nil {
					t.Error(err)
				}
			}
		}
	}
}
