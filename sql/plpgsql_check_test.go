package sql_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestCheckedByPlpgsqlCheck(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	db.Extension(t, "plpgsql_check", "Debian: the package postgresql-NN-plpgsql-check")
	exec(t, conn, "create schema tool; create extension plpgsql_check with schema tool")
	for _, finding := range findings(t, conn) {
		t.Error(finding)
	}

	// The check itself works.
	exec(t, conn, `create function pgsession.wrong(p_unused text) returns text language plpgsql as 'begin return (select nosuch from pgsession.users); end'`)
	if found := findings(t, conn); !slices.ContainsFunc(found, func(f string) bool {
		return f == `pgsession.wrong(text) line 1 error 42703 column "nosuch" does not exist`
	}) {
		t.Errorf("of a wrong function it says %q", found)
	}
	exec(t, conn, `drop function pgsession.wrong(text);
		create function pgsession.wrong() returns trigger language plpgsql as 'declare v_never int; begin return new.nosuch; end';
		create trigger wrong before update on pgsession.users for each row execute function pgsession.wrong()`)
	found := strings.Join(findings(t, conn), "\n")
	for _, says := range []string{`record "new" has no field "nosuch"`, `unused variable "v_never"`} {
		if !strings.Contains(found, says) {
			t.Errorf("of a wrong trigger function it does not say %q:\n%s", says, found)
		}
	}
}

// findings returns all that plpgsql_check has to say about the schema's functions, save one warning: what only raises
// might be IMMUTABLE, but then the planner could raise in advance what only a branch not taken raises.
func findings(t *testing.T, conn *pgx.Conn) []string {
	t.Helper()
	return list[string](t, conn, `
		select concat_ws(' ', p.oid::pg_catalog.regprocedure, 'line', c.lineno, c.level, c.sqlstate, c.message, c.detail, c.hint)
		  from pg_catalog.pg_proc p
		  left join pg_catalog.pg_trigger t on t.tgfoid = p.oid
		 cross join lateral tool.plpgsql_check_function_tb(
		       funcoid => p.oid, relid => coalesce(t.tgrelid, 0), fatal_errors => false, extra_warnings => true,
		       performance_warnings => true, security_warnings => true,
		       oldtable => t.tgoldtable, newtable => t.tgnewtable) c
		 where not (p.proname in ('fail', 'fail_limit') and c.message = 'routine is marked as VOLATILE, should be IMMUTABLE')
		   and `+ours)
}
