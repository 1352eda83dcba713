package sql_test

import (
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const importUser = "select pgsession.import_user($1, $2, '2003-04-11', $3::timestamptz, null, '{}', null)"

// importSession imports the session "cookie" of a user with an hour of idle lifetime.
func importSession(t *testing.T, conn *pgx.Conn, username, hash, created string) string {
	t.Helper()
	return one[string](t, conn, "select pgsession.import_session(sha256('cookie'), $1, $2, $3::text::timestamptz, 3600, null, '{\"a\": 1}')", username, hash, created)
}

func TestImport(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	des := oldHashes()["DES"]
	same(t, "user", one[string](t, conn, importUser, "ann", des, nil), "imported")
	same(t, "session", importSession(t, conn, "ann", des, "2003-05-01"), "imported")
	same(t, "user again", one[string](t, conn, importUser, "ann", "another", nil), "exists")
	same(t, "session again", importSession(t, conn, "ann", des, "2003-05-01"), "exists")
	same(t, "stored", one[string](t, conn, `select concat_ws(' ', cryptpasswd, createddate = '2003-04-11', lastlogin = '2003-05-01', lasthit is null, status, version) from pgsession.users`),
		des+" t t t active 1")
	same(t, "session", one[string](t, conn, `select concat_ws(' ', username, payload, createddate = '2003-05-01', expiresecs, ttl > '59 min') from pgsession.session_get(p_key => sha256('cookie'))`),
		`ann {"a": 1} t 3600 t`)

	// It is upgraded at the next login, and the session lives.
	same(t, "login", one[string](t, conn, "select outcome from pgsession.login('ann', $1)", oldPassword), "ok")
	same(t, "live", one[bool](t, conn, "select exists (select from pgsession.session_get(p_key => sha256('cookie')))"), true)
	same(t, "hash", one[bool](t, conn, "select cryptpasswd ~ '^[$]2a[$]' from pgsession.users"), true)
}

// A session that was ended does not come back by being imported again; one that was opened later comes.
func TestImportRevivesNothing(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	exec(t, conn, "begin")
	same(t, "user", one[string](t, conn, importUser, "ann", "x", time.Date(2003, 5, 1, 0, 0, 0, 0, time.UTC)), "imported")
	same(t, "session", importSession(t, conn, "ann", "x", "2003-04-20"), "imported")
	same(t, "lastlogin", one[bool](t, conn, "select lastlogin = '2003-05-01 UTC' from pgsession.users"), true)
	exec(t, conn, "commit")
	for _, ended := range []string{"2003-04-20", "2003-05-01 UTC"} {
		exec(t, conn, "delete from pgsession.sessions")
		same(t, "of "+ended, importSession(t, conn, "ann", "x", ended), "ended")
	}
	same(t, "opened later", importSession(t, conn, "ann", "x", "2003-05-02"), "imported")
	exec(t, conn, "delete from pgsession.sessions")
	same(t, "ended as well", importSession(t, conn, "ann", "x", "2003-05-02"), "ended")
}

func TestImportRefusesWhatIsNotTheUsers(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	const session = "select pgsession.import_session(sha256('cookie'), $1, $2, $3::timestamptz, $4, $5::timestamptz, '{}')"
	now := time.Now()
	for name, hash := range map[string]string{"ann": "x", "bob": "y"} {
		exec(t, conn, importUser, name, hash, nil)
	}
	exec(t, conn, "update pgsession.users set status = 'disabled' where username = 'bob'")
	for _, tt := range []struct {
		want string
		args []any
	}{
		{"no_user", []any{"eve", "x", now, 60, nil}},
		{"not_active", []any{"bob", "y", now, 60, nil}},
		{"other_password", []any{"ann", "y", now, 60, nil}},
		{"expired", []any{"ann", "x", now, 60, now.Add(-time.Second)}},
		{"bad_lifetime", []any{"ann", "x", now, 0, nil}},
	} {
		same(t, tt.want, one[string](t, conn, session, tt.args...), tt.want)
	}
	exec(t, conn, "insert into pgsession.settings values ('absolute_lifetime', '1 day')")
	same(t, "over the absolute lifetime", one[string](t, conn, session, "ann", "x", now.Add(-25*time.Hour), nil, nil), "expired")
	same(t, "within it", one[string](t, conn, session, "ann", "x", now.Add(-time.Hour), nil, nil), "imported")
	same(t, "ends", one[bool](t, conn, "select ends = createddate + interval '1 day' and expires = ends from pgsession.sessions"), true)

	exec(t, conn, "insert into pgsession.settings values ('payload_max', '1024')")
	large := `{"a": "` + strings.Repeat("x", 1024) + `"}`
	same(t, "large", one[string](t, conn, "select pgsession.import_user('carl', 'x', now(), null, null, $1)", large), "payload_too_large")
	same(t, "large", one[string](t, conn, "select pgsession.import_session(sha256('x'), 'ann', 'x', now(), null, null, $1)", large), "payload_too_large")
	for _, bad := range []string{"", "a\nb", "\x7f"} {
		same(t, "username", one[string](t, conn, importUser, bad, "x", nil), "bad_username")
	}
	for _, call := range []string{
		"import_user(null, 'x', now(), null, null, '{}')", "import_user('x', null, now(), null, null, '{}')", "import_user('x', 'x', null, null, null, '{}')",
		"import_user('x', 'x', now(), null, null, null)", "import_user('x', 'x', now(), null, null, '[]')",
		"import_session(null, 'ann', 'x', now(), null, null, '{}')", "import_session('x', 'ann', 'x', now(), null, null, '{}')",
		"import_session(sha256('x'), 'ann', 'x', now(), null, 'infinity', '{}')", "import_session(sha256('x'), 'ann', 'x', now(), null, null, '[]')",
	} {
		refused(t, conn, "SE005", "select pgsession."+call)
	}
}

func TestImportedPendingUser(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	same(t, "user", one[string](t, conn, "select pgsession.import_user('ann', $1, now(), null, null, '{}', 'k3y')", oldHashes()["DES"]), "imported")
	same(t, "stored", one[bool](t, conn, "select status = 'pending' and activation = sha256('k3y') from pgsession.users"), true)
	same(t, "login", one[string](t, conn, "select outcome from pgsession.login('ann', $1)", oldPassword), "pending")
	same(t, "session", importSession(t, conn, "ann", oldHashes()["DES"], "2003-05-01"), "not_active")
}
