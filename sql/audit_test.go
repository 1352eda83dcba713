package sql_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/internal/pgtest"
)

// audited runs SQL and returns what it adds to the audit, each row as event, username, and detail's texts.
func audited(t *testing.T, conn *pgx.Conn, sql string, args ...any) string {
	t.Helper()
	before := one[int](t, conn, "select count(*) from pgsession.audit")
	exec(t, conn, sql, args...)
	return strings.Join(list[string](t, conn, `
		select concat_ws(' ', a.event, a.username, (select string_agg(coalesce(d.value, 'null'), ' ' order by d.key) from jsonb_each_text(a.detail) d))
		  from pgsession.audit a order by a.at offset $1`, before), "; ")
}

// What the functions do is in the audit, with the reason.
func TestAuditOfFunctions(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	user(t, conn, "bob")
	same(t, "created", audited(t, conn, "select pgsession.user_create('ann', 'secret12')"), "user_created ann active")
	opened := func() (s session) {
		t.Helper()
		same(t, "opened", audited(t, conn, `select pgsession.session_open('ann', 60, '{"a": "payload"}', '{"address": "192.0.2.7", "agent": "Firefox", "other": "x"}')`), "session_opened ann 192.0.2.7 Firefox")
		exec(t, conn, "select 1")
		return open(t, conn, "ann")
	}
	for call, want := range map[string]string{
		"select pgsession.session_close(p_key => $1)":                                  "session_ended ann closed",
		"select pgsession.session_rotate(p_key => $1, p_new_key => sha256('x'))":       "session_rotated ann",
		"select pgsession.session_save(p_key => $1, p_payload => '{}')":                "",
		"select pgsession.session_touch(array[$1::bytea])":                             "",
		"select pgsession.session_close_user('ann', p_except => $1)":                   "session_ended ann user_closed",
		"select pgsession.user_set_password('ann', 'new secret', p_keep => $1::bytea)": "password_changed ann set; session_ended ann password_changed",
	} {
		exec(t, conn, "delete from pgsession.sessions")
		s := opened()
		same(t, call, audited(t, conn, call, s.key), want)
	}
	exec(t, conn, "delete from pgsession.sessions")
	s := open(t, conn, "ann")
	same(t, "logout", audited(t, conn, "select pgsession.logout($1)", s.token), "session_ended ann logout")
	s = open(t, conn, "ann")
	same(t, "closed by id", audited(t, conn, "select pgsession.session_close_id('ann', $1)", s.id), "session_ended ann closed")
	open(t, conn, "ann")
	open(t, conn, "bob")
	same(t, "all closed", audited(t, conn, "select pgsession.session_close_all()"), "session_ended ann all_closed; session_ended bob all_closed")
	open(t, conn, "ann")
	same(t, "deleted", audited(t, conn, "select pgsession.user_delete('ann')"), "user_deleted ann; session_ended ann user_deleted")
	same(t, "set", audited(t, conn, "select pgsession.set_setting('payload_max', '2048')"), "setting_changed null payload_max 2048")
	same(t, "set again", audited(t, conn, "select pgsession.set_setting('payload_max', '2048')"), "")
	same(t, "set back", audited(t, conn, "select pgsession.set_setting('payload_max', null)"), "setting_changed 2048 payload_max null")
	same(t, "expired", audited(t, conn, "select pgsession.session_open('bob', 60) from generate_series(1, 3); update pgsession.sessions set expires = now(), origin = null where false"),
		"session_opened bob; session_opened bob; session_opened bob")
}

