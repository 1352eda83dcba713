package client_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/internal/pgtest"
)

// TestSQLMakesTheSameHashes holds tokens' keys, slots and tags against what SQL makes of the same.
func TestSQLMakesTheSameHashes(t *testing.T) {
	t.Parallel()
	conn := pgtest.New(t).Conn(t)
	for _, username := range []string{"alice", " ", "o'brien", "Jürgen", "用户名", "😀", "e\u0301", strings.Repeat("x", 255)} {
		for range 10 {
			token := client.NewToken(username)
			key := token.Key()
			var sqlKey []byte
			var sqlSlot int
			var sessionTag, userTag int64
			err := conn.QueryRow(t.Context(), `
				select pgsession.session_key($1::text), pgsession.slot($2::text),
				       pgsession.session_tag($3::bytea), pgsession.user_tag($2::text)`,
				token.Reveal(), username, key[:]).Scan(&sqlKey, &sqlSlot, &sessionTag, &userTag)
			if err != nil {
				t.Fatal(err)
			}
			if client.Key(sqlKey) != key || sqlSlot != int(key[0]) {
				t.Errorf("key %x, in SQL %x; slot %d, in SQL %d", key[:], sqlKey, key[0], sqlSlot)
			}
			if client.Tag(sessionTag) != key.Tag() || client.Tag(userTag) != client.UserTag(username) {
				t.Errorf("tags %d and %d, in SQL %d and %d", key.Tag(), client.UserTag(username), sessionTag, userTag)
			}
		}
	}
}

// TestSQLReadsTheSameTokens has SQL judge what ParseToken judges.
func TestSQLReadsTheSameTokens(t *testing.T) {
	t.Parallel()
	conn := pgtest.New(t).Conn(t)
	good := client.NewToken("alice").Reveal()
	for _, s := range []string{
		good, "", " ", good[:43], good + "A", good + "=", good + "\n", good[:43] + "=", good[:43] + "\n", good[:43] + "+", good[:43] + "/",
		good[:43] + " ", good[:42] + "é", strings.Repeat("A", 44), strings.Repeat("_", 44), strings.Repeat("-", 44), strings.Repeat("9", 44),
		"\n" + good, good + "\n" + good,
	} {
		token, ok := client.ParseToken(s)
		var key []byte
		if err := conn.QueryRow(t.Context(), "select pgsession.session_key($1::text)", s).Scan(&key); err != nil {
			t.Errorf("%q: %v", s, err)
			continue
		}
		if ok != (key != nil) || ok && token.Key() != client.Key(key) {
			t.Errorf("%q: parsed %v, in SQL the key is %x", s, ok, key)
		}
	}
}

// TestTokenOfSQLIsOne reads the tokens that SQL makes for those who let it.
func TestTokenOfSQLIsOne(t *testing.T) {
	t.Parallel()
	conn := pgtest.New(t).Conn(t)
	var text string
	if err := conn.QueryRow(t.Context(), "select token from pgsession.session_open()").Scan(&text); err != nil {
		t.Fatal(err)
	}
	token, ok := client.ParseToken(text)
	if !ok {
		t.Fatalf("SQL made %q", text)
	}
	if _, found, err := client.New(conn).SessionGet(t.Context(), token.Key()); err != nil || !found {
		t.Errorf("found %v, %v", found, err)
	}
	if raw, err := base64.RawURLEncoding.DecodeString(text); err != nil || len(raw) != 33 {
		t.Errorf("%d bytes, %v", len(raw), err)
	}
}
