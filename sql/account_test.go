package sql_test

import (
	"strings"
	"testing"
)

func TestActivate(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	key := one[string](t, conn, "select pgsession.user_create('ann', 'x', p_pending => true)")
	activate := func(name string, key any) bool {
		t.Helper()
		return one[bool](t, conn, "select pgsession.user_activate($1, $2)", name, key)
	}
	for _, wrong := range []any{nil, "", key[1:], strings.ToLower(key), key + " ", "x"} {
		same(t, "a wrong key", activate("ann", wrong), false)
	}
	same(t, "another user", activate("bob", key), false)
	same(t, "null", one[bool](t, conn, "select pgsession.user_activate(null, $1)", key), false)
	exec(t, conn, "update pgsession.users set status = 'disabled'")
	same(t, "disabled meanwhile", activate("ann", key), false)
	exec(t, conn, "update pgsession.users set status = 'pending', activation_ends = statement_timestamp()")
	same(t, "too late", activate("ann", key), false)
	exec(t, conn, "update pgsession.users set activation_ends = now() + interval '1 minute'")
	same(t, "in time", activate("ann", key), true)
	same(t, "once only", activate("ann", key), false)
	same(t, "the key is gone", one[bool](t, conn, "select activation is null and status = 'active' from pgsession.users"), true)
	exec(t, conn, "update pgsession.users set status = 'pending'")
	same(t, "once only, whatever comes", activate("ann", key), false)

	// A user who is pending for another reason has no key that fits.
	same(t, "no key", activate("ann", ""), false)
	key = one[string](t, conn, "select pgsession.user_create('cy', 'x', p_pending => true)")
	exec(t, conn, "select pgsession.user_enable('cy')")
	same(t, "enabled meanwhile", activate("cy", key), false)
}

func TestOfTwoActivationsOneIsTrue(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	key := one[string](t, conn, "select pgsession.user_create('ann', 'x', p_pending => true)")
	first, second := db.Conn(t), db.Conn(t)
	const activate = "select pgsession.user_activate('ann', $1)::text"
	exec(t, first, "begin")
	same(t, "first", one[string](t, first, activate, key), "true")
	c := begin(t, second, activate, key)
	c.blocks(t, first)
	exec(t, first, "commit")
	c.end(t).is(t, "second", "false")
}

func TestChangePassword(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	user(t, conn, "ann", "bob")
	keep, end, other := open(t, conn, "ann"), open(t, conn, "ann"), open(t, conn, "bob")
	const change = "select pgsession.user_change_password('ann', $1, $2, $3)"
	same(t, "wrong", one[string](t, conn, change, "wrong", "another", keep.key), "bad_credentials")
	same(t, "unknown", one[string](t, conn, "select pgsession.user_change_password('nobody', $1, 'another')", password), "bad_credentials")
	same(t, "live", live(t, conn, end.key), true)
	for _, status := range []string{"pending", "disabled"} {
		exec(t, conn, "select pgsession.user_create($1, $2); ", status, password)
		exec(t, conn, "update pgsession.users set status = username where username = $1", status)
		same(t, status, one[string](t, conn, "select pgsession.user_change_password($1, $2, 'another')", status, password), status)
		same(t, status+", wrong", one[string](t, conn, "select pgsession.user_change_password($1, 'wrong', 'another')", status), "bad_credentials")
		same(t, status+": unchanged", one[string](t, conn, "select outcome from pgsession.login($1, $2)", status, password), status)
	}
	same(t, "right", one[string](t, conn, change, password, "another", keep.key), "ok")
	same(t, "kept, ended, another's", [3]bool{live(t, conn, keep.key), live(t, conn, end.key), live(t, conn, other.key)}, [3]bool{true, false, true})
	same(t, "old", one[string](t, conn, logIn, password), "bad_credentials 0")
	same(t, "new", one[string](t, conn, logIn, "another"), "ok 1")
	same(t, "keeping none", one[string](t, conn, change, "another", "a third", nil), "ok")
	same(t, "sessions", one[int](t, conn, "select count(*) from pgsession.session_list('ann')"), 0)

	refused(t, conn, "SE005", change, nil, "x", nil)
	refused(t, conn, "SE005", change, "a third", nil, nil)
	refused(t, conn, "SE005", change, "a third", strings.Repeat("x", 73), nil)
	refused(t, conn, "SE005", change, "a third", "x", []byte("short"))
	refused(t, conn, "SE005", "select pgsession.user_change_password('ann', 'a third', 'x', p_origin => '[]')")
	refused(t, conn, "SE005", "select pgsession.user_change_password(null, 'a third', 'x')")
	exec(t, conn, "update pgsession.settings set value = '8' where name = 'password_min'")
	refused(t, conn, "SE005", change, "a third", "seven77", nil)
}