// What plain SQL does is in the audit as well, and who did it.
func TestAuditOfPlainSQL(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	user(t, conn, "ann", "bob", "eve")
	for _, tt := range []struct{ sql, want string }{
		{"delete from pgsession.sessions", "session_ended ann sql"},
		{"update pgsession.sessions set expires = now()", "session_ended ann sql"},
		{"update pgsession.sessions set ends = now() - interval '1 second'", "session_ended ann sql"},
		{"update pgsession.sessions set username = 'bob'", "session_moved bob ann bob"},
		{"update pgsession.sessions set username = null, cryptpasswd = null", "session_moved ann null"},
		{"update pgsession.sessions set key = sha256('new')", "session_rotated ann"},
		{"truncate pgsession.sessions", "sessions_truncated"},
		{"update pgsession.users set cryptpasswd = '!' where username = 'ann'", "password_changed ann sql; session_ended ann password_changed"},
		{"update pgsession.users set status = 'disabled' where username = 'ann'", "status_changed ann active disabled; session_ended ann disabled"},
		{"update pgsession.users set username = 'anna' where username = 'ann'", "user_renamed ann anna"},
		{"update pgsession.users set lasthit = now(), payload = '{}' where username = 'ann'", ""},
		{"delete from pgsession.users where username = 'ann'", "user_deleted ann; session_ended ann user_deleted"},
		{"set session_replication_role = replica; delete from pgsession.users where username = 'ann'", "user_deleted ann; session_ended ann user_deleted"},
		{"insert into pgsession.users (username, cryptpasswd, status) values ('zoe', '!', 'pending')", "user_created zoe pending"},
		{"truncate pgsession.users cascade", "sessions_truncated; users_truncated"},
		{"begin; set local pgsession.reason = 'ticket 4711'; delete from pgsession.sessions; commit", "session_ended ann ticket 4711"},
		{"begin; set local pgsession.reason = 'swept'; delete from pgsession.sessions; commit", "session_ended ann sql"},
		{"insert into pgsession.settings values ('notify', 'none'); update pgsession.settings set value = 'inline' where name = 'notify'",
			"setting_changed null notify none; setting_changed none notify inline"},
	} {
		t.Run(tt.sql, func(t *testing.T) {
			t.Parallel()
			conn := pgtest.New(t).Conn(t)
			user(t, conn, "ann", "bob")
			open(t, conn, "ann")
			got := audited(t, conn, tt.sql)
			if strings.HasPrefix(tt.sql, "truncate pgsession.users") { // in the order that PostgreSQL takes the tables
				got = strings.Join(set(strings.Split(got, "; ")), "; ")
			}
			same(t, tt.sql, got, tt.want)
		})
	}

	owner := db.As(t)
	exec(t, conn, fmt.Sprintf("grant usage on schema pgsession to %s; grant select, delete on pgsession.sessions to %[1]s", pgx.Identifier{owner.User}.Sanitize()))
	s := open(t, conn, "eve")
	as := owner.Conn(t, func(c *pgx.ConnConfig) { c.RuntimeParams["application_name"] = "night shift" })
	exec(t, as, "delete from pgsession.sessions where id = $1", s.id)
	same(t, "by whom", one[string](t, conn, "select concat_ws(' ', actor, application, reason, count) from pgsession.ended_sessions where session = $1", s.id), owner.User+" night shift sql 1")
}

// Logins, and what failed, with the address; a name that is nobody's is not kept.
func TestAuditOfLogins(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	user(t, conn, "ann")
	const login = `select pgsession.login($1, $2, p_origin => '{"address": "192.0.2.7"}')`
	same(t, "failed", audited(t, conn, login, "ann", "a guess"), "login_failed ann 192.0.2.7 bad_credentials")
	same(t, "nobody", audited(t, conn, login, "nobody", "a guess"), "login_failed 192.0.2.7 no_such_user")
	same(t, "ok", audited(t, conn, login, "ann", password), "login ann 192.0.2.7; session_opened ann 192.0.2.7")
	exec(t, conn, "select pgsession.set_setting('bcrypt_cost', '5')")
	same(t, "upgraded", audited(t, conn, login, "ann", password), "login ann 192.0.2.7; password_changed ann upgraded; session_opened ann 192.0.2.7")
	exec(t, conn, "update pgsession.users set status = 'disabled'")
	same(t, "disabled", audited(t, conn, login, "ann", password), "login_failed ann 192.0.2.7 disabled")
	same(t, "recent failures", one[string](t, conn, "select string_agg(concat_ws(' ', username, reason, address), ', ' order by at) from pgsession.recent_failures"),
		"ann bad_credentials 192.0.2.7, no_such_user 192.0.2.7, ann disabled 192.0.2.7")
}

// A key is looked up by its tag: how its session ended and by whom.
func TestAuditTellsHowASessionEnded(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	user(t, conn, "ann")
	const ending = "select coalesce(regexp_replace(pgsession.audit_ending($1), ', at [^,]*', ''), 'nothing')"
	as := db.Conn(t, func(c *pgx.ConnConfig) { c.RuntimeParams["application_name"] = "shop" })
	s := open(t, conn, "ann")
	same(t, "live", one[string](t, conn, ending, s.key), "nothing")
	exec(t, as, "select pgsession.session_rotate(p_key => $1, p_new_key => sha256('new'))", s.key)
	same(t, "rotated", strings.HasPrefix(one[string](t, conn, ending, s.key), fmt.Sprintf("rotated: session %d, of 'ann', by role %s, application shop", s.id, db.User)), true)
	exec(t, as, "select pgsession.session_close(p_key => sha256('new'))")
	same(t, "closed", strings.HasPrefix(one[string](t, conn, "select regexp_replace(pgsession.audit_ending(sha256('new')), ', at [^,]*', '')"),
		fmt.Sprintf("ended: session %d, of 'ann', closed, by role %s, application shop", s.id, db.User)), true)
}

