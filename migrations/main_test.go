package migrations_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/internal/pgtest"
	"github.com/pgsession/pgsession/migrations"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// mustUp migrates up with the embedded SQL.
func mustUp(t *testing.T, conn *pgx.Conn, o migrations.Options) migrations.Result {
	t.Helper()
	result, err := migrations.Up(t.Context(), conn, o)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// mustDown migrates down with the embedded SQL.
func mustDown(t *testing.T, conn *pgx.Conn, o migrations.Options, to int32) migrations.Result {
	t.Helper()
	result, err := migrations.Down(t.Context(), conn, o, to)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// status asks for the state of a schema.
func status(t *testing.T, conn *pgx.Conn, o migrations.Options) migrations.State {
	t.Helper()
	state, err := migrations.Status(t.Context(), conn, o)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

// exec runs SQL, several statements if there are no arguments.
func exec(t *testing.T, conn *pgx.Conn, sql string, args ...any) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// one returns the single value of a query.
func one[T any](t *testing.T, conn *pgx.Conn, sql string, args ...any) T {
	t.Helper()
	var v T
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

// everything describes all that a database holds, one line an object, with owners' and others' rights. An absent list of rights
// and the default it stands for are the same.
func everything(t *testing.T, conn *pgx.Conn) []string {
	t.Helper()
	rows, err := conn.Query(context.Background(), `
select concat_ws(' ', 'object', i.type, i.identity, pg_catalog.obj_description(o.oid, o.class::name))
from (select oid, 'pg_class' class from pg_catalog.pg_class where relnamespace <> 'pg_toast'::pg_catalog.regnamespace
      union all select oid, 'pg_proc' from pg_catalog.pg_proc
      union all select oid, 'pg_type' from pg_catalog.pg_type
      union all select oid, 'pg_namespace' from pg_catalog.pg_namespace where nspname !~ '^pg_(toast_)?temp_'
      union all select oid, 'pg_extension' from pg_catalog.pg_extension
      union all select oid, 'pg_operator' from pg_catalog.pg_operator
      union all select oid, 'pg_opclass' from pg_catalog.pg_opclass
      union all select oid, 'pg_collation' from pg_catalog.pg_collation
      union all select oid, 'pg_conversion' from pg_catalog.pg_conversion
      union all select oid, 'pg_language' from pg_catalog.pg_language
      union all select oid, 'pg_constraint' from pg_catalog.pg_constraint
      union all select oid, 'pg_trigger' from pg_catalog.pg_trigger
      union all select oid, 'pg_rewrite' from pg_catalog.pg_rewrite
      union all select oid, 'pg_policy' from pg_catalog.pg_policy
      union all select oid, 'pg_event_trigger' from pg_catalog.pg_event_trigger
      union all select oid, 'pg_publication' from pg_catalog.pg_publication
      union all select oid, 'pg_foreign_server' from pg_catalog.pg_foreign_server
      union all select oid, 'pg_statistic_ext' from pg_catalog.pg_statistic_ext
      union all select oid, 'pg_ts_config' from pg_catalog.pg_ts_config
      union all select oid, 'pg_default_acl' from pg_catalog.pg_default_acl
      union all select oid, 'pg_cast' from pg_catalog.pg_cast) o,
     pg_catalog.pg_identify_object(o.class::pg_catalog.regclass, o.oid, 0) i
union all
select concat_ws(' ', 'rights', nspname, a.grantor::regrole, a.grantee::regrole, a.privilege_type)
from pg_catalog.pg_namespace n, pg_catalog.aclexplode(coalesce(nspacl, pg_catalog.acldefault('n', nspowner))) a
where nspname !~ '^pg_(toast_)?temp_'
union all
select concat_ws(' ', 'default rights', d.defaclobjtype, d.defaclacl) from pg_catalog.pg_default_acl d
union all
select concat_ws(' ', 'setting', s.setdatabase, s.setrole, s.setconfig) from pg_catalog.pg_db_role_setting s
union all
select concat_ws(' ', 'dependencies', count(*)) from pg_catalog.pg_depend
union all
select concat_ws(' ', 'shared dependencies', count(*)) from pg_catalog.pg_shdepend s
where s.dbid = (select oid from pg_catalog.pg_database where datname = current_database())
union all
select concat_ws(' ', 'initial rights', count(*)) from pg_catalog.pg_init_privs
order by 1`)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// diff returns the lines that only one of the two has.
func diff(before, after []string) []string {
	count := map[string]int{}
	for _, line := range before {
		count[line]--
	}
	for _, line := range after {
		count[line]++
	}
	var only []string
	for line, n := range count {
		switch {
		case n < 0:
			only = append(only, "- "+line)
		case n > 0:
			only = append(only, "+ "+line)
		}
	}
	return only
}
