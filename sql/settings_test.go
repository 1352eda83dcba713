package sql_test

import (
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	same(t, "changed", one[string](t, conn, "select pgsession.setting('bcrypt_cost')"), "4")
	same(t, "default", one[string](t, conn, "select pgsession.setting('payload_max')"), "65536")
	exec(t, conn, "select pgsession.set_setting('payload_max', '2048'), pgsession.set_setting('payload_max', '4096')")
	same(t, "set", one[string](t, conn, "select pgsession.setting('payload_max')"), "4096")
	same(t, "in force", one[string](t, conn, "select concat_ws(' ', value, standard, changed) from pgsession.settings_in_force where name = 'payload_max'"), "4096 65536 t")
	exec(t, conn, "select pgsession.set_setting('payload_max', null), pgsession.set_setting('payload_max', null)")
	same(t, "set back", one[string](t, conn, "select pgsession.setting('payload_max')"), "65536")
	for _, name := range []any{"nosuch", nil} {
		refused(t, conn, "SE005", "select pgsession.setting($1)", name)
		refused(t, conn, "SE005", "select pgsession.set_setting($1, '1')", name)
		refused(t, conn, "SE005", "select pgsession.set_setting($1, null)", name)
	}
	_, err := conn.Exec(t.Context(), "select pgsession.setting('nosuch')")
	if refusal := refusalOf(err); refusal == nil || !strings.Contains(refusal.Hint, "bcrypt_cost, ") {
		t.Errorf("a name that is none: %v", err)
	}
}

// Each setting has its bounds, and they hold for plain SQL, too.
func TestSettingsAreValid(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	bounds := map[string]struct{ good, bad string }{
		"absolute_lifetime":   {",1 s,30 days", "0 s,-1 day,soon,12 parsecs"},
		"activation_lifetime": {"1 minute,1 year", ",1 s,2 years"},
		"audit_retention":     {",1 month,10 years", "30 s,29 days"},
		"bcrypt_cost":         {"4,20", ",3,21,+5,0x5,99999999999"},
		"default_idle":        {",30 minutes", "0 s,60 years"},
		"fencing":             {"0 s,1 hour", ",-1 s,2 hours"},
		"lease":               {"100 ms,1 day", ",0 s,99 ms,25 hours"},
		"log_retention":       {"0 s,1 day", ",2 days"},
		"notify":              {"inline,doorbell,none", ",Inline,inline|doorbell"},
		"password_min":        {"1,72", "0,73"},
		"payload_max":         {"1024,268435455", "1023,268435456,64kB"},
		"poll":                {"10 ms,12 hours", ",1 ms,13 hours"},
		"poll_limit":          {"1,10000000", "0,-1"},
		"throttle_cap":        {"1 s,1 day", ",0 s"},
		"throttle_free":       {"1,1000", "0"},
		"throttle_stop":       {"1,1000000", "0"},
	}
	names := list[string](t, conn, "select name from pgsession.settings_in_force")
	same(t, "settings with bounds", len(bounds), len(names))
	for _, name := range names {
		// The times one by one: poll must stay below lease.
		exec(t, conn, "delete from pgsession.settings; insert into pgsession.settings values ('lease', '1 day'), ('poll', '10 ms')")
		if name == "lease" {
			exec(t, conn, "delete from pgsession.settings where name = 'lease'")
		}
		for _, value := range strings.Split(bounds[name].good, ",") {
			exec(t, conn, "select pgsession.set_setting($1, $2)", name, value)
			same(t, name, one[string](t, conn, "select pgsession.setting($1)", name), value)
		}
		for _, value := range strings.Split(bounds[name].bad, ",") {
			refused(t, conn, "SE005", "select pgsession.set_setting($1, $2)", name, value)
			refused(t, conn, "SE005", "update pgsession.settings set value = $2 where name = $1", name, value)
			refused(t, conn, "SE005", "insert into pgsession.settings values ($1, $2) on conflict (name) do update set value = excluded.value", name, value)
		}
		refused(t, conn, "SE005", "insert into pgsession.settings values ($1, null)", name)
	}
	refused(t, conn, "SE005", "update pgsession.settings set name = 'nosuch' where name = 'poll'")
	refused(t, conn, "SE009", "truncate pgsession.settings")
}

// Poll stays below lease, whichever is changed, in whichever order, by one or by two.
func TestPollStaysBelowLease(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	refused(t, conn, "SE005", "select pgsession.set_setting('lease', '1 second')")
	refused(t, conn, "SE005", "select pgsession.set_setting('poll', '3 seconds')")
	exec(t, conn, "insert into pgsession.settings values ('lease', '500 ms'), ('poll', '100 ms')")
	refused(t, conn, "SE005", "delete from pgsession.settings where name = 'poll'")
	exec(t, conn, "delete from pgsession.settings where name in ('poll', 'lease')")

	first, second := db.Conn(t), db.Conn(t)
	exec(t, first, "begin; select pgsession.set_setting('lease', '2 seconds')")
	c := begin(t, second, "select pgsession.set_setting('poll', '2500 ms')::text")
	c.blocks(t, first)
	exec(t, first, "commit")
	c.end(t).is(t, "the second one", "SE005")
}