// A function's reason is its own, whatever its caller says.
func TestAuditReasonIsTheFunctions(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	user(t, conn, "ann")
	s := open(t, conn, "ann")
	exec(t, conn, "set pgsession.reason = 'a lie'")
	same(t, "closed", audited(t, conn, "select pgsession.session_close(p_key => $1)", s.key), "session_ended ann closed")
	open(t, conn, "ann")
	same(t, "set", audited(t, conn, "select pgsession.user_set_password('ann', 'new secret')"), "password_changed ann set; session_ended ann password_changed")
	open(t, conn, "ann")
	same(t, "deleted", audited(t, conn, "select pgsession.user_delete('ann')"), "user_deleted ann; session_ended ann user_deleted")
	exec(t, conn, "select pgsession.session_open(null, 60, p_key => sha256('x')); update pgsession.sessions set expires = statement_timestamp()")
	same(t, "replaced when it had expired", audited(t, conn, "select pgsession.session_open(null, 60, p_key => sha256('x'))"), "sessions_ended 1 1 expired")
	same(t, "afterwards", one[string](t, conn, "select current_setting('pgsession.reason')"), "a lie")
}

// Anonymous sessions, sweeps and very many are audited in sum.
func TestAuditInSum(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	user(t, conn, "ann")
	same(t, "opened", audited(t, conn, "select pgsession.session_open() from generate_series(1, 7)"), "")
	open(t, conn, "ann")
	same(t, "deleted", audited(t, conn, "delete from pgsession.sessions"), "session_ended ann sql; sessions_ended 7 7 sql")
	exec(t, conn, "select pgsession.session_open('ann', 60) from generate_series(1, 5); select pgsession.session_open(null, 60); update pgsession.sessions set expires = statement_timestamp()")
	same(t, "swept", audited(t, conn, "select pgsession.session_sweep(), pgsession.session_sweep()"), "sessions_ended 1 6 swept")
	exec(t, conn, `insert into pgsession.sessions (key, username) select sha256(i::text::bytea), 'ann' from generate_series(1, 1001) i`)
	same(t, "1,001", audited(t, conn, "delete from pgsession.sessions"), "sessions_ended 0 1001 sql")
	exec(t, conn, `insert into pgsession.sessions (key, username) select sha256(i::text::bytea), 'ann' from generate_series(1, 1000) i`)
	same(t, "1,000", strings.Count(audited(t, conn, "delete from pgsession.sessions"), "session_ended ann sql"), 1000)
	s := open(t, conn, "ann")
	exec(t, conn, "update pgsession.sessions set expires = statement_timestamp()")
	same(t, "closed when it had expired", audited(t, conn, "select pgsession.session_close(p_key => $1)", s.key), "session_ended ann expired")
}

// Nobody changes what is in the audit, nor in a partition, the owner no more than a superuser.
func TestAuditIsAppendOnly(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	user(t, conn, "ann")
	exec(t, conn, "create table pgsession.audit_far partition of pgsession.audit for values from ('2100-01-01') to ('2100-02-01')")
	exec(t, conn, "insert into pgsession.audit (at, event) values ('2100-01-02', 'x'), (now() - interval '1 year', 'x')")
	refused(t, conn, "SE009", "update pgsession.audit_far set event = 'y'") // one attached by hand, at once
	refused(t, conn, "SE009", "delete from pgsession.audit_far")
	exec(t, conn, "select pgsession.audit_maintain('10 years')")
	tables := list[string](t, conn, "select relid::pg_catalog.regclass::text from pg_catalog.pg_partition_tree('pgsession.audit')")
	same(t, "tables", len(tables), 6)
	for _, role := range []string{"origin", "replica"} {
		exec(t, conn, "set session_replication_role = "+role)
		for _, table := range tables {
			for _, change := range []string{"update %s set event = 'y'", "delete from %s where false", "truncate %s", "truncate only %s"} {
				if table == "pgsession.audit" && strings.Contains(change, "only") {
					continue // of a partitioned table there is none
				}
				refused(t, conn, "SE009", fmt.Sprintf(change, table))
			}
		}
	}
	exec(t, conn, "reset session_replication_role")

	// Until he means it.
	exec(t, conn, "alter table pgsession.audit disable trigger all; alter table pgsession.audit_default disable trigger all; delete from pgsession.audit_default")
	same(t, "left", one[int](t, conn, "select count(*) from pgsession.audit_default"), 0)
}