// Who logs in with an old hash, or changes its password, ends up with a current one.
func TestChangingAPasswordWithAnOldHash(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	for name, hash := range oldHashes() {
		exec(t, conn, "insert into pgsession.users (username, cryptpasswd) values ($1, $2)", name, hash)
		same(t, name, one[string](t, conn, "select pgsession.user_change_password($1, $2, 'another')", name, oldPassword), "ok")
		same(t, name, one[bool](t, conn, "select pgsession.password_matches('another', cryptpasswd) and pgsession.bcrypt_is_current(cryptpasswd) from pgsession.users where username = $1", name), true)
	}
}

// The least length counts in characters, for new passwords; those that are set stay good.
func TestShortPasswords(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	exec(t, conn, "select pgsession.user_create('ann', 'x'); update pgsession.settings set value = '8' where name = 'password_min'")
	for _, short := range []string{"seven77", "äöüäöüä", "😀😀😀😀😀😀😀"} {
		refused(t, conn, "SE005", "select pgsession.user_create('bob', $1)", short)
		refused(t, conn, "SE005", "select pgsession.user_set_password('ann', $1)", short)
	}
	same(t, "an old one", one[string](t, conn, logIn, "x"), "ok 1")
	exec(t, conn, "select pgsession.user_set_password('ann', 'äöüäöüäö')")
	exec(t, conn, "update pgsession.settings set value = '15' where name = 'password_min'")
	refused(t, conn, "SE005", "select pgsession.user_set_password('ann', 'fourteen chars')")
	exec(t, conn, "select pgsession.user_set_password('ann', 'fifteen letters')")
}

func TestDisableAndEnable(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	user(t, conn, "ann", "bob")
	s, other := open(t, conn, "ann"), open(t, conn, "bob")
	status := func() string {
		t.Helper()
		return one[string](t, conn, "select status || version from pgsession.user_get('ann')")
	}
	for range 2 {
		same(t, "disabled", one[bool](t, conn, "select pgsession.user_disable('ann')"), true)
		same(t, "status", status(), "disabled2")
		same(t, "live", [2]bool{live(t, conn, s.key), live(t, conn, other.key)}, [2]bool{false, true})
	}
	refused(t, conn, "SE006", "select pgsession.session_open('ann')")
	for range 2 {
		same(t, "enabled", one[bool](t, conn, "select pgsession.user_enable('ann')"), true)
		same(t, "status", status(), "active3")
	}
	same(t, "login", one[string](t, conn, logIn, password), "ok 1")
	for _, nobody := range []any{nil, "", "nobody", "Ann"} {
		same(t, "disabled", one[bool](t, conn, "select pgsession.user_disable($1)", nobody), false)
		same(t, "enabled", one[bool](t, conn, "select pgsession.user_enable($1)", nobody), false)
	}
}

