package migrations_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgsession/pgsession/internal/pgtest"
	"github.com/pgsession/pgsession/migrations"
)

// The files of a release are its `pgsession migrate plan --from 0`, and what its client prepares.
const (
	releasedPlan  = "testdata/released/%s.sql"
	releasedCalls = "testdata/released/%s.calls.sql"
)

func file(t *testing.T, name, release string) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf(name, release))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// releases are those that are kept; and every one that the changelog names has to be.
func releases(t *testing.T) []string {
	t.Helper()
	kept, err := filepath.Glob(fmt.Sprintf(releasedCalls, "*"))
	if err != nil || len(kept) == 0 {
		t.Fatalf("no release is kept: %v", err)
	}
	for i, name := range kept {
		kept[i] = strings.TrimSuffix(filepath.Base(name), ".calls.sql")
	}
	changelog, err := os.ReadFile("../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^## \[(\d+\.\d+\.\d+)\]`).FindAllStringSubmatch(string(changelog), -1) {
		if !slices.Contains(kept, m[1]) {
			t.Errorf("the changelog has %s, and there is no %s to upgrade from", m[1], fmt.Sprintf(releasedPlan, m[1]))
		}
	}
	return kept
}

// Every release can be upgraded while its programs run: nothing stored is lost, they go on working, and the schema is the one
// that a new database gets.
func TestUpgradeFromEveryRelease(t *testing.T) {
	t.Parallel()
	for _, release := range releases(t) {
		t.Run(release, func(t *testing.T) {
			t.Parallel()
			db := pgtest.Empty(t)
			conn := db.Conn(t)
			exec(t, conn, file(t, releasedPlan, release))
			if code := status(t, conn, migrations.Options{}).Code; code != release {
				t.Fatalf("the functions call themselves %q", code)
			}
			exec(t, conn, "insert into pgsession.settings (name, value) values ('bcrypt_cost', '4')")
			old := startOldProgram(t, db, conn, release)
			stored := oldColumns(t, conn)
			before := contents(t, conn, stored)

			old.work(t, func() { mustUp(t, conn, migrations.Options{}) })
			if d := diff(before, contents(t, conn, stored)); len(d) > 0 {
				t.Errorf("stored before and after:\n%s", strings.Join(d, "\n"))
			}
			old.everyCall(t)

			exec(t, conn, "drop owned by "+old.role)
			sameObjects(t, objects(t, conn), fresh(t))
		})
	}
}

// oldColumns are the tables that keep what nobody wants to lose, with the columns that they have.
func oldColumns(t *testing.T, conn *pgx.Conn) map[string]string {
	t.Helper()
	columns := map[string]string{}
	for _, table := range []string{"users", "sessions", "settings"} {
		columns[table] = one[string](t, conn, `select string_agg(quote_ident(attname), ', ' order by attnum) from pg_catalog.pg_attribute
			where attrelid = ('pgsession.' || $1)::pg_catalog.regclass and attnum > 0 and not attisdropped`, table)
	}
	return columns
}

