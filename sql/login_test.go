package sql_test

import (
	"strings"
	"testing"
)

func TestLogin(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	user(t, conn, "ann")
	same(t, "ok", one[string](t, conn, `
		select concat_ws(' ', outcome, retry_after is null and pgsession.session_key(token) = key and ttl > '59 s', username, payload, version, expiresecs)
		  from pgsession.login('ann', $1, 60, '{"a": 1}', '{"ip": "::1"}')`,
		password), `ok t ann {"a": 1} 1 60`)
	const refusal = `select concat_ws(' ', outcome, num_nulls(retry_after, token, id, key, username, payload, version, createddate, expires, expiresecs, ttl, epoch)) from pgsession.login($1, $2)`
	same(t, "wrong password", one[string](t, conn, refusal, "ann", "wrong"), "bad_credentials 12")
	same(t, "unknown user", one[string](t, conn, refusal, "nobody", password), "bad_credentials 12")
	same(t, "another's case", one[string](t, conn, refusal, "Ann", password), "bad_credentials 12")
	for _, status := range []string{"disabled", "pending"} {
		exec(t, conn, "update pgsession.users set status = $1", status)
		same(t, status, one[string](t, conn, refusal, "ann", password), status+" 12")
		same(t, status+", wrong password", one[string](t, conn, refusal, "ann", "wrong"), "bad_credentials 12")
	}
	exec(t, conn, "update pgsession.users set status = 'active'")
	same(t, "sessions", one[int](t, conn, "select count(*) from pgsession.sessions"), 0)

	// Under a key of the caller's.
	const byKey = "select concat_ws(' ', outcome, token is null, key = $2) from pgsession.login('ann', $1, p_key => $2::bytea)"
	key := one[[]byte](t, conn, "select set_byte(sha256('x'), 0, get_byte(sha256('ann'), 0))")
	same(t, "by key", one[string](t, conn, byKey, password, key), "ok t t")
	refused(t, conn, "SE004", byKey, password, key)
	key[0]++
	refused(t, conn, "SE005", byKey, password, key)
	refused(t, conn, "SE005", byKey, password, key[:31])
	refused(t, conn, "SE005", "select pgsession.login('ann', 'x', 0)")
	refused(t, conn, "SE005", "select pgsession.login('ann', 'x', p_payload => '[]')")
	refused(t, conn, "SE005", "select pgsession.login('ann', 'x', p_origin => '[]')")
}

// oldPassword and the hashes of it were made with other programs than pgcrypto: libxcrypt, and MD5 itself.
const oldPassword = "pässword-1"

func oldHashes() map[string]string {
	return map[string]string{
		"DES":               "abRy4/6THFs9U",
		"extended DES":      "_J9..rasmLcGNaBwSkl6",
		"MD5-crypt":         "$1$salt5678$I6tOCOigJB5OMM3Y2yp5w/",
		"MD5-crypt no salt": "$1$$/Flh9VIX1Bcn5BJq7dFKa1",
		"MD5 hex":           "f6eed7850c68360a33c073fb6f5f140d",
		"MD5 HEX":           "F6EED7850C68360A33C073FB6F5F140D",
		"bcrypt 2y":         "$2y$05$abcdefghijklmnopqrstuuau5MhcDzH.hfkcbVWmQyhss.9iZvTaO",
		"bcrypt 2b":         "$2b$04$abcdefghijklmnopqrstuuTdimRvSuK/xr6xdHTGebbWasglgwoXS",
		"bcrypt 2a":         "$2a$05$abcdefghijklmnopqrstuuau5MhcDzH.hfkcbVWmQyhss.9iZvTaO",
	}
}

