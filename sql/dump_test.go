package sql_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgsession/pgsession/internal/pgtest"
	"github.com/pgsession/pgsession/migrations"
)

// A dump restored is a working database with the same users and sessions, and another epoch, with or without the
// contents of unlogged tables.
func TestDumpAndRestore(t *testing.T) {
	t.Parallel()
	for _, option := range []string{"--no-unlogged-table-data", "--no-sync", "--no-unlogged-table-data --format=custom"} {
		t.Run(option, func(t *testing.T) {
			t.Parallel()
			db, conn := start(t)
			user(t, conn, "ann")
			s := open(t, conn, "ann")
			exec(t, conn, "select pgsession.change_start()")
			revoke(t, conn, 1)
			epochThere := one[string](t, conn, epoch)

			file := filepath.Join(t.TempDir(), "dump.sql")
			run(t, db, "pg_dump", "", append(strings.Fields(option), "--no-owner", "--file="+file)...)
			restored := pgtest.Empty(t)
			if strings.Contains(option, "custom") {
				run(t, restored, "pg_restore", "", "--no-owner", "--exit-on-error", "--dbname="+restored.Name, file)
			} else {
				psql(t, restored, "", append([]string{"--file=" + file, "--output=" + filepath.Join(t.TempDir(), "out")}, strict...)...)
			}

			there := restored.Conn(t)
			same(t, "live", live(t, there, s.key), true)
			same(t, "login", one[string](t, there, "select outcome from pgsession.login('ann', $1)", password), "ok")
			const always = "select count(*) from pg_catalog.pg_trigger where tgenabled = 'A'"
			same(t, "triggers", one[int](t, there, always), one[int](t, conn, always))
			same(t, "functions for everybody", one[int](t, there, `select count(*) from pg_catalog.pg_proc p
				where exists (select from pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a where a.grantee = 0) and `+ours), 0)
			epochHere := one[string](t, there, epoch)
			if epochHere == epochThere || (epochHere == "") != strings.Contains(option, "unlogged") {
				t.Errorf("epoch %q, where it came from %q", epochHere, epochThere)
			}
			exec(t, there, "select pgsession.change_start(); select pgsession.session_sweep()")
			if _, err := migrations.Up(t.Context(), there, migrations.Options{}); err != nil {
				t.Error(err)
			}
		})
	}
}