// contents are the rows, without what a program at work moves.
func contents(t *testing.T, conn *pgx.Conn, columns map[string]string) []string {
	t.Helper()
	var all []string
	for table, list := range columns {
		kept := regexp.MustCompile(`\b(lasthit|expires|sweep_from), `).ReplaceAllString(list+", ", "")
		rows, err := conn.Query(t.Context(), fmt.Sprintf("select '%s: ' || row(%s)::text from pgsession.%[1]s", table, strings.TrimSuffix(kept, ", ")))
		if err != nil {
			t.Fatal(err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		if len(lines) == 0 {
			t.Errorf("there is nothing in %s to lose", table)
		}
		all = append(all, lines...)
	}
	return all
}

// oldProgram is one that was built with the client of a release, and keeps its prepared statements.
type oldProgram struct {
	release, role string
	conn          *pgconn.PgConn
}

// startOldProgram connects as a role that the release's own grant_app has given its rights, and stores something.
func startOldProgram(t *testing.T, db *pgtest.DB, owner *pgx.Conn, release string) *oldProgram {
	t.Helper()
	as := db.As(t)
	exec(t, owner, "select pgsession.grant_app('"+as.User+"')")
	old := &oldProgram{release: release, role: as.User, conn: as.Conn(t).PgConn()}
	old.must(t, file(t, releasedCalls, release))
	for _, call := range []string{
		"user_create('ann', 'a long secret', '{\"a\": 1}', false)",
		"user_create('bob', 'a long secret', '{}', true)",
		"session_open('ann', 3600, '{\"cart\": [1]}', '{\"agent\": \"old\"}', sha256('ann'))",
		"session_open(null, null, '{}', null, sha256('anonymous'))",
		"change_start",
		"change_join('00000000-0000-0000-0000-000000000001')",
	} {
		old.must(t, "execute "+call)
	}
	return old
}

// must runs SQL and returns how many rows the last statement gave.
func (o *oldProgram) must(t *testing.T, sql string) int {
	t.Helper()
	results, err := o.conn.Exec(context.WithoutCancel(t.Context()), sql).ReadAll()
	if err != nil {
		t.Fatalf("a program of %s: %s: %v", o.release, sql, err)
	}
	return len(results[len(results)-1].Rows)
}

// work has the program do what it does all day while something else is done, and a little after.
func (o *oldProgram) work(t *testing.T, meanwhile func()) {
	t.Helper()
	const calls = `execute session_get(sha256('ann'));
		execute session_touch(array[sha256('ann'), sha256('anonymous')]);
		execute change_poll(null, '00000000-0000-0000-0000-000000000001');
		execute user_get('ann')`
	done, worked := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			if _, err := o.conn.Exec(context.Background(), calls).ReadAll(); err != nil {
				worked <- err
				return
			}
			select {
			case <-done:
				worked <- nil
				return
			default:
			}
		}
	}()
	meanwhile()
	close(done)
	if err := <-worked; err != nil {
		t.Fatalf("a program of %s, during the upgrade: %v", o.release, err)
	}
}

// everyCall makes each call that the program has prepared, by the statements that it prepared before the upgrade.
func (o *oldProgram) everyCall(t *testing.T) {
	t.Helper()
	calls := []string{
		"login('ann', 'a long secret', 60, '{}', null, null)", "login('ann', 'wrong', 60, '{}', null, null)",
		"session_list('ann')", "session_get(sha256('ann'))", "session_save(sha256('ann'), '{}', 1)", "session_merge(sha256('ann'), '{\"b\": 2}')",
		"session_touch(array[sha256('ann')])", "session_rotate(sha256('ann'), sha256('new'), null)", "session_close(sha256('new'))",
		"session_close_id('ann', 0)", "session_close_user('ann', null)", "session_sweep(10)",
		"user_get('ann')", "user_save('ann', '{}', null)", "user_set_password('ann', 'another long one', null)", "user_delete('bob')",
		"user_create('cy', 'a long secret', '{}', false)", "session_open('cy', 60, '{}', null, sha256('cy'))",
		"change_poll(null, null)", "change_start", "epoch", "change_join('00000000-0000-0000-0000-000000000002')",
		"change_ack('00000000-0000-0000-0000-000000000002', '1:1:')", "change_expel('00000000-0000-0000-0000-000000000002', 0)",
		"change_members", "change_applied('1')", "change_ring('!')", "change_leave('00000000-0000-0000-0000-000000000001')",
		"setting('lease')", "stats", "version",
	}
	notForApplications := []string{"session_close_all", "grant_app"}
	for _, name := range regexp.MustCompile(`(?m)^prepare (\w+)`).FindAllStringSubmatch(file(t, releasedCalls, o.release), -1) {
		made := slices.ContainsFunc(calls, func(call string) bool { return call == name[1] || strings.HasPrefix(call, name[1]+"(") })
		if !made && !slices.Contains(notForApplications, name[1]) {
			t.Errorf("%s is never called", name[1])
		}
	}
	for _, call := range calls {
		if rows := o.must(t, "execute "+call); rows == 0 {
			t.Errorf("a program of %s: %s gives no row", o.release, call)
		}
	}
}