// Partitions are made ahead by whoever sweeps, dropped by the owner, and a missing one fails nothing.
func TestAuditPartitions(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	const months = "select count(*)::integer from pg_catalog.pg_class c where c.relnamespace = 'pgsession'::pg_catalog.regnamespace and c.relname ~ '^audit_[0-9]{4}_[0-9]{2}$' and c.relispartition"
	same(t, "made at first", one[int](t, conn, months), 3)
	for _, partition := range list[string](t, conn, "select relid::pg_catalog.regclass::text from pg_catalog.pg_partition_tree('pgsession.audit') where relid::pg_catalog.regclass::text ~ '_[0-9]{2}$'") {
		exec(t, conn, "drop table "+partition)
	}
	app := db.As(t)
	exec(t, conn, "select pgsession.grant_app($1)", app.User) // audited, in the default partition
	user(t, conn, "ann")
	same(t, "written without a month", one[int](t, conn, "select count(*) from pgsession.audit_default"), 2)
	as := app.Conn(t)
	exec(t, as, "set default_tablespace = pg_global")
	exec(t, as, "select pgsession.session_sweep()")
	same(t, "made by a sweep: this month stays where it is", one[int](t, conn, months), 2)
	same(t, "the caller's own", one[string](t, as, "select current_setting('default_tablespace') || current_setting('lock_timeout')"), "pg_global0")
	same(t, "triggers of a new partition", one[string](t, conn, `select string_agg(concat(tgname, tgenabled), ' ' order by tgname) from pg_catalog.pg_trigger t join pg_catalog.pg_class c on c.oid = t.tgrelid
		where c.relname = (select min(relname) from pg_catalog.pg_class where relname ~ '^audit_[0-9]{4}_[0-9]{2}$')`), "audit_protectA audit_protect_rowsA")

	exec(t, conn, `create table pgsession.audit_1999_12 partition of pgsession.audit for values from ('1999-12-01 00:00+00') to ('2000-01-01 00:00+00');
		insert into pgsession.audit (at, event) values ('1999-12-31 23:59:59.999999+00', 'x'), ('1999-12-01 00:00+00', 'x'), ('1998-12-31', 'x')`)
	exec(t, conn, "create table pgsession.audit_1999_13 partition of pgsession.audit for values from ('1999-11-01 00:00+00') to ('1999-12-01 00:00+00')") // no month
	refused(t, conn, "SE005", "select pgsession.audit_maintain('29 days')")
	exec(t, conn, "select pgsession.set_setting('audit_retention', '')")
	same(t, "kept for ever", one[int](t, conn, "select pgsession.audit_maintain()"), 0)
	exec(t, conn, "select pgsession.set_setting('audit_retention', null)")
	same(t, "dropped", audited(t, conn, "select 1"), "")
	same(t, "dropped", one[int](t, conn, "select pgsession.audit_maintain()"), 1)
	same(t, "recorded", one[string](t, conn, "select string_agg(concat_ws(' ', detail ->> 'partition', detail ->> 'count'), ', ' order by at) from pgsession.audit where event = 'audit_dropped'"), "audit_default 1, audit_1999_12 2")
	same(t, "nothing is left", one[int](t, conn, "select count(*) from pgsession.audit where at < '2000-02-01'"), 0)
	refused(t, conn, "SE009", "delete from pgsession.audit_default")
	refused(t, as, "42501", "select pgsession.audit_maintain()")
}

// Making partitions waits for nobody: while somebody reads the audit, rows go to the default partition.
func TestAuditPartitionsDoNotWait(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	name := one[string](t, conn, "select max(relid::pg_catalog.regclass::text) from pg_catalog.pg_partition_tree('pgsession.audit') where relid::pg_catalog.regclass::text ~ '_[0-9]{2}$'")
	exec(t, conn, "drop table "+name)
	reader := db.Conn(t)
	exec(t, reader, "begin")
	one[int](t, reader, "select count(*) from pgsession.audit")
	exec(t, conn, "select pgsession.session_sweep()")
	same(t, "made", one[bool](t, conn, "select pg_catalog.to_regclass($1) is not null", name), false)
	exec(t, reader, "commit")
	exec(t, conn, "select pgsession.session_sweep()")
	same(t, "made", one[bool](t, conn, "select pg_catalog.to_regclass($1) is not null", name), true)
}

