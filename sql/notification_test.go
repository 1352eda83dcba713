package sql_test

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/internal/pgtest"
)

// ear listens to the schema's channel.
type ear struct{ conn *pgx.Conn }

// done is the channel on which a test tells itself that all has been announced: notifications come in the order of commits.
const done = "test_done"

func listen(t *testing.T, db *pgtest.DB) ear {
	t.Helper()
	conn := db.Conn(t)
	exec(t, conn, "listen pgsession_inv; listen "+done)
	return ear{conn}
}

// heard returns the notifications that have arrived since it was last called.
func (e ear) heard(t *testing.T) []notification {
	t.Helper()
	exec(t, e.conn, "notify "+done)
	var all []notification
	for {
		n, err := e.conn.WaitForNotification(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n.Channel == done {
			return all
		}
		all = append(all, parse(t, n.Payload))
	}
}

// notification is one, taken apart.
type notification struct {
	epoch string // eight letters, or none
	items []item
}

// item is an invalidation, as a row of the log has it.
type item struct {
	Kind string
	Tag  int64
}

var payloadFormat = regexp.MustCompile(`^1\|([0-9a-f]{8})?\|\|(\*|(?:[su][A-Za-z0-9_-]{11})+)$`)

// parse reads a notification's payload as a client of another language would, by nothing but the description of it.
func parse(t *testing.T, payload string) notification {
	t.Helper()
	m := payloadFormat.FindStringSubmatch(payload)
	if m == nil || len(payload) >= 8000 {
		t.Fatalf("%d bytes: %q", len(payload), payload)
	}
	n := notification{epoch: m[1]}
	if m[2] == "*" {
		n.items = []item{{Kind: "*"}}
		return n
	}
	for text := range slices.Chunk([]byte(m[2]), 12) {
		tag, err := base64.RawURLEncoding.DecodeString(string(text[1:]))
		if err != nil || len(tag) != 8 {
			t.Fatalf("item %q: %d bytes, %v", text, len(tag), err)
		}
		n.items = append(n.items, item{string(text[:1]), int64(binary.BigEndian.Uint64(tag))})
	}
	return n
}

// items are those of several notifications, sorted.
func items(notifications []notification) []item {
	var all []item
	for _, n := range notifications {
		all = append(all, n.items...)
	}
	return sorted(all)
}

func sorted(items []item) []item {
	slices.SortFunc(items, func(a, b item) int {
		return strings.Compare(fmt.Sprint(a.Kind, a.Tag), fmt.Sprint(b.Kind, b.Tag))
	})
	return items
}

// covers tells whether all is said that there is to say, one by one or by a flush.
func covers(said, all []item) bool {
	if slices.Contains(said, item{Kind: "*"}) {
		return true
	}
	known := map[item]bool{}
	for _, i := range said {
		known[i] = true
	}
	return !slices.ContainsFunc(all, func(i item) bool { return !known[i] })
}

// logged returns what the change log holds, sorted, and empties it.
func logged(t *testing.T, conn *pgx.Conn) []item {
	t.Helper()
	rows, err := conn.Query(t.Context(), "delete from pgsession.change_log where kind <> 't' returning kind::text, tag")
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[item])
	if err != nil {
		t.Fatal(err)
	}
	return sorted(all)
}

func TestNotificationsNameTheEpoch(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	e := listen(t, db)
	exec(t, conn, "select pgsession.session_close(p_token => (pgsession.session_open()).token)")
	first := e.heard(t)
	exec(t, conn, "select pgsession.change_start()")
	exec(t, conn, "select pgsession.session_close(p_token => (pgsession.session_open()).token)")
	second := e.heard(t)
	if len(first) != 1 || first[0].epoch != "" {
		t.Errorf("before change_start: %v", first)
	}
	if len(second) != 1 || second[0].epoch != one[string](t, conn, "select left(pgsession.epoch()::text, 8)") {
		t.Errorf("after change_start: %v", second)
	}
}

// In no other mode than inline does anything arrive; the log is kept all the same.
func TestNotifyMode(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	e := listen(t, db)
	exec(t, conn, "insert into pgsession.settings values ('notify', 'none')")
	s := open(t, conn, "")
	exec(t, conn, "select pgsession.session_save(p_key => $1, p_payload => '{}')", s.key)
	exec(t, conn, "truncate pgsession.sessions")
	if heard := e.heard(t); len(heard) > 0 {
		t.Errorf("heard %v", heard)
	}
	same(t, "logged", len(logged(t, conn)), 2)
}

