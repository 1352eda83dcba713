package sql_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// shape is the columns of a session as every function that returns one has them.
const shape = "id,key,username,payload,version,createddate,expires,expiresecs,ttl,epoch"

func columns(t *testing.T, conn *pgx.Conn, sql string) string {
	t.Helper()
	described, err := conn.Prepare(t.Context(), sql, sql)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, field := range described.Fields {
		names = append(names, field.Name)
	}
	return strings.Join(names, ",")
}

// Names and order are part of the contract.
func TestShapes(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	for call, want := range map[string]string{
		"session_get(p_key => 'x')":                      shape,
		"session_get(p_token => 'x')":                    shape,
		"session_merge(p_key => 'x', p_patch => '{}')":   shape,
		"session_merge(p_token => 'x', p_patch => '{}')": shape,
		"session_open()":                                 "token," + shape,
		"session_rotate(p_token => 'x')":                 "token," + shape,
		"session_rotate(p_key => 'x', p_new_key => '')":  "token," + shape,
		"login('x', 'y')":                                "outcome,retry_after,token," + shape,
		"session_scan()":                                 shape,
		"session_list('x')":                              "id,username,version,createddate,expires,expiresecs,ttl,epoch,origin",
		"user_get('x')":                                  "id,username,status,payload,version,createddate,lastlogin,lasthit",
		"change_poll()":                                  "epoch,low_water,snapshot,lease,poll,notify,kind,tag,member,fencing,wait",
		"stats()":                                        "users,sessions,expired,log_rows,low_water,epoch",
	} {
		same(t, call, columns(t, conn, "select * from pgsession."+call), want)
	}
}

func TestOpenAndGet(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	user(t, conn, "ann")
	exec(t, conn, "select pgsession.change_start()")

	s := open(t, conn, "ann")
	for _, by := range []struct {
		sql string
		arg any
	}{{"p_token => $1::text", s.token}, {"p_key => $1::bytea", s.key}} {
		same(t, by.sql, one[string](t, conn, `
			select concat_ws(' ', id = $2 and key = $3 and expires = createddate + interval '1 hour' and epoch = pgsession.epoch()
			                 and ttl between interval '59 minutes' and interval '1 hour' and expires - statement_timestamp() = ttl,
			                 username, payload, version, expiresecs)
			  from pgsession.session_get(`+by.sql+`)`, by.arg, s.id, s.key), "t ann {} 1 3600")
	}

	// Anonymous, with no deadline, under a key of the caller's, with everything that can be given.
	same(t, "opened", one[string](t, conn, `
		select concat_ws(' ', key = sha256('foreign') and num_nulls(token, username, expires, expiresecs, ttl) = 5, payload)
		  from pgsession.session_open(p_payload => '{"a": 1}', p_origin => '{"ip": "::1"}', p_key => sha256('foreign'))`), `t {"a": 1}`)
	refused(t, conn, "SE004", "select pgsession.session_open(p_key => sha256('foreign'))")
	same(t, "got", one[string](t, conn, "select payload::text from pgsession.session_get(p_key => sha256('foreign'))"), `{"a": 1}`)

	// One that has expired does not keep its key, swept or not.
	exec(t, conn, "update pgsession.sessions set expires = statement_timestamp() where key = sha256('foreign')")
	same(t, "opened again", one[string](t, conn, "select concat(payload, version) from pgsession.session_open('ann', p_key => sha256('foreign'))"), "{}1")
	exec(t, conn, "update pgsession.sessions set expires = statement_timestamp() where key = sha256('foreign')")
	same(t, "rotated there", one[bool](t, conn, "select id = $2 from pgsession.session_rotate(p_key => $1::bytea, p_new_key => sha256('foreign'))", s.key, s.id), true)

	refused(t, conn, "SE003", "select pgsession.session_open('nobody')")
	exec(t, conn, "update pgsession.users set status = 'disabled'")
	refused(t, conn, "SE006", "select pgsession.session_open('ann')")
	refused(t, conn, "SE005", "select pgsession.session_open(p_expiresecs => 0)")
	refused(t, conn, "SE005", "select pgsession.session_open(p_expiresecs => -1)")
	exec(t, conn, "select pgsession.session_open(p_expiresecs => 2147483647)")
	for _, origin := range []string{`[]`, `1`, `null`, `{"a": "` + strings.Repeat("x", 4096) + `"}`} {
		refused(t, conn, "SE005", "select pgsession.session_open(p_origin => $1)", origin)
	}
	same(t, "sessions", one[int](t, conn, "select count(*) from pgsession.sessions"), 1)
}

