package sql_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// malformed derives from a good token everything that is none: of another length, with another character in each of its
// places, padded, spaced, in another encoding.
func malformed(token string) []string {
	bad := []string{
		" " + token, token + " ", token + "\n", "\n" + token, token + "\r\n", "\ufeff" + token, token + "\u200b",
		token + "=", token[:43] + "=", token[:42] + "==", token[:20] + "\n" + token[20:], token[:43], token + token,
		strings.Repeat("é", 44), strings.Repeat("é", 22), token[:43] + "é", token[:42] + "é", "Ａ" + token[1:], "а" + token[1:],
		"Bearer " + token, "%41" + token[1:], `\x` + token[2:], "null", "undefined", "' or true --",
		strings.Repeat("A", 1<<16),
	}
	for length := range 61 {
		if length != 44 {
			bad = append(bad, strings.Repeat(token, 2)[:length])
		}
	}
	for c := byte(1); c < utf8.RuneSelf; c++ {
		if strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", c) < 0 {
			for _, at := range []int{0, 1, 21, 43} {
				bad = append(bad, token[:at]+string(rune(c))+token[at+1:])
			}
		}
	}
	return bad
}

func TestMalformedTokens(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	s := open(t, conn, "")
	same(t, "the token itself", one[int](t, conn, "select count(*) from pgsession.session_get(p_token => $1::text)", s.token), 1)

	// Twice each: once as text, once as the key that it has not.
	for _, sql := range []string{
		"select t from unnest($1::text[]) t where pgsession.session_key(t) is not null",
		"select t from unnest($1::text[]) t where exists (select from pgsession.session_get(p_token => t))",
		"select t from unnest($1::text[]) t where pgsession.session_close(p_token => t)",
		"select t from unnest($1::text[]) t where pgsession.logout(t)",
	} {
		if taken := list[string](t, conn, sql, malformed(s.token)); len(taken) > 0 {
			t.Errorf("%s: %q", sql, taken)
		}
	}
	for _, call := range []string{
		"pgsession.session_save(p_token => v_token, p_payload => '{}')",
		"pgsession.session_save(p_token => v_token, p_payload => '{}', p_version => 1)",
		"pgsession.session_merge(p_token => v_token, p_patch => '{}')",
		"pgsession.session_rotate(p_token => v_token)",
	} {
		exec(t, conn, fmt.Sprintf(`create or replace function pg_temp.taken(v_token text) returns boolean language plpgsql as $$
			begin perform %s; return true; exception when sqlstate 'SE001' then return false; end $$`, call))
		if taken := list[string](t, conn, "select t from unnest($1::text[]) t where pg_temp.taken(t)", malformed(s.token)); len(taken) > 0 {
			t.Errorf("%s: %q", call, taken)
		}
	}
	same(t, "the session after all that", live(t, conn, s.key), true)
}

func TestNullAndOddKeys(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	open(t, conn, "")
	for _, key := range [][]byte{nil, {}, {0}, make([]byte, 31), make([]byte, 32), make([]byte, 33)} {
		same(t, "live", live(t, conn, key), false)
		same(t, "closed", one[bool](t, conn, "select pgsession.session_close(p_key => $1::bytea)", key), false)
		refused(t, conn, "SE001", "select pgsession.session_save(p_key => $1::bytea, p_payload => '{}')", key)
		refused(t, conn, "SE001", "select pgsession.session_merge(p_key => $1::bytea, p_patch => '{}')", key)
		refused(t, conn, "SE001", "select pgsession.session_rotate(p_key => $1::bytea, p_new_key => $2::bytea)", key, make([]byte, 32))
		same(t, "touched", one[int](t, conn, "select pgsession.session_touch(p_keys => array[$1::bytea])", key), 0)
		if len(key) != 32 && key != nil {
			refused(t, conn, "SE005", "select pgsession.session_open(p_key => $1::bytea)", key)
		}
		if len(key) != 32 {
			refused(t, conn, "SE005", "select pgsession.session_rotate(p_key => $1::bytea, p_new_key => $2::bytea)", make([]byte, 32), key)
		}
	}
	same(t, "closed a null token", one[bool](t, conn, "select pgsession.session_close(p_token => null)"), false)
	same(t, "touched nothing", one[int](t, conn, "select pgsession.session_touch('{}')"), 0)
	refused(t, conn, "SE005", "select pgsession.session_touch(null)")
	same(t, "sessions", one[int](t, conn, "select count(*) from pgsession.sessions"), 1)
}

// The key is computed here as other languages would.
func TestKeyOfAToken(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	user(t, conn, "ann", "Jörg ☕")
	for _, name := range []string{"", "ann", "Jörg ☕"} {
		s := open(t, conn, name)
		token, err := base64.RawURLEncoding.DecodeString(s.token)
		if err != nil || len(token) != 33 {
			t.Fatalf("token %q: %d bytes, %v", s.token, len(token), err)
		}
		key := sha256.Sum256(token)
		key[0] = token[0]
		same(t, "key", hex.EncodeToString(s.key), hex.EncodeToString(key[:]))
		same(t, "session_key", hex.EncodeToString(one[[]byte](t, conn, "select pgsession.session_key($1)", s.token)), hex.EncodeToString(key[:]))
		if name != "" {
			same(t, "slot", token[0], sha256.Sum256([]byte(name))[0])
		}
		same(t, "token stored", one[int](t, conn, `select count(*) from pgsession.sessions s
			where strpos(s::text, $1) > 0 or strpos(s::text, encode($2::bytea, 'hex')) > 0`, s.token, token), 0)
	}
	first, second := open(t, conn, ""), open(t, conn, "")
	if first.token == second.token {
		t.Error("two tokens are the same")
	}
}

// A stored key is never accepted as a token, whatever its encoding.
func TestKeyIsNoToken(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	s := open(t, conn, "")
	for _, text := range []string{
		base64.RawURLEncoding.EncodeToString(s.key), base64.URLEncoding.EncodeToString(s.key), hex.EncodeToString(s.key),
		base64.URLEncoding.EncodeToString(append([]byte{0}, s.key...)), base64.URLEncoding.EncodeToString(append([]byte{s.key[0]}, s.key...)),
	} {
		same(t, text, one[int](t, conn, "select count(*) from pgsession.session_get(p_token => $1::text)", text), 0)
	}
}
