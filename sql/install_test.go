package sql_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/tern/v2/migrate"

	"github.com/pgsession/pgsession/internal/pgtest"
	"github.com/pgsession/pgsession/migrations"
	"github.com/pgsession/pgsession/sql"
)

func TestInstallingTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	exec(t, conn, "select pgsession.grant_app($1)", db.As(t).User)
	before := catalogue(t, conn)
	if _, err := migrations.Up(t.Context(), conn, migrations.Options{}); err != nil {
		t.Fatal(err)
	}
	after := catalogue(t, conn)
	differ(t, before, after)
}

// A schema of another name next to the first shares nothing with it.
func TestTwoSchemas(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	if _, err := migrations.Up(t.Context(), conn, migrations.Options{Schema: "tenant_2"}); err != nil {
		t.Fatal(err)
	}
	exec(t, conn, "insert into tenant_2.settings values ('bcrypt_cost', '4')")
	user(t, conn, "ann")
	exec(t, conn, "select tenant_2.user_create('ann', 'another')")
	s := open(t, conn, "ann")
	same(t, "sessions of the other schema", one[int](t, conn, "select count(*) from tenant_2.session_get(p_key => $1::bytea)", s.key), 0)
	exec(t, conn, "update tenant_2.users set cryptpasswd = '*'")
	same(t, "live", live(t, conn, s.key), true)
	exec(t, conn, "delete from pgsession.sessions")
	same(t, "log of the other schema", one[int](t, conn, "select count(*) from tenant_2.change_log"), 0)
	if mentions := list[string](t, conn, `select p.oid::pg_catalog.regprocedure::text from pg_catalog.pg_proc p
		where p.pronamespace = 'tenant_2'::pg_catalog.regnamespace
		and p.prosrc ~ 'pgsession\.(?!(sent|pending)_tenant_2|notify''|crypt\(|gen_salt\(|gen_random_bytes\(|digest\()'`); len(mentions) > 0 {
		t.Errorf("functions that name the first schema: %v", mentions)
	}
}

func TestPgcryptoElsewhere(t *testing.T) {
	t.Parallel()
	conn := pgtest.Empty(t).Conn(t)
	exec(t, conn, `create schema "Odd schema"; create extension pgcrypto with schema "Odd schema"`)
	if _, err := migrations.Up(t.Context(), conn, migrations.Options{}); err != nil {
		t.Fatal(err)
	}
	exec(t, conn, "insert into pgsession.settings values ('bcrypt_cost', '4')")
	user(t, conn, "ann")
	same(t, "outcome", one[string](t, conn, "select outcome from pgsession.login('ann', $1)", password), "ok")
}

// A DBA who prefers tern itself gets the same objects, but for the marks that tell package migrations what is its own.
func TestInstallingWithTern(t *testing.T) {
	t.Parallel()
	_, migrated := start(t)
	conn := pgtest.Empty(t).Conn(t)
	data := map[string]any{"schema": "pgsession", "pgcrypto": "pgsession"}
	m, err := migrate.NewMigrator(t.Context(), conn, "public.schema_version")
	if err != nil {
		t.Fatal(err)
	}
	m.Data = data
	if err := m.LoadMigrations(os.DirFS(filepath.Join("..", "migrations"))); err != nil {
		t.Fatal(err)
	}
	if err := m.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	code, err := migrate.LoadCodePackage(sql.FS)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := migrate.InstallCodePackage(t.Context(), conn, data, code); err != nil {
			t.Fatal(err)
		}
	}
	marks := func(line string) bool {
		return strings.HasPrefix(line, "schema_version ") || strings.HasPrefix(line, "schema ")
	}
	differ(t, slices.DeleteFunc(catalogue(t, migrated), marks), slices.DeleteFunc(catalogue(t, conn), marks))
}

// differ tells what only one of two catalogues has.
func differ(t *testing.T, before, after []string) {
	t.Helper()
	for _, line := range before {
		if !slices.Contains(after, line) {
			t.Errorf("only before: %s", line)
		}
	}
	for _, line := range after {
		if !slices.Contains(before, line) {
			t.Errorf("only after: %s", line)
		}
	}
}

// catalogue describes the schema: each function, trigger, table, constraint and index as its own definition, with rights.
func catalogue(t *testing.T, conn *pgx.Conn) []string {
	t.Helper()
	return list[string](t, conn, `
		select concat_ws(' ', pg_catalog.pg_get_functiondef(p.oid), p.proowner::pg_catalog.regrole, p.proacl, pg_catalog.obj_description(p.oid, 'pg_proc'))
		  from pg_catalog.pg_proc p where `+ours+`
		union all
		select concat_ws(' ', c.relname, c.relkind, c.relpersistence, c.reloptions, c.relacl, pg_catalog.obj_description(c.oid, 'pg_class'),
		       (select array_agg(concat_ws(' ', a.attname, a.atttypid::pg_catalog.regtype, a.attnotnull, pg_catalog.pg_get_expr(f.adbin, f.adrelid), pg_catalog.col_description(c.oid, a.attnum)) order by a.attnum)
		          from pg_catalog.pg_attribute a left join pg_catalog.pg_attrdef f on (f.adrelid, f.adnum) = (a.attrelid, a.attnum)
		         where a.attrelid = c.oid and a.attnum > 0))
		  from pg_catalog.pg_class c where c.relnamespace = 'pgsession'::pg_catalog.regnamespace
		union all
		select concat_ws(' ', 'trigger', pg_catalog.pg_get_triggerdef(t.oid), t.tgenabled)
		  from pg_catalog.pg_trigger t join pg_catalog.pg_class c on c.oid = t.tgrelid where c.relnamespace = 'pgsession'::pg_catalog.regnamespace and not t.tgisinternal
		union all
		select concat_ws(' ', 'constraint', o.conname, pg_catalog.pg_get_constraintdef(o.oid)) from pg_catalog.pg_constraint o where o.connamespace = 'pgsession'::pg_catalog.regnamespace
		union all
		select concat_ws(' ', 'index', i.indexdef) from pg_catalog.pg_indexes i where i.schemaname = 'pgsession'
		union all
		select concat_ws(' ', 'schema', n.nspname, n.nspacl, pg_catalog.obj_description(n.oid, 'pg_namespace')) from pg_catalog.pg_namespace n where n.nspname = 'pgsession'`)
}
