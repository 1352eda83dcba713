package sql_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// from logs in from an address, and says the outcome.
const from = "select outcome from pgsession.login($1, $2, p_origin => jsonb_build_object('address', $3::text))"

// guess fails to log in so often, from an address or (empty) from none.
func guess(t *testing.T, conn *pgx.Conn, username, address string, times int) {
	t.Helper()
	for range times {
		same(t, "a guess", one[string](t, conn, from, username, "a guess", address), "bad_credentials")
	}
}

// freeze makes every wait last: it counts from an instant which is still to come.
func freeze(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	exec(t, conn, "update pgsession.login_attempts set failed = now() + interval '1 hour' where failed is not null")
}

// pass makes every wait be over.
func pass(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	exec(t, conn, "update pgsession.login_attempts set failed = now() - interval '1 hour' where failed is not null")
}

func TestThrottle(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	user(t, conn, "ann")
	for _, name := range []string{"ann", "nobody"} {
		guess(t, conn, name, "", 5)
		for failures, want := range map[int]string{5: "00:00:01", 6: "00:00:02", 7: "00:00:04", 12: "00:02:08", 14: "00:08:32", 15: "00:15:00", 99: "00:15:00", 100: "00:15:00", 2000000000: "00:15:00"} {
			exec(t, conn, "update pgsession.login_attempts set failures = $1", failures)
			freeze(t, conn)
			for _, attempt := range []string{"a guess", password} {
				same(t, fmt.Sprint(name, " after ", failures), one[string](t, conn, "select outcome || ' ' || retry_after from pgsession.login($1, $2)", name, attempt), "throttled "+want)
			}
		}
		exec(t, conn, "update pgsession.login_attempts set failures = 7")
		pass(t, conn)
		guess(t, conn, name, "", 1)
		freeze(t, conn)
		same(t, name+" has failed again", one[string](t, conn, "select retry_after::text from pgsession.login($1, 'x')", name), "00:00:08")
	}
	same(t, "looks at passwords meanwhile", one[int](t, conn, "select sum(failures) from pgsession.login_attempts"), 15)

	// After the wait the right password is welcome, and all is forgotten.
	pass(t, conn)
	same(t, "after the wait", one[string](t, conn, logIn, password), "ok 1")
	same(t, "counters", one[string](t, conn, "select string_agg((account = pgsession.attempt_account('nobody'))::text, ' ') from pgsession.login_attempts"), "true")
	guess(t, conn, "ann", "", 5)
}

// After throttle_stop failures waiting does not help, setting a password does, whoever does it.
func TestThrottleStops(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	for _, reset := range []string{
		"select pgsession.user_set_password('ann', $1)",
		"update pgsession.users set cryptpasswd = pgsession.bcrypt($1) where username = 'ann'",
		"update pgsession.users set username = 'eve' where username = 'ann' and $1::text <> ''",
		"with gone as (select pgsession.user_delete('ann')) select pgsession.user_create('eve', $1) from gone",
	} {
		exec(t, conn, "delete from pgsession.users; delete from pgsession.login_attempts")
		user(t, conn, "ann")
		for _, name := range []string{"ann", "eve", "nobody"} {
			guess(t, conn, name, "", 5)
		}
		exec(t, conn, "update pgsession.login_attempts set failures = 100")
		pass(t, conn)
		for _, name := range []string{"ann", "eve", "nobody"} {
			same(t, name, one[string](t, conn, "select outcome || ' ' || retry_after from pgsession.login($1, $2)", name, password), "throttled 00:15:00")
		}
		exec(t, conn, reset, password)
		name := one[string](t, conn, "select username from pgsession.users")
		same(t, reset, one[string](t, conn, from, name, password, ""), "ok")
		same(t, "nobody", one[string](t, conn, from, "nobody", password, ""), "throttled")
		if name == "eve" { // ann is nobody now, and counted on: nothing tells that there was such a user
			same(t, "ann", one[string](t, conn, from, "ann", password, ""), "throttled")
		}
	}
}