// Nor does dropping them wait, which would keep everybody from logging in: while somebody reads the audit nothing is dropped.
func TestAuditMaintenanceDoesNotWait(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	user(t, conn, "ann")
	exec(t, conn, "create table pgsession.audit_1999_12 partition of pgsession.audit for values from ('1999-12-01 00:00+00') to ('2000-01-01 00:00+00')")
	exec(t, conn, "set statement_timeout = '10s'")
	reader, writer := db.Conn(t), db.Conn(t)
	exec(t, reader, "begin")
	one[int](t, reader, "select count(*) from pgsession.audit where event = 'nothing'")
	same(t, "dropped beside a reader", one[int](t, conn, "select pgsession.audit_maintain()"), 0)
	exec(t, reader, "commit")
	exec(t, reader, "begin")
	open(t, reader, "ann")
	same(t, "dropped beside a writer", one[int](t, conn, "select pgsession.audit_maintain()"), 0)
	exec(t, reader, "commit")
	same(t, "lock_timeout", one[string](t, conn, "show lock_timeout"), "0")

	exec(t, conn, "drop table pgsession.audit_1999_12")
	exec(t, conn, "begin")
	same(t, "nothing to drop", one[int](t, conn, "select pgsession.audit_maintain()"), 0)
	exec(t, writer, "set statement_timeout = '10s'")
	open(t, writer, "ann") // though that is not committed
	exec(t, conn, "commit")
}

// Partitions that a DBA attaches by hand, of other months than ours, do not keep session_sweep from its work.
func TestAuditPartitionsBesideThoseMadeByHand(t *testing.T) {
	t.Parallel()
	const months = "select string_agg(relid::pg_catalog.regclass::text, ' ' order by relid::pg_catalog.regclass::text) from pg_catalog.pg_partition_tree('pgsession.audit') where isleaf"
	for name, tt := range map[string]struct{ bounds, kept string }{
		"all three":     {"from (%[1]s) to (%[1]s + interval '1 year')", ""},
		"the first two": {"from (%[1]s) to (%[1]s + interval '2 months')", "3"},
		"from within":   {"from (%[1]s + interval '40 days') to (%[1]s + interval '42 days')", "1 3"},
		"an hour later": {"from (%[1]s + interval '1 hour') to (%[1]s + interval '1 month 1 hour')", "3"},
		"an edge":       {"from (%[1]s - interval '1 year') to (%[1]s)", "1 2 3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, conn := start(t)
			made := strings.Fields(one[string](t, conn, months))[:3]
			exec(t, conn, "drop table "+strings.Join(made, ", "))
			exec(t, conn, "set timezone = 'UTC'")
			bounds := fmt.Sprintf(tt.bounds, "date_trunc('month', now())")
			exec(t, conn, "create table pgsession.audit_by_hand partition of pgsession.audit for values "+bounds)
			exec(t, conn, "set timezone = 'Asia/Kathmandu'; set datestyle = 'sql, dmy'")
			exec(t, conn, "select pgsession.session_sweep(), pgsession.audit_maintain()")
			var want []string
			for i, name := range made {
				if strings.Contains(tt.kept, fmt.Sprint(i+1)) {
					want = append(want, name)
				}
			}
			want = append(want, "pgsession.audit_by_hand", "pgsession.audit_default")
			same(t, "partitions", one[string](t, conn, months), strings.Join(want, " "))
		})
	}
}

// Whoever sweeps with an old snapshot does not see what has gone to the default partition meanwhile.
func TestAuditPartitionWhoseRowsAreNotSeen(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	name := one[string](t, conn, "select max(relid::pg_catalog.regclass::text) from pg_catalog.pg_partition_tree('pgsession.audit') where relid::pg_catalog.regclass::text ~ '_[0-9]{2}$'")
	exec(t, conn, "drop table "+name)
	old := db.Conn(t)
	exec(t, old, "begin isolation level repeatable read; select 1")
	exec(t, conn, "insert into pgsession.audit (at, event) values (date_trunc('month', now() at time zone 'UTC') at time zone 'UTC' + interval '65 days', 'x')")
	exec(t, old, "select pgsession.session_sweep(); commit")
	same(t, "made", one[bool](t, conn, "select pg_catalog.to_regclass($1) is not null", name), false)
}