// Few notifications for many rows: the log has a row each up to some thousand, then one that says all.
func TestNotificationsAreFew(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	e := listen(t, db)
	user(t, conn, "ann")
	for _, tt := range []struct {
		name, owner   string
		rows          int
		sql           string
		heard, logged int
	}{
		{"update", "", 600, "update pgsession.sessions set payload = '{\"a\": 1}'", 1, 600},
		{"update", "", 601, "update pgsession.sessions set payload = '{\"a\": 1}'", 2, 601},
		{"update", "", 4900, "update pgsession.sessions set payload = '{\"a\": 1}'", 9, 4901}, // eight, and a flush
		{"delete", "", 601, "delete from pgsession.sessions", 2, 601},
		{"delete", "", 4800, "delete from pgsession.sessions", 8, 4800},
		{"delete", "", 4801, "delete from pgsession.sessions", 1, 1},
		{"delete", "", 10000, "delete from pgsession.sessions", 1, 1},
		{"delete", "ann", 2000, "delete from pgsession.sessions", 1, 1},
		{"close", "ann", 2000, "select pgsession.session_close_user('ann')", 1, 1},
		{"delete user", "ann", 2000, "delete from pgsession.users", 1, 1},
		{"truncate", "", 10, "truncate pgsession.sessions", 1, 1},
	} {
		t.Run(fmt.Sprint(tt.name, tt.rows), func(t *testing.T) {
			exec(t, conn, "delete from pgsession.sessions")
			exec(t, conn, "insert into pgsession.sessions (key, username) select sha256(int4send(n)), nullif($2, '') from generate_series(1, $1) n", tt.rows, tt.owner)
			logged(t, conn)
			e.heard(t)
			exec(t, conn, tt.sql)
			heard, log := e.heard(t), logged(t, conn)
			same(t, "notifications", len(heard), tt.heard)
			same(t, "log rows", len(log), tt.logged)
			if all := items(heard); !covers(all, log) || !covers(log, all) {
				t.Errorf("%d items were notified, %d logged", len(all), len(log))
			}
		})
	}
}

// Once a transaction has flushed, what follows in it is covered; unless the flush is taken back.
func TestFlushCoversTheTransaction(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	e := listen(t, db)
	other := open(t, conn, "")
	save := fmt.Sprintf(`select pgsession.session_save(p_token => '%s', p_payload => '{}')`, other.token)
	tag := one[int64](t, conn, "select pgsession.session_tag($1)", other.key)
	flush := "create temp table kept on commit drop as select * from pgsession.sessions; truncate pgsession.sessions; insert into pgsession.sessions select * from kept; "
	for name, tt := range map[string]struct {
		sql  string
		want []item
	}{
		"flush, save":                   {"begin; " + flush + save + "; " + save + "; commit", []item{{Kind: "*"}}},
		"flush twice":                   {"begin; " + flush + "truncate pgsession.sessions; insert into pgsession.sessions select * from kept; commit", []item{{Kind: "*"}}},
		"flush taken back, save":        {"begin; savepoint a; " + flush + "rollback to a; " + save + "; commit", []item{{"s", tag}}},
		"flush in a savepoint, save":    {"begin; savepoint a; " + flush + "release a; " + save + "; commit", []item{{Kind: "*"}}},
		"flush in the one before it":    {"begin; " + flush + "commit; begin; " + save + "; commit", []item{{Kind: "*"}, {"s", tag}}},
		"flush in one rolled back":      {"begin; " + flush + "rollback; begin; " + save + "; commit", []item{{"s", tag}}},
		"save, flush":                   {"begin; " + save + ";" + flush + "commit", []item{{Kind: "*"}, {"s", tag}}},
		"nine saves announced each":     {"begin; " + strings.Repeat(save+"; ", 9) + "commit", append([]item{{Kind: "*"}}, slices.Repeat([]item{{"s", tag}}, 9)...)},
		"eight saves announced each":    {"begin; " + strings.Repeat(save+"; ", 8) + "commit", slices.Repeat([]item{{"s", tag}}, 8)},
		"nine saves, a tenth, undone":   {"begin; " + strings.Repeat(save+"; ", 8) + "savepoint a; " + save + "; " + save + "; rollback to a; commit", slices.Repeat([]item{{"s", tag}}, 8)},
		"a failed statement's flush":    {"begin; savepoint a; " + flush + "do $$ begin perform 1 / 0; exception when others then null; end $$; rollback to a; " + save + "; commit", []item{{"s", tag}}},
		"nothing but a rolled back one": {"begin; " + save + "; rollback", nil},
	} {
		exec(t, conn, tt.sql)
		heard, log := items(e.heard(t)), logged(t, conn)
		if !slices.Equal(log, tt.want) {
			t.Errorf("%s: logged %v, should be %v", name, log, tt.want)
		}
		if !covers(heard, log) || !covers(log, heard) {
			t.Errorf("%s: heard %v, logged %v", name, heard, log)
		}
	}
}
