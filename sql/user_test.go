package sql_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
)

// awkwardNames are usernames that have to work like any other.
func awkwardNames() []string {
	return []string{
		" ", "  leading and trailing  ", "%", "_", "*", "?", "'", `"`, `''; drop table users --`, `\`, `\x41`, "$1", "{{.schema}}", "%s %I %L",
		"null", "NULL", "public", "0", "-1", "a/b", "a.b", "a@b.example", "Ann", "ann", "ANN", "\u00e9", "e\u0301", "ß", "ẞ", "ı", "İ", "İ i",
		"مرحبا", "שלום", "한국어", "日本語", "😀", "👩‍👩‍👧", "\u200b", "\u202e", "\u2028", "\ufeff", "\U0010ffff", "\ue000",
		strings.Repeat("a", 255), strings.Repeat("é", 255), strings.Repeat("😀", 255),
	}
}

func TestUsernamesOfEveryAwkwardKind(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	user(t, conn, awkwardNames()...)
	for _, name := range awkwardNames() {
		same(t, name, one[string](t, conn, "select username from pgsession.user_get($1)", name), name)
		same(t, name, one[string](t, conn, "select username from pgsession.login($1, $2)", name, password), name)
		s := open(t, conn, name)
		same(t, name, one[string](t, conn, "select username from pgsession.session_get(p_token => $1::text)", s.token), name)
		same(t, name+": sessions", one[int](t, conn, "select count(*) from pgsession.session_list($1)", name), 2)
		same(t, name+": version", one[int](t, conn, "select pgsession.user_save($1, '{}')::int", name), 2)
		same(t, name+": ended", one[int](t, conn, "select pgsession.session_close_user($1, $2)::int", name, s.key), 1)
		same(t, name+": ended", one[int](t, conn, "select pgsession.user_set_password($1, 'another')", name), 1)
		same(t, name, one[string](t, conn, "select outcome from pgsession.login($1, 'another')", name), "ok")
		same(t, name+": deleted", one[bool](t, conn, "select pgsession.user_delete($1)", name), true)
	}
	same(t, "users", one[int](t, conn, "select count(*) from pgsession.users"), 0)
	same(t, "sessions", one[int](t, conn, "select count(*) from pgsession.sessions"), 0)
}

func TestUsernamesThatAreNone(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	for _, name := range []any{nil, "", "\n", "a\n", "\ta", "a\r", "\x01", "\x1f", "\x7f", "\u0080", "\u0085", "\u009f", strings.Repeat("a", 256)} {
		refused(t, conn, "SE005", "select pgsession.user_create($1, 'x')", name)
		refused(t, conn, "SE005", "select pgsession.login($1, 'x')", name)
		refused(t, conn, "SE005", "select pgsession.user_set_password($1, 'x')", name)
		if name != nil {
			refused(t, conn, "SE005", "select pgsession.session_open($1)", name)
			refused(t, conn, "SE005", "select pgsession.session_rotate(pgsession.session_key($2), sha256('x'), $1)", name, strings.Repeat("A", 44))
		}
		same(t, "users", one[int](t, conn, "select count(*) from pgsession.user_get($1)", name), 0)
		same(t, "sessions", one[int](t, conn, "select count(*) from pgsession.session_list($1)", name), 0)
		same(t, "closed", one[bool](t, conn, "select pgsession.session_close_id($1, 1)", name), false)
		same(t, "deleted", one[bool](t, conn, "select pgsession.user_delete($1)", name), false)
		refused(t, conn, "SE003", "select pgsession.user_save($1, '{}')", name)
	}
	refused(t, conn, "SE005", "select pgsession.session_close_user(null)")
	same(t, "ended", one[int](t, conn, "select pgsession.session_close_user('')::int"), 0)
	refused(t, conn, "22021", "select pgsession.user_create($1, 'x')", "a\x00b")
	refused(t, conn, "22021", "select pgsession.user_create($1, 'x')", "a\xffb")
	// The table keeps the rule against plain SQL too.
	refused(t, conn, "23514", `insert into pgsession.users (username, cryptpasswd) values ('', '*')`)
	refused(t, conn, "23514", `insert into pgsession.users (username, cryptpasswd) values (U&'\0085', '*')`)
}

func TestUser(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	same(t, "key of one that is not pending", one[bool](t, conn, `select pgsession.user_create('ann', 'x', '{"a": 1}') is null`), true)
	refused(t, conn, "SE004", "select pgsession.user_create('ann', 'y')")
	same(t, "user", one[string](t, conn, `select concat_ws(' ', username, status, payload, version, createddate is not null and lastlogin is null and lasthit is null)
		from pgsession.user_get('ann')`), `ann active {"a": 1} 1 t`)
	same(t, "saved", one[int](t, conn, `select pgsession.user_save('ann', '{"a": 2}', 1)::int`), 2)
	refused(t, conn, "SE002", `select pgsession.user_save('ann', '{}', 1)`)
	same(t, "saved", one[int](t, conn, `select pgsession.user_save('ann', '{"a": 3}')::int`), 3)
	refused(t, conn, "SE003", "select pgsession.user_save('nobody', '{}')")
	refused(t, conn, "SE003", "select pgsession.user_set_password('nobody', 'x')")
	same(t, "by hand", one[int](t, conn, `update pgsession.users set payload = '{}' where username = 'ann' returning version::int`), 4)
	same(t, "the same by hand", one[int](t, conn, `update pgsession.users set payload = '{}' where username = 'ann' returning version::int`), 4)

	exec(t, conn, "select pgsession.login('ann', 'x')")
	same(t, "seen", one[bool](t, conn, "select lastlogin = lasthit and lastlogin > createddate from pgsession.user_get('ann')"), true)
	same(t, "version", one[int](t, conn, "select version::int from pgsession.user_get('ann')"), 4)
	same(t, "deleted", one[bool](t, conn, "select pgsession.user_delete('ann')"), true)
	same(t, "deleted again", one[bool](t, conn, "select pgsession.user_delete('ann')"), false)
	same(t, "sessions", one[int](t, conn, "select count(*) from pgsession.sessions"), 0)
}

func TestAcknowledgementKeyIsStoredHashed(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	key := one[string](t, conn, "select pgsession.user_create('ann', 'x', p_pending => true)")
	if len(key) < 22 { // 128 bits in base64
		t.Errorf("key %q", key)
	}
	hash := sha256.Sum256([]byte(key))
	same(t, "stored", hex.EncodeToString(one[[]byte](t, conn, "select activation from pgsession.users")), hex.EncodeToString(hash[:]))
	same(t, "stored in clear", one[bool](t, conn, "select strpos(u::text, $1) > 0 from pgsession.users u", key), false)
	same(t, "status", one[string](t, conn, "select status from pgsession.user_get('ann')"), "pending")
	refused(t, conn, "SE006", "select pgsession.session_open('ann')")
	refused(t, conn, "SE005", "select pgsession.user_create('bob', 'x', p_pending => null)")
	if another := one[string](t, conn, "select pgsession.user_create('bob', 'x', p_pending => true)"); another == key {
		t.Error("two keys are the same")
	}
}

func TestSetPassword(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	user(t, conn, "ann", "bob")
	keep, end, other := open(t, conn, "ann"), open(t, conn, "ann"), open(t, conn, "bob")
	expired := open(t, conn, "ann")
	exec(t, conn, "update pgsession.sessions set expires = now() - interval '1 s' where id = $1", expired.id)

	same(t, "ended", one[int](t, conn, "select pgsession.user_set_password('ann', 'another', $1)", keep.key), 1)
	same(t, "the one to keep", live(t, conn, keep.key), true)
	same(t, "the one to end", live(t, conn, end.key), false)
	same(t, "another user's", live(t, conn, other.key), true)
	same(t, "old password", one[string](t, conn, "select outcome from pgsession.login('ann', $1)", password), "bad_credentials")
	same(t, "new password", one[string](t, conn, "select outcome from pgsession.login('ann', 'another')"), "ok")

	// The key of another user's session keeps nothing; nor does one that nobody has.
	same(t, "ended", one[int](t, conn, "select pgsession.user_set_password('ann', 'another', $1)", other.key), 2)
	same(t, "another user's", live(t, conn, other.key), true)
	open(t, conn, "ann")
	same(t, "ended", one[int](t, conn, "select pgsession.user_set_password('ann', 'another', sha256('x'))"), 1)
	refused(t, conn, "SE005", "select pgsession.user_set_password('ann', 'another', 'short')")
}

func TestPasswordsThatAreNone(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	user(t, conn, "ann")
	for _, bad := range []any{nil, "", strings.Repeat("x", 73), strings.Repeat("é", 37)} {
		refused(t, conn, "SE005", "select pgsession.user_create('bob', $1)", bad)
		refused(t, conn, "SE005", "select pgsession.user_set_password('ann', $1)", bad)
		refused(t, conn, "SE005", "select pgsession.login('ann', $1)", bad)
	}
	for _, good := range []string{" ", "\t", strings.Repeat("x", 72), strings.Repeat("é", 36), strings.Repeat("😀", 18), "'; --", `\0`} {
		exec(t, conn, "select pgsession.user_set_password('ann', $1)", good)
		same(t, good, one[string](t, conn, "select outcome from pgsession.login('ann', $1)", good), "ok")
		if letters := []rune(good); len(letters) > 1 {
			same(t, good+" cut", one[string](t, conn, "select outcome from pgsession.login('ann', $1)", string(letters[1:])), "bad_credentials")
			same(t, good+" cut", one[string](t, conn, "select outcome from pgsession.login('ann', $1)", string(letters[:len(letters)-1])), "bad_credentials")
		}
	}
}

// A refusal tells no secret, not even of a user who exists.
func TestRefusalsHoldNoSecret(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	user(t, conn, "ann")
	const secret = "hunter2-hunter2"
	s := open(t, conn, "ann")
	for _, call := range []string{
		"select pgsession.user_create('ann', '" + secret + "')",
		"select pgsession.user_set_password('nobody', '" + secret + "')",
		"select pgsession.login('ann', '" + strings.Repeat(secret, 5) + "')",
		"select pgsession.login('ann', '" + secret + "', p_key => sha256('x'))",
		"select pgsession.session_open('" + "ann" + "', p_key => '" + secret + "')",
		"select pgsession.session_save(p_token => '" + s.token + "', p_payload => '[]')",
		"select pgsession.session_save(p_token => '" + s.token + "', p_payload => '{}', p_version => 7)",
		"select pgsession.session_merge(p_token => '" + s.token[:43] + "', p_patch => '{}')",
	} {
		_, err := conn.Exec(t.Context(), call)
		refusal := refusalOf(err)
		if refusal == nil || refusal.Hint == "" || !strings.HasPrefix(refusal.Code, "SE") {
			t.Errorf("%s: %v", call, err)
			continue
		}
		for _, text := range []string{refusal.Message, refusal.Detail, refusal.Hint, refusal.Where} {
			if strings.Contains(text, secret) || strings.Contains(text, s.token[:43]) {
				t.Errorf("%s: %s", call, text)
			}
		}
	}
}