// Whatever is called with them, no token, key or password gets into the audit, nor into a view.
func TestAuditHoldsNoSecret(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	const secret = "hunter2 hunter2"
	exec(t, conn, `select pgsession.user_create('ann', $1)`, secret)
	exec(t, conn, `select pgsession.login('ann', $1, p_payload => '{"card": "visa-4111"}', p_origin => '{"address": "192.0.2.7", "note": "visa-4111"}')`, secret)
	exec(t, conn, `select pgsession.login('ann', 'hunter2 guess'), pgsession.login('hunter2 as a name', 'x')`)
	s := open(t, conn, "ann")
	exec(t, conn, "select pgsession.session_rotate($1)", s.token)
	exec(t, conn, "select pgsession.user_set_password('ann', 'hunter2 again')")
	hash := one[string](t, conn, "select cryptpasswd from pgsession.users")
	views := list[string](t, conn, "select c.relname::text from pg_catalog.pg_class c where c.relnamespace = 'pgsession'::pg_catalog.regnamespace and c.relkind = 'v' and c.relname !~ '^jotweb'")
	for _, table := range append(views, "audit") {
		for _, text := range list[string](t, conn, "select x::text from pgsession."+table+" x") {
			for _, secret := range []string{"hunter2", hash, s.token, fmt.Sprintf("%x", s.key), "visa-4111"} {
				if strings.Contains(text, secret) {
					t.Errorf("%s: %s", table, text)
				}
			}
		}
	}
	if columns := list[string](t, conn, `select c.relname || '.' || a.attname from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid
		where c.relnamespace = 'pgsession'::pg_catalog.regnamespace and c.relkind = 'v' and c.relname !~ '^jotweb' and a.attname in ('payload', 'key', 'cryptpasswd', 'activation', 'origin')`); len(columns) > 0 {
		t.Errorf("views show %v", columns)
	}
}

func TestViews(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	user(t, conn, "ann", "bob")
	exec(t, conn, `select pgsession.session_open('ann', 60, p_origin => '{"address": "192.0.2.7", "agent": "Firefox"}'), pgsession.session_open('ann', 60), pgsession.session_open()`)
	exec(t, conn, "update pgsession.sessions set expires = statement_timestamp() where origin is null and username = 'ann'")
	same(t, "signed in", one[string](t, conn, "select concat_ws(' ', username, address, agent) from pgsession.signed_in"), "ann 192.0.2.7 Firefox")
	same(t, "by user", one[string](t, conn, "select string_agg(concat_ws(' ', username, status, live, expired), ', ' order by username) from pgsession.sessions_by_user"), "ann active 1 1, bob active 0 0")
	exec(t, conn, "select pgsession.session_sweep()")
	same(t, "ended", one[string](t, conn, "select string_agg(concat_ws(' ', username, reason, count), ', ' order by at) from pgsession.ended_sessions"), "ann sql 1, swept 1")
	exec(t, conn, "truncate pgsession.sessions")
	same(t, "truncated, nobody knows how many", one[string](t, conn, "select reason || coalesce(count::text, ' unknown') from pgsession.ended_sessions order by at desc limit 1"), "truncated unknown")
	same(t, "tables", one[bool](t, conn, "select count(*) >= 8 and bool_and(bytes >= 0) from pgsession.table_health"), true)
	same(t, "indexes", one[bool](t, conn, "select count(*) >= 8 and bool_and(is_valid) from pgsession.index_health"), true)
	same(t, "trail", one[bool](t, conn, "select count(*) > 4 from pgsession.audit_trail"), true)
	// The last two are parts of audit_trail, which the same roles read whole: nothing can leak, and a limit gets to the index.
	for _, view := range list[string](t, conn, `select c.relname::text from pg_catalog.pg_class c where c.relnamespace = 'pgsession'::pg_catalog.regnamespace and c.relkind = 'v' and c.relname !~ '^jotweb'
		and (coalesce(pg_catalog.obj_description(c.oid, 'pg_class'), '') !~ '[.]$' or pg_catalog.pg_get_viewdef(c.oid) ~ 'WHERE' and c.relname !~ '_health$' and c.relname not in ('ended_sessions', 'recent_failures') and c.reloptions is distinct from '{security_barrier=true}')`) {
		t.Errorf("the view %s has no comment, or leaks rows", view)
	}
}