// Strangers cannot lock out the owner, nor does the owner's success let strangers guess on.
func TestThrottleOfAKnownAddress(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	user(t, conn, "ann")
	const home, elsewhere = "192.0.2.1", "198.51.100.7"
	same(t, "first", one[string](t, conn, from, "ann", password, home), "ok")
	guess(t, conn, "ann", elsewhere, 5)
	freeze(t, conn)
	same(t, "from elsewhere", one[string](t, conn, from, "ann", password, elsewhere), "throttled")
	same(t, "from nowhere", one[string](t, conn, logIn, password), "throttled 0")
	exec(t, conn, "update pgsession.login_attempts set failures = 100 where failures > 0")
	same(t, "from home", one[string](t, conn, from, "ann", password, home), "ok")
	same(t, "from elsewhere", one[string](t, conn, from, "ann", password, elsewhere), "throttled")

	// It has a counter of its own, and that is reset by its own success.
	guess(t, conn, "ann", home, 4)
	same(t, "from home", one[string](t, conn, from, "ann", password, home), "ok")
	guess(t, conn, "ann", home, 5)
	freeze(t, conn)
	same(t, "from home", one[string](t, conn, from, "ann", password, home), "throttled")

	// A password that is set does not forget the address.
	exec(t, conn, "select pgsession.user_set_password('ann', $1)", password)
	guess(t, conn, "ann", elsewhere, 5)
	freeze(t, conn)
	same(t, "from home", one[string](t, conn, from, "ann", password, home), "ok")

	// What has used up its own counter, or was not seen for 90 days, is a stranger's.
	guess(t, conn, "ann", home, 1)
	exec(t, conn, "update pgsession.login_attempts set failures = 100 where succeeded is not null")
	pass(t, conn)
	guess(t, conn, "ann", elsewhere, 1)
	freeze(t, conn)
	same(t, "used up", one[string](t, conn, from, "ann", password, home), "throttled")
	exec(t, conn, "update pgsession.login_attempts set failures = 0, succeeded = now() - interval '90 days' where succeeded is not null")
	same(t, "long ago", one[string](t, conn, from, "ann", password, home), "throttled")
	exec(t, conn, "update pgsession.login_attempts set succeeded = now() - interval '89 days' where succeeded is not null")
	same(t, "not so long ago", one[string](t, conn, from, "ann", password, home), "ok")
	same(t, "remembered again", one[bool](t, conn, "select bool_or(succeeded > now() - interval '1 hour') from pgsession.login_attempts"), true)

	// Nor does it outlive the user.
	exec(t, conn, "select pgsession.user_delete('ann')")
	same(t, "addresses", one[int](t, conn, "select count(*) from pgsession.login_attempts where address <> ''"), 0)
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	hash := func(origin string) string {
		return one[string](t, conn, "select coalesce(encode(pgsession.attempt_address(sha256('x'), $1::text::jsonb), 'hex'), 'none')", origin)
	}
	address := func(a string) string { return hash(`{"address": "` + a + `"}`) }
	for _, alike := range [][]string{
		{"192.0.2.1", "192.0.2.1/24", "::ffff:192.0.2.1", "::FFFF:C000:0201"},
		{"192.0.2.2"},
		{"2001:db8::1", "2001:0DB8:0:0:1234::/128", "2001:db8::ffff:ffff:ffff:ffff"},
		{"2001:db8:0:1::1"},
	} {
		for _, a := range alike {
			same(t, a, address(a), address(alike[0]))
			if a != "192.0.2.2" && address(a) == address("192.0.2.2") {
				t.Errorf("%s is like another", a)
			}
		}
	}
	for _, none := range []string{`{}`, `{"address": null}`, `{"address": ""}`, `{"address": "here"}`, `{"address": 7.5}`, `{"address": ["192.0.2.1"]}`,
		`{"address": "192.0.2.1:80"}`, `{"address": "192.0.2"}`, `{"address": "fe80::1%eth0"}`, `{"address": "` + strings.Repeat("1", 4000) + `"}`} {
		same(t, none, hash(none), "none")
		user := one[string](t, conn, "select outcome from pgsession.login('nobody', 'x', p_origin => $1::text::jsonb)", none)
		if user != "bad_credentials" && user != "throttled" {
			t.Errorf("%s: %s", none, user)
		}
	}
	same(t, "no origin", one[bool](t, conn, "select pgsession.attempt_address(sha256('x'), null) is null"), true)
}

// Neither names nor addresses can be read from the counters.
func TestAttemptsHoldNothingInClear(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	user(t, conn, "ann")
	exec(t, conn, from, "ann", password, "192.0.2.1")
	guess(t, conn, "ann", "192.0.2.1", 1)
	guess(t, conn, "somebody", "192.0.2.1", 1)
	same(t, "rows in clear", one[int](t, conn, "select count(*) from pgsession.login_attempts a where a::text ~ 'ann|somebody|192'"), 0)
	same(t, "counters", one[int](t, conn, "select count(*) from pgsession.login_attempts"), 2)
}