func TestSaveAndMerge(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	s := open(t, conn, "")
	same(t, "saved", one[int](t, conn, `select pgsession.session_save(p_token => $1, p_payload => '{"a": 1}')::int`, s.token), 2)
	same(t, "saved", one[int](t, conn, `select pgsession.session_save(p_key => $1, p_payload => '{"a": 2}', p_version => 2)::int`, s.key), 3)
	refused(t, conn, "SE002", `select pgsession.session_save(p_token => $1, p_payload => '{"a": 3}', p_version => 2)`, s.token)
	refused(t, conn, "SE002", `select pgsession.session_save(p_key => $1, p_payload => '{"a": 3}', p_version => 4)`, s.key)
	same(t, "kept", one[string](t, conn, "select concat(payload, version) from pgsession.session_get(p_key => $1::bytea)", s.key), `{"a": 2}3`)
	same(t, "merged", one[string](t, conn, `select concat(id = $2, payload, version) from pgsession.session_merge(p_token => $1::text, p_patch => '{"b": 1}')`, s.token, s.id), `t{"a": 2, "b": 1}4`)
	for _, patch := range []any{nil, `[]`, `null`, `"x"`} {
		refused(t, conn, "SE005", "select pgsession.session_merge(p_token => $1, p_patch => $2)", s.token, patch)
	}
	same(t, "by hand", one[int](t, conn, "update pgsession.sessions set payload = '{}' returning version::int"), 5)
	same(t, "by hand, back", one[int](t, conn, "update pgsession.sessions set version = 1 returning version::int"), 6)
	same(t, "not changed", one[int](t, conn, "update pgsession.sessions set payload = payload, origin = '{}' returning version::int"), 6)
}

// What is gone stays gone, whichever way it went.
func TestGone(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	user(t, conn, "ann", "bob", "cy")
	for how, end := range map[string]string{
		"closed":           "select pgsession.session_close(p_key => $1)",
		"rotated":          "select pgsession.session_rotate(p_key => $1, p_new_key => sha256($1))",
		"expired":          "update pgsession.sessions set expires = statement_timestamp() where key = $1",
		"deleted":          "delete from pgsession.sessions where key = $1",
		"user deleted":     "with u as (delete from pgsession.users where username = 'bob' returning 1) select from u where $1::bytea is null",
		"user disabled":    "with u as (update pgsession.users set status = 'disabled' where username = 'cy' returning 1) select from u where $1::bytea is null",
		"password changed": "with u as (update pgsession.users set cryptpasswd = '*' where username = 'ann' returning 1) select from u where $1::bytea is null",
	} {
		s := open(t, conn, map[string]string{"user deleted": "bob", "user disabled": "cy", "password changed": "ann"}[how])
		same(t, how+": live", live(t, conn, s.key), true)
		exec(t, conn, end, s.key)
		same(t, how+": live", live(t, conn, s.key), false)
		same(t, how+": closed", one[bool](t, conn, "select pgsession.session_close(p_key => $1)", s.key), false)
		same(t, how+": logged out", one[bool](t, conn, "select pgsession.logout($1)", s.token), false)
		s2 := s
		if how == "expired" { // closing has just removed it
			s2 = open(t, conn, "")
			exec(t, conn, end, s2.key)
		}
		refused(t, conn, "SE001", "select pgsession.session_save(p_key => $1, p_payload => '{}')", s2.key)
		refused(t, conn, "SE001", "select pgsession.session_save(p_key => $1, p_payload => '{}', p_version => 1)", s2.key)
		refused(t, conn, "SE001", "select pgsession.session_merge(p_key => $1, p_patch => '{}')", s2.key)
		refused(t, conn, "SE001", "select pgsession.session_rotate(p_token => $1)", s2.token)
		same(t, how+": touched", one[int](t, conn, "select pgsession.session_touch(array[$1::bytea])", s2.key), 0)
		same(t, how+": live after all", live(t, conn, s2.key), false)
	}
}