func TestOldHashesAreUpgradedAndEndNoSession(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	exec(t, conn, "update pgsession.settings set value = '6' where name = 'bcrypt_cost'")
	exec(t, conn, "select pgsession.change_start()")
	for name, hash := range oldHashes() {
		exec(t, conn, "insert into pgsession.users (username, cryptpasswd) values ($1, $2)", name, hash)
		before := open(t, conn, name)
		logged := one[int](t, conn, "select count(*) from pgsession.change_log")

		same(t, name+": wrong password", one[string](t, conn, "select outcome from pgsession.login($1, 'password')", name), "bad_credentials")
		same(t, name+": not upgraded", one[string](t, conn, "select cryptpasswd from pgsession.users where username = $1", name), hash)
		same(t, name, one[string](t, conn, "select outcome from pgsession.login($1, $2)", name, oldPassword), "ok")
		upgraded := one[string](t, conn, "select cryptpasswd from pgsession.users where username = $1", name)
		if !strings.HasPrefix(upgraded, "$2a$06$") {
			t.Errorf("%s: upgraded to %s", name, upgraded)
		}
		same(t, name+": earlier session", live(t, conn, before.key), true)
		same(t, name+": invalidations", one[int](t, conn, "select count(*) from pgsession.change_log")-logged, 0)
		same(t, name+": version", one[int](t, conn, "select version::int from pgsession.user_get($1)", name), 1)

		same(t, name+" again", one[string](t, conn, "select outcome from pgsession.login($1, $2)", name, oldPassword), "ok")
		same(t, name+": upgraded once", one[string](t, conn, "select cryptpasswd from pgsession.users where username = $1", name), upgraded)
		same(t, name+": sessions carry it", one[int](t, conn, "select count(*) from pgsession.sessions where cryptpasswd = $1", upgraded), 3)

		// The sessions that were kept end with the next change like any other.
		same(t, name+": ended", one[int](t, conn, "select pgsession.user_set_password($1, 'another')", name), 3)
		same(t, name+": earlier session", live(t, conn, before.key), false)
	}
}

// A dearer hash than new ones get is left alone.
func TestDearerHashIsKept(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	for _, hash := range []string{oldHashes()["bcrypt 2y"], oldHashes()["bcrypt 2b"], oldHashes()["bcrypt 2a"]} {
		exec(t, conn, "insert into pgsession.users (username, cryptpasswd) values ('ann', $1) on conflict (username) do update set cryptpasswd = excluded.cryptpasswd", hash)
		same(t, hash, one[string](t, conn, "select outcome from pgsession.login('ann', $1)", oldPassword), "ok")
		same(t, "kept", one[string](t, conn, "select cryptpasswd from pgsession.users"), hash)
	}
}

func TestLockedAndUnknownHashesMatchNothing(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	exec(t, conn, "insert into pgsession.users (username, cryptpasswd) values ('ann', ''); insert into pgsession.settings values ('throttle_free', '50')")
	hashes := []string{"", " ", "!", "*", "!!", "*LK*", "x", "NP", "ab", "$1$", "$2a$", "$2a$04$", "$5$rounds=5000$salt$x", "$6$salt$x", "{SHA}x", "plain", oldPassword,
		"$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$x", "SCRAM-SHA-256$4096:x", "\n", "md5" + oldHashes()["MD5 hex"]}
	for _, hash := range oldHashes() {
		hashes = append(hashes, "!"+hash, "*"+hash, " "+hash, hash+" ", hash+"\n", hash[:len(hash)-1], hash+"x")
	}
	for _, hash := range hashes {
		exec(t, conn, "update pgsession.users set cryptpasswd = $1", hash)
		for _, guess := range []string{oldPassword, hash, "!", "*", "x", " "} {
			if guess == "" || len(guess) > 72 {
				continue
			}
			same(t, hash+" with "+guess, one[string](t, conn, "select outcome from pgsession.login('ann', $1)", guess), "bad_credentials")
		}
		same(t, "kept", one[string](t, conn, "select cryptpasswd from pgsession.users"), hash)
	}
}

func TestIsolationLevels(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	user(t, conn, "ann")
	exec(t, conn, "insert into pgsession.users (username, cryptpasswd) values ('old', $1)", oldHashes()["DES"])
	s := open(t, conn, "ann")
	for _, level := range []string{"repeatable read", "serializable"} {
		other := db.Conn(t)
		exec(t, other, "set default_transaction_isolation = '"+level+"'")
		for _, change := range []string{
			"select pgsession.user_set_password('ann', 'another')",
			"update pgsession.users set cryptpasswd = '*'",
			"update pgsession.users set status = 'disabled'",
			"select pgsession.login('old', '" + oldPassword + "')", // upgrades the hash
			"select pgsession.login('ann', '" + password + "')",    // would not see others' failures
			"select pgsession.user_change_password('ann', '" + password + "', 'another')",
			"select pgsession.user_disable('ann')",
			"select pgsession.session_close_user('ann')",
			"select pgsession.session_close_all()",
		} {
			refused(t, other, "SE008", change)
		}
		// All else works there.
		exec(t, other, `select pgsession.session_merge(p_token => $1, p_patch => '{"a": 1}')`, s.token)
		exec(t, other, "select pgsession.user_save('ann', '{}')")
		exec(t, other, "select pgsession.session_sweep()")
		exec(t, other, "update pgsession.users set cryptpasswd = cryptpasswd, status = status")
	}
	same(t, "live", live(t, conn, s.key), true)
	exec(t, conn, "begin isolation level read uncommitted; select pgsession.user_set_password('ann', 'another'); commit")
	same(t, "live", live(t, conn, s.key), false)
}