// The reference has the table of settings as they are, with the values that a refusal names.
func TestReferenceHasEverySetting(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	const row = "select format('| `%s` | %s | %s | %s |', name, coalesce('`' || nullif(standard, '') || '`', 'none'), $2::text, meaning)" +
		" from pgsession.settings_in_force where name = $1"
	var table strings.Builder
	table.WriteString("| setting | default | values | |\n| --- | --- | --- | --- |\n")
	for _, name := range list[string](t, conn, "select name from pgsession.settings_in_force order by name") {
		_, err := conn.Exec(t.Context(), "select pgsession.set_setting($1, 'no value')", name)
		refusal := refusalOf(err)
		if refusal == nil {
			t.Fatalf("%s: %v", name, err)
		}
		values, is := strings.CutPrefix(strings.TrimSuffix(refusal.Hint, "."), name+" is ")
		same(t, refusal.Hint+": names the values", is, true)
		table.WriteString(one[string](t, conn, row, name, values) + "\n")
	}
	generated(t, "README.md", "settings", table.String())
}

// Sessions that are opened without an idle lifetime get the default one.
func TestDefaultIdle(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	const opened = "select expiresecs from pgsession.session_open(p_expiresecs => $1::integer)"
	same(t, "none", one[*int](t, conn, opened, nil) == nil, true)
	exec(t, conn, "select pgsession.set_setting('default_idle', '20 minutes')")
	same(t, "default", one[int](t, conn, opened, nil), 1200)
	same(t, "given", one[int](t, conn, opened, 60), 60)
}

// times are what a poll grants and has revokers wait, in milliseconds.
func times(t *testing.T, conn *pgx.Conn) (granted, waited int) {
	t.Helper()
	err := conn.QueryRow(t.Context(), "select (extract(epoch from lease) * 1000)::integer, (extract(epoch from wait) * 1000)::integer from pgsession.change_poll()").Scan(&granted, &waited)
	if err != nil {
		t.Fatal(err)
	}
	return granted, waited
}

// For as long as somebody may go by the former lease, the shorter is granted and the longer waited for.
func TestLeaseChangesInTwoSteps(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, change string
		lease        int
	}{
		{"raised", "select pgsession.set_setting('lease', '10 s')", 10000},
		{"lowered", "select pgsession.set_setting('lease', '2 s')", 2000},
		{"by plain SQL", "insert into pgsession.settings values ('lease', '10 s')", 10000},
		{"renamed to", "insert into pgsession.settings values ('throttle_cap', '10 s'); update pgsession.settings set name = 'lease' where name = 'throttle_cap'", 10000},
		{"in replica role", "set session_replication_role = replica; insert into pgsession.settings values ('lease', '10 s')", 10000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, conn := start(t)
			step := func(what string, granted, waited int) {
				t.Helper()
				g, w := times(t, conn)
				same(t, what+": granted", g, granted)
				same(t, what+": waited", w, waited)
				same(t, what+": asked for", one[int](t, conn, "select (extract(epoch from pgsession.change_wait()) * 1000)::integer"), waited)
			}
			over := func() {
				t.Helper()
				exec(t, conn, "update pgsession.lease_changes set seen = seen - was * 1.01 - interval '5 s'")
			}
			step("before", 3000, 3030)
			exec(t, conn, tt.change)
			short, long := min(3000, tt.lease), max(3000, tt.lease)*101/100
			step("after", short, long)
			exec(t, conn, "update pgsession.lease_changes set seen = seen - interval '2 s'")
			step("meanwhile", short, long)
			over()
			step("in the end", tt.lease, tt.lease*101/100)

			exec(t, conn, "delete from pgsession.settings where name = 'lease'")
			step("taken back", short, long)
			exec(t, conn, "select pgsession.set_setting('fencing', '4 s')")
			step("with fencing", short, long+4000)
			exec(t, conn, "update pgsession.lease_changes set seen = seen - was * 1.01 - interval '3 s'")
			step("fencing not over", short, long+4000)
			over()
			step("over", 3000, 7030)
		})
	}
}

// Several changes in a row: all that somebody may go by count.
func TestLeaseChangesTwice(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	exec(t, conn, "select pgsession.set_setting('lease', '60 s'), pgsession.set_setting('lease', '5 s')")
	granted, waited := times(t, conn)
	same(t, "granted", granted, 3000)
	same(t, "waited", waited, 60600)
}

// The time of a change is not when it was written, but when it could first be seen: a long transaction, a prepared one.
func TestLeaseChangeInALongTransaction(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	writer := db.Conn(t)
	exec(t, writer, "begin; select pgsession.set_setting('lease', '10 s')")
	granted, waited := times(t, conn)
	same(t, "granted before the commit", granted, 3000)
	same(t, "waited before the commit", waited, 3030)
	exec(t, writer, "commit")
	same(t, "seen by nobody", one[*time.Time](t, conn, "select seen from pgsession.lease_changes") == nil, true)
	same(t, "waited", one[int](t, conn, "select extract(epoch from pgsession.change_wait())::integer"), 10)
	times(t, conn)
	same(t, "seen by a poll just now", one[bool](t, conn, "select seen > clock_timestamp() - interval '1 minute' from pgsession.lease_changes"), true)
	exec(t, conn, "update pgsession.lease_changes set seen = seen - interval '1 day'; select pgsession.session_sweep()")
	same(t, "forgotten", one[int](t, conn, "select count(*) from pgsession.lease_changes"), 0)
}