// A login that is throttled costs next to nothing, however much the audit has to say about the user.
func TestThrottledReadsNoHistory(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	user(t, conn, "ann")
	exec(t, conn, `insert into pgsession.audit (at, event, username) select now() - interval '1 hour' - n * interval '1 minute', 'login_throttled', 'ann' from generate_series(1, 5000) n;
		analyze pgsession.audit`)
	guess(t, conn, "ann", "", 5)
	freeze(t, conn)
	const read = `select sum(seq_tup_read + idx_tup_fetch)::integer from pg_catalog.pg_stat_xact_user_tables where schemaname = 'pgsession' and relname ~ '^audit'`
	for range 8 { // more than a statement's first five executions, whose plans are made for the values
		exec(t, conn, "begin")
		before := one[int](t, conn, read)
		same(t, "outcome", one[string](t, conn, "select outcome from pgsession.login('ann', 'a guess')"), "throttled")
		if n := one[int](t, conn, read) - before; n > 10 {
			t.Errorf("%d rows of the audit were read", n)
		}
		exec(t, conn, "commit")
	}
}

// A refusal by the throttle costs no bcrypt; a look at a password costs one, whoever's it is.
func TestEqualCost(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	exec(t, conn, "create table public.hashed (); create function public.noted() returns void language sql as 'insert into public.hashed default values'")
	exec(t, conn, "select pgsession.user_create('current', $1), pgsession.user_create('gone', $1, p_pending => true)", password)
	for name, hash := range oldHashes() {
		exec(t, conn, "insert into pgsession.users (username, cryptpasswd) values ($1, $2)", name, hash)
	}
	// Counts what would be slow: the making of a bcrypt hash, and the checking of a current one.
	exec(t, conn, `alter function pgsession.bcrypt(text) rename to real_bcrypt;
		create function pgsession.bcrypt(p text) returns text language plpgsql security definer as 'begin perform public.noted(); return pgsession.real_bcrypt(p); end';
		alter function pgsession.password_matches(text, text) rename to real_matches;
		create function pgsession.password_matches(p text, h text) returns boolean language plpgsql security definer as
		'begin if pgsession.bcrypt_is_current(h) then perform public.noted(); end if; return pgsession.real_matches(p, h); end'`)
	exec(t, conn, "update pgsession.settings set value = '6' where name = 'bcrypt_cost'; select pgsession.user_set_password('current', 'a current one'); truncate public.hashed")
	names := []string{"current", "gone", "unknown"}
	for name := range oldHashes() {
		names = append(names, name)
	}
	for _, call := range []string{"select outcome from pgsession.login($1, 'a guess')", "select pgsession.user_change_password($1, 'a guess', 'another one')"} {
		for _, name := range names {
			exec(t, conn, "truncate public.hashed, pgsession.login_attempts")
			same(t, name, one[string](t, conn, call, name), "bad_credentials")
			same(t, name+": hashes made", one[int](t, conn, "select count(*) from public.hashed"), 1)
			exec(t, conn, "update pgsession.login_attempts set failures = 10; truncate public.hashed")
			freeze(t, conn)
			same(t, name, one[string](t, conn, call, name), "throttled")
			same(t, name+": hashes made while throttled", one[int](t, conn, "select count(*) from public.hashed"), 0)
		}
	}
}

func TestSweepForgetsAttempts(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	user(t, conn, "ann", "bob")
	exec(t, conn, from, "ann", password, "192.0.2.1")
	guess(t, conn, "few", "", 4)
	guess(t, conn, "many", "", 5)
	const left = "select concat_ws(' ', count(*) filter (where account = pgsession.attempt_account('ann')), count(*) filter (where account = pgsession.attempt_account('few')), count(*) filter (where account = pgsession.attempt_account('many'))) from pgsession.login_attempts"
	later := func(days int, want string) {
		t.Helper()
		if days > 0 {
			exec(t, conn, "update pgsession.login_attempts set forget = forget - make_interval(days => $1)", days)
		}
		exec(t, conn, "select pgsession.session_sweep()")
		same(t, fmt.Sprintf("%d days later", days), one[string](t, conn, left), want)
	}
	later(6, "1 1 1")
	later(1, "1 0 1")
	later(82, "1 0 1")
	holder := db.Conn(t)
	exec(t, holder, "begin; select from pgsession.login_attempts for update")
	later(0, "1 0 1") // waits for nobody
	exec(t, holder, "rollback")
	later(1, "0 0 0")
	exec(t, conn, "select pgsession.login('guess ' || n, 'x') from generate_series(1, 5) n; update pgsession.login_attempts set forget = now(); select pgsession.session_sweep(3)")
	same(t, "left by a small sweep", one[int](t, conn, "select count(*) from pgsession.login_attempts"), 2)
}