func TestRename(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	user(t, conn, "ann", "bob")
	s := open(t, conn, "ann")
	logged := loggedBy(t, conn, "select pgsession.user_rename('ann', 'eve')")
	if !strings.Contains(logged, "u") || !strings.Contains(logged, "s") {
		t.Errorf("a rename logs %q", logged)
	}
	same(t, "old name logged", one[int](t, conn, "select count(*) from pgsession.change_log where kind = 'u' and tag = pgsession.user_tag('ann')"), 1)
	same(t, "session", one[string](t, conn, "select username from pgsession.session_get(p_key => $1::bytea)", s.key), "eve")
	same(t, "login", one[string](t, conn, "select outcome from pgsession.login('eve', $1)", password), "ok")
	same(t, "by the old name", one[string](t, conn, logIn, password), "bad_credentials 0")
	refused(t, conn, "SE004", "select pgsession.user_rename('eve', 'bob')")
	same(t, "to the same name", one[bool](t, conn, "select pgsession.user_rename('eve', 'eve')"), true)
	for _, bad := range []any{nil, "", "a\n", strings.Repeat("a", 256)} {
		refused(t, conn, "SE005", "select pgsession.user_rename('eve', $1)", bad)
	}
	for _, nobody := range []any{nil, "", "ann"} {
		same(t, "nobody", one[bool](t, conn, "select pgsession.user_rename($1, 'cy')", nobody), false)
	}
	same(t, "ended", one[int](t, conn, "select pgsession.user_set_password('eve', 'another')"), 2)
}

func TestUserList(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	same(t, "nobody", one[int](t, conn, "select count(*) from pgsession.user_list()"), 0)
	user(t, conn, awkwardNames()...)
	var names []string
	after := ""
	for {
		page := list[string](t, conn, "select username from pgsession.user_list($1, 7)", after)
		if len(page) == 0 {
			break
		}
		names = append(names, page...)
		after = page[len(page)-1]
	}
	same(t, "users, page by page", len(set(names)), len(awkwardNames()))
	same(t, "the columns", one[bool](t, conn, "select l::text = u::text from pgsession.user_list(null, 1) l, pgsession.user_get(l.username) u"), true)
	same(t, "hashes shown", one[int](t, conn, "select count(*) from pgsession.user_list() l where l::text like '%$2a$%'"), 0)
	for _, limit := range []any{nil, 0, -1} {
		refused(t, conn, "SE005", "select pgsession.user_list('', $1)", limit)
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	user(t, conn, "ann")
	exec(t, conn, "set timezone = 'UTC'")
	explain := func(token any) string {
		t.Helper()
		return one[string](t, conn, "select pgsession.session_explain($1)", token)
	}
	starts := func(what, text, with string) {
		t.Helper()
		if !strings.HasPrefix(text, with) {
			t.Errorf("%s: %s", what, text)
		}
	}
	s := open(t, conn, "ann")
	for _, bad := range []any{nil, "", s.token[1:], s.token + "A", strings.Repeat("!", 44)} {
		starts("no token", explain(bad), "malformed: ")
	}
	exec(t, conn, "update pgsession.sessions set createddate = '2024-01-01', expires = '2044-05-06 07:08:09+00'")
	same(t, "live", explain(s.token), "accepted: session 1, of 'ann', opened at 2024-01-01 00:00:00+00, until 2044-05-06 07:08:09+00")
	exec(t, conn, "update pgsession.sessions set expires = '2024-05-06 07:08:09+00'")
	same(t, "idle", explain(s.token), "expired: session 1, of 'ann', opened at 2024-01-01 00:00:00+00, was last due to be used before 2024-05-06 07:08:09+00")
	exec(t, conn, "update pgsession.sessions set ends = expires")
	same(t, "at its end", explain(s.token), "expired: session 1, of 'ann', opened at 2024-01-01 00:00:00+00, reached its absolute deadline at 2024-05-06 07:08:09+00")
	exec(t, conn, "delete from pgsession.sessions")
	starts("deleted", explain(s.token), "ended: session 1, of 'ann', at ")
	token := one[string](t, conn, "select token from pgsession.session_open()")
	starts("anonymous", explain(token), "accepted: session 2, anonymous, opened at ")
	if text := explain(token); !strings.HasSuffix(text, ", without a deadline") || strings.Contains(text, token) {
		t.Error(text)
	}
}

func TestCloseAll(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	user(t, conn, "ann")
	open(t, conn, "ann")
	open(t, conn, "")
	expired := open(t, conn, "ann")
	exec(t, conn, "update pgsession.sessions set expires = statement_timestamp() where id = $1", expired.id)
	same(t, "live ones ended", one[int](t, conn, "select pgsession.session_close_all()::int"), 2)
	same(t, "sessions", one[int](t, conn, "select count(*) from pgsession.sessions"), 0)
	same(t, "again", one[int](t, conn, "select pgsession.session_close_all()::int"), 0)
}
