package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pgsession/pgsession/internal/pgtest"
	"github.com/pgsession/pgsession/migrations"
)

func TestMigratePlan(t *testing.T) {
	db := pgtest.Empty(t)
	noDatabase(t)
	plan := func(args ...string) string {
		t.Helper()
		got := runCommand(t, append([]string{"migrate", "plan"}, args...)...)
		if got.status != 0 || got.err != "" {
			t.Fatalf("%v: %+v", args, got)
		}
		return got.out
	}
	whole := plan("--from", "0")
	if !strings.HasPrefix(whole, "begin;\n") || !strings.HasSuffix(whole, "\ncommit;\n") {
		t.Errorf("no transaction: %.40q … %q", whole, whole[len(whole)-40:])
	}
	if asked := plan("--dsn", db.DSN()); asked != whole {
		t.Error("a database in which nothing is installed gets another plan than --from 0")
	}
	bare := plan("--from", "0", "--no-transaction")
	if "begin;\n\n"+bare+"\ncommit;\n" != whole {
		t.Errorf("--no-transaction prints\n%s", bare)
	}
	var script migrations.Script
	if err := json.Unmarshal([]byte(plan("--from", "0", "--json")), &script); err != nil || script.SQL != whole || script.Schema != "pgsession" || script.From != 0 || script.To == 0 {
		t.Errorf("--json: %v, %s from %d to %d", err, script.Schema, script.From, script.To)
	}
	db.Exec(t, whole)
	if upgraded := plan("--dsn", db.DSN()); strings.Contains(upgraded, "create table pgsession.users") || !strings.Contains(upgraded, "create or replace function") {
		t.Errorf("with everything installed the plan is\n%s", upgraded)
	}
}

func TestMigratePlanAskedWrongly(t *testing.T) {
	noDatabase(t)
	for _, tt := range []struct{ args, says string }{
		{"migrate plan", "no database is named"},
		{"migrate plan --from -1", "--from is a version"},
		{"migrate plan --pgcrypto public", "--pgcrypto goes with --from"},
	} {
		got := runCommand(t, strings.Fields(tt.args)...)
		if got.status != 2 || !strings.Contains(got.err, tt.says) || got.out != "" {
			t.Errorf("%s: %+v", tt.args, got)
		}
	}
	if got := runCommand(t, "migrate", "plan", "--from", "999"); got.status != 1 || !strings.Contains(got.err, "newer than this program") {
		t.Errorf("--from 999: %+v", got)
	}
}