// What a login did before it was rolled back is not counted, and its place is free again.
func TestAttemptRolledBack(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	for range 10 {
		exec(t, conn, "begin")
		guess(t, conn, "nobody", "", 5)
		exec(t, conn, "rollback")
	}
	guess(t, conn, "nobody", "", 5)
	freeze(t, conn)
	same(t, "the sixth", one[string](t, conn, from, "nobody", "x", ""), "throttled")
}

// Many who guess at once get no more looks at a password than one after the other would.
func TestParallelGuesses(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	user(t, conn, "ann")
	exec(t, conn, "insert into pgsession.settings values ('throttle_cap', '1 hour'); update pgsession.settings set value = '8' where name = 'bcrypt_cost'")
	for _, name := range []string{"ann", "nobody"} {
		var calls []call
		for range 30 {
			calls = append(calls, begin(t, db.Conn(t), "select outcome from pgsession.login($1, 'a guess')", name))
		}
		outcomes := map[string]int{}
		started := time.Now()
		for _, c := range calls {
			a := c.end(t)
			if a.err != nil {
				t.Fatal(a.err)
			}
			outcomes[a.rows[0]]++
		}
		// One more for every wait that was over before all had been answered.
		most := 5
		for wait := time.Second; wait < time.Since(started); wait *= 2 {
			most++
		}
		if n := outcomes["bad_credentials"]; n < 5 || n > most || n+outcomes["throttled"] != 30 {
			t.Errorf("%s: %v", name, outcomes)
		}
	}
}

// claim begins a transaction and claims an attempt in it, as a login does before it looks at the password. What it
// returns counts that attempt as failed.
func claim(t *testing.T, conn *pgx.Conn, username string) (fail func()) {
	t.Helper()
	exec(t, conn, "begin")
	slot := one[int](t, conn, "select c.slot from pgsession.attempt_claim(pgsession.attempt_account($1), null) c", username)
	return func() {
		t.Helper()
		exec(t, conn, "select pgsession.attempt_failed(pgsession.attempt_account($1), '', $2)", username, slot)
		exec(t, conn, "commit")
	}
}

// waits checks that a login waits for those in progress.
func waits(t *testing.T, conn *pgx.Conn, username string) {
	t.Helper()
	exec(t, conn, "set statement_timeout = '200 ms'")
	refused(t, conn, "57014", from, username, password, "")
	exec(t, conn, "reset statement_timeout")
}

// The order in which guesses in progress come to fail does not matter: each spends the attempt that it had claimed. When
// none is free any more they come one at a time.
func TestGuessesThatFailOutOfOrder(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	var conns []*pgx.Conn
	var fail []func()
	for i := range 5 {
		conns = append(conns, db.Conn(t))
		fail = append(fail, claim(t, conns[i], "nobody"))
	}
	for _, i := range []int{0, 3, 1, 4} {
		waits(t, conn, "nobody")
		fail[i]()
	}
	waits(t, conn, "nobody")
	exec(t, conns[2], "rollback") // as if it had never been: one is left
	guess(t, conn, "nobody", "", 1)
	freeze(t, conn)
	same(t, "none is left", one[string](t, conn, from, "nobody", "x", ""), "throttled")

	pass(t, conn)
	last := claim(t, conns[0], "nobody")
	waits(t, conn, "nobody")
	last()
	freeze(t, conn)
	same(t, "another one has failed", one[string](t, conn, from, "nobody", "x", ""), "throttled")
}

// Many logins of one user at once all succeed, also where an attempt is all that is left.
func TestParallelLogins(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	user(t, conn, "ann")
	for _, failures := range []int{0, 4} {
		guess(t, conn, "ann", "", failures)
		var calls []call
		for range 20 {
			calls = append(calls, begin(t, db.Conn(t), "select outcome from pgsession.login('ann', $1)", password))
		}
		for _, c := range calls {
			c.end(t).is(t, fmt.Sprintf("after %d failures", failures), "ok")
		}
	}
}

// Attempts in progress keep no other user out, nor this one's from a known address; who has none left waits for them.
func TestAttemptsInProgress(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	user(t, conn, "ann", "bob")
	same(t, "at home", one[string](t, conn, from, "ann", password, "192.0.2.1"), "ok")
	guess(t, conn, "ann", "", 3)
	first, second := db.Conn(t), db.Conn(t)
	claim(t, first, "ann")
	fail := claim(t, second, "ann")
	same(t, "another user", one[string](t, conn, from, "bob", password, ""), "ok")
	same(t, "at home", one[string](t, conn, from, "ann", password, "192.0.2.1"), "ok")
	waits(t, conn, "ann")
	c := begin(t, conn, from, "ann", password, "")
	fail()
	exec(t, first, "rollback")
	c.end(t).is(t, "the one that waited", "ok")
}
