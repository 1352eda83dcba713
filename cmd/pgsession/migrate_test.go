package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pgsession/pgsession/internal/pgtest"
	"github.com/pgsession/pgsession/migrations"
)

func TestMigrateUpStatusDown(t *testing.T) {
	db := pgtest.Empty(t)
	noDatabase(t)
	t.Setenv("DATABASE_URL", db.DSN())
	expect := func(status int, says []string, args ...string) {
		t.Helper()
		got := runCommand(t, args...)
		for _, text := range says {
			if !strings.Contains(got.out+got.err, text) {
				t.Errorf("%v does not say %q:\n%s%s", args, text, got.out, got.err)
			}
		}
		if got.status != status {
			t.Errorf("%v: status %d\n%s%s", args, got.status, got.out, got.err)
		}
	}
	expect(0, []string{"version    0 of", "functions  not installed", "pending    001_"}, "migrate", "status")
	expect(0, []string{"nothing to do: pgsession is not installed in schema pgsession"}, "migrate", "down", "--yes")
	expect(0, []string{"create schema pgsession", "up to version 1: 001_", "install functions", "schema pgsession is at version"}, "migrate", "up")
	expect(0, []string{"install functions", "schema pgsession is at version"}, "migrate", "up")
	expect(0, []string{"functions  0."}, "migrate", "status")
	expect(2, []string{"destroys", "pgsession"}, "migrate", "down")
	expect(0, []string{"down to version 1", "functions are not installed"}, "migrate", "down", "--to", "1", "--yes")
	expect(1, []string{"cannot go down to version 9"}, "migrate", "down", "--to", "9", "--yes")
	expect(0, []string{"drop schema pgsession", "pgsession is removed"}, "migrate", "down", "--yes")

	t.Setenv("PGSESSION_SCHEMA", "elsewhere")
	expect(0, []string{"create schema elsewhere"}, "migrate", "up")
	expect(0, []string{"schema     elsewhere"}, "migrate", "status")
	expect(0, []string{"schema     pgsession", "version    0"}, "migrate", "status", "--schema", "pgsession")
}

func TestMigrateForPrograms(t *testing.T) {
	db := pgtest.Empty(t)
	noDatabase(t)
	object := func(v any, args ...string) {
		t.Helper()
		got := runCommand(t, append(args, "--json", "--dsn", db.DSN())...)
		if err := json.Unmarshal([]byte(got.out), v); err != nil || got.status != 0 {
			t.Fatalf("%v: %+v: %v", args, got, err)
		}
	}
	var up, down migrations.Result
	var before, after migrations.State
	object(&before, "migrate", "status")
	object(&up, "migrate", "up")
	object(&after, "migrate", "status")
	object(&down, "migrate", "down", "--yes")
	if before.Version != 0 || len(before.Pending) != int(before.Newest) || after.Version != after.Newest || after.Code != release {
		t.Errorf("status before %+v and after %+v", before, after)
	}
	if up.To != before.Newest || !up.CodeInstalled || down.From != up.To || down.To != 0 || down.CodeInstalled || len(down.Steps) == 0 {
		t.Errorf("up %+v, down %+v", up, down)
	}
}

func TestMigrateShowsWhatPostgreSQLRefused(t *testing.T) {
	db := pgtest.New(t)
	db.Exec(t, "create view public.mine as select username from pgsession.users")
	noDatabase(t)
	got := runCommand(t, "migrate", "down", "--yes", "--dsn", db.DSN())
	for _, text := range []string{"001_", "2BP01", "DETAIL:  view public.mine", "HINT:"} {
		if !strings.Contains(got.err, text) {
			t.Errorf("%q is not shown:\n%s", text, got.err)
		}
	}
	if got.status != 1 {
		t.Errorf("status %d", got.status)
	}
}