func TestRotate(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	user(t, conn, "ann", "bob")
	s := open(t, conn, "")
	exec(t, conn, `select pgsession.session_save(p_token => $1, p_payload => '{"cart": 3}')`, s.token)

	var in session
	if err := conn.QueryRow(t.Context(), "select token, id, key from pgsession.session_rotate(p_token => $1, p_username => 'ann')", s.token).Scan(&in.token, &in.id, &in.key); err != nil {
		t.Fatal(err)
	}
	same(t, "id", in.id, s.id)
	same(t, "old key", live(t, conn, s.key), false)
	same(t, "new key", one[string](t, conn, "select concat(username, payload, version) from pgsession.session_get(p_token => $1::text)", in.token), `ann{"cart": 3}3`)
	same(t, "slot", one[bool](t, conn, "select get_byte($1, 0) = get_byte(sha256('ann'), 0)", in.key), true)
	same(t, "hash", one[bool](t, conn, "select s.cryptpasswd = u.cryptpasswd from pgsession.sessions s join pgsession.users u using (username) where s.id = $1", s.id), true)

	refused(t, conn, "SE005", "select pgsession.session_rotate(p_token => $1, p_username => 'bob')", in.token)
	refused(t, conn, "SE005", "select pgsession.session_rotate(p_token => $1, p_username => 'nobody')", in.token)
	refused(t, conn, "SE005", "select pgsession.session_rotate(p_key => $1, p_new_key => null)", in.key)
	refused(t, conn, "SE004", "select pgsession.session_rotate(p_key => $1, p_new_key => $1)", in.key)
	refused(t, conn, "SE003", "select pgsession.session_rotate(p_token => $1, p_username => 'nobody')", open(t, conn, "").token)
	same(t, "still there", live(t, conn, in.key), true)

	same(t, "same user, key form", one[string](t, conn, `select concat_ws(' ', token is null and key = sha256('next'), username, version)
		from pgsession.session_rotate(p_key => $1::bytea, p_new_key => sha256('next'), p_username => 'ann')`, in.key), "t ann 4")
	same(t, "no user named, token form", one[string](t, conn, "select concat_ws(' ', username, version, get_byte(key, 0) = get_byte(pgsession.session_key(token), 0)) from pgsession.session_rotate(p_token => $1)",
		open(t, conn, "bob").token), "bob 2 t")
	exec(t, conn, "update pgsession.users set status = 'disabled' where username = 'bob'")
	refused(t, conn, "SE006", "select pgsession.session_rotate(p_token => $1, p_username => 'bob')", open(t, conn, "").token)
}

func TestClose(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	user(t, conn, "ann", "bob")
	a, b, c, d := open(t, conn, "ann"), open(t, conn, "ann"), open(t, conn, "ann"), open(t, conn, "ann")
	other := open(t, conn, "bob")
	same(t, "newest first", one[bool](t, conn, "select array_agg(id) = $1 from pgsession.session_list('ann')", []int64{d.id, c.id, b.id, a.id}), true)
	same(t, "by another's name", one[bool](t, conn, "select pgsession.session_close_id('bob', $1)", a.id), false)
	same(t, "by id", one[bool](t, conn, "select pgsession.session_close_id('ann', $1)", a.id), true)
	same(t, "by id again", one[bool](t, conn, "select pgsession.session_close_id('ann', $1)", a.id), false)
	same(t, "by token", one[bool](t, conn, "select pgsession.session_close(p_token => $1)", b.token), true)
	same(t, "log out again", one[bool](t, conn, "select pgsession.logout($1)", b.token), false)
	open(t, conn, "ann")
	same(t, "all but one", one[int](t, conn, "select pgsession.session_close_user('ann', $1)::int", c.key), 2)
	same(t, "that one", live(t, conn, c.key), true)
	expired := open(t, conn, "ann")
	exec(t, conn, "update pgsession.sessions set expires = statement_timestamp() where id = $1", expired.id)
	same(t, "listed", one[int](t, conn, "select count(*) from pgsession.session_list('ann')"), 1)
	same(t, "all", one[int](t, conn, "select pgsession.session_close_user('ann')::int"), 1)
	same(t, "expired ones too", one[int](t, conn, "select count(*) from pgsession.sessions"), 1)
	same(t, "another's", live(t, conn, other.key), true)
	open(t, conn, "")
	same(t, "everybody's", one[int](t, conn, "select pgsession.session_close_all()::int"), 2)
	same(t, "of nobody", one[int](t, conn, "select pgsession.session_close_user('nobody')::int"), 0)
}

func TestListShowsTheOriginAndNoSecret(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	user(t, conn, "ann")
	exec(t, conn, `select pgsession.session_open('ann', 60, '{"secret": 1}', '{"agent": "x"}')`)
	same(t, "row", one[string](t, conn, "select concat_ws(' ', username, version, expiresecs, ttl > '59 s', origin) from pgsession.session_list('ann')"), `ann 1 60 t {"agent": "x"}`)
	same(t, "row", one[bool](t, conn, "select l::text like '%secret%' from pgsession.session_list('ann') l"), false)
}

func TestStatsAndVersion(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	user(t, conn, "ann", "bob")
	open(t, conn, "ann")
	s := open(t, conn, "ann")
	exec(t, conn, "update pgsession.sessions set expires = statement_timestamp() where id = $1", s.id)
	same(t, "stats", one[string](t, conn, "select concat_ws(' ', users, sessions, expired, log_rows, low_water is null, epoch is null) from pgsession.stats()"), "2 1 1 1 t t")
	exec(t, conn, "select pgsession.change_start()")
	same(t, "stats", one[bool](t, conn, "select low_water is not null and epoch = pgsession.epoch() from pgsession.stats()"), true)
	same(t, "version", one[string](t, conn, "select pgsession.version()"), "0.1.0")
}

func TestScan(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	user(t, conn, "ann")
	a, b, expired, c := open(t, conn, "ann"), open(t, conn, ""), open(t, conn, "ann"), open(t, conn, "")
	exec(t, conn, "update pgsession.sessions set expires = statement_timestamp() where id = $1", expired.id)
	const ids = "select coalesce(array_agg(id), '{}') = $1 from pgsession.session_scan"
	same(t, "all", one[bool](t, conn, ids+"()", []int64{a.id, b.id, c.id}), true)
	same(t, "the first two", one[bool](t, conn, ids+"(p_limit => 2)", []int64{a.id, b.id}), true)
	same(t, "what comes after", one[bool](t, conn, ids+"($2, 2)", []int64{c.id}, b.id), true)
	same(t, "after the last", one[bool](t, conn, ids+"($2)", []int64{}, c.id), true)
	same(t, "as session_get tells", one[bool](t, conn, `select (s.key, s.username, s.payload, s.version, s.expires, s.expiresecs)
		is not distinct from (g.key, g.username, g.payload, g.version, g.expires, g.expiresecs)
		from pgsession.session_scan() s, pgsession.session_get(p_key => $1) g where s.id = g.id`, a.key), true)
	for _, call := range []string{"(null)", "(0, null)", "(0, 0)", "(0, -1)"} {
		refused(t, conn, "SE005", "select pgsession.session_scan"+call)
	}
}
