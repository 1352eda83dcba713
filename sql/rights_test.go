package sql_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/internal/pgtest"
	"github.com/pgsession/pgsession/migrations"
)

// levels are what a role can be granted.
var levels = []string{"app", "admin", "auditor"}

// rightsOf makes a role with the rights of a level, none for an empty one, and connects as it.
func rightsOf(t *testing.T, db *pgtest.DB, conn *pgx.Conn, level string) (string, *pgx.Conn) {
	t.Helper()
	role := db.As(t)
	if level != "" {
		exec(t, conn, "select pgsession.grant_"+level+"($1)", role.User)
	}
	return role.User, role.Conn(t)
}

// denied tells whether a role may not do something. Whatever it does is undone.
func denied(t *testing.T, as *pgx.Conn, sql string) bool {
	t.Helper()
	exec(t, as, "begin")
	_, err := as.Exec(t.Context(), sql)
	exec(t, as, "rollback")
	return state(err) == "42501" && strings.HasPrefix(refusalOf(err).Message, "permission denied for")
}

// Every role tries every function, view and table; what it may is in the reference, and nothing else.
func TestRights(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	type object struct{ Name, Call string }
	rows, err := conn.Query(t.Context(), `
		select p.proname::text as name, format('select %s(%s)', p.oid::pg_catalog.regproc,
		       (select string_agg('null::' || pg_catalog.format_type(a.type, null), ', ' order by a.n) from unnest(p.proargtypes) with ordinality a (type, n))) as call
		  from pg_catalog.pg_proc p where `+ours+`
		union all
		select c.relname, format('select from pgsession.%I limit 0', c.relname) from pg_catalog.pg_class c
		 where c.relnamespace = 'pgsession'::pg_catalog.regnamespace and c.relkind = 'v'
		 order by 1`)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := pgx.CollectRows(rows, pgx.RowToStructByName[object])
	if err != nil {
		t.Fatal(err)
	}
	relations := list[string](t, conn, `select c.relname::text from pg_catalog.pg_class c
		where c.relnamespace = 'pgsession'::pg_catalog.regnamespace and c.relkind in ('r', 'p', 'v', 'S')`)

	may := map[string]map[string]bool{} // by object and level
	for _, level := range append([]string{""}, levels...) {
		role, as := rightsOf(t, db, conn, level)
		for _, o := range objects {
			allowed := !denied(t, as, o.Call)
			if allowed && level == "" {
				t.Errorf("a role with nothing may %s", o.Call)
			}
			if was, known := may[o.Name][level]; known && was != allowed {
				t.Errorf("%s may call one %s and not the other", level, o.Name)
			}
			if may[o.Name] == nil {
				may[o.Name] = map[string]bool{}
			}
			may[o.Name][level] = allowed
		}
		for _, relation := range relations {
			for _, right := range []string{"select", "insert", "update", "delete", "truncate", "references", "trigger"} {
				if right == "select" && may[relation] != nil { // a view
					continue
				}
				if one[bool](t, conn, "select has_table_privilege($1, 'pgsession.'||quote_ident($2), $3) or $3 in ('select', 'insert', 'update', 'references') and has_any_column_privilege($1, 'pgsession.'||quote_ident($2), $3)", role, relation, right) {
					t.Errorf("%s may %s %s", level, right, relation)
				}
			}
			if may[relation] == nil && !denied(t, as, "select from pgsession."+relation) {
				t.Errorf("%s reads %s", level, relation)
			}
		}
		same(t, "create in the schema", one[bool](t, conn, "select has_schema_privilege($1, 'pgsession', 'create')", role), false)
	}

	var table strings.Builder
	table.WriteString("| function or view | app | admin | auditor |\n| --- | --- | --- | --- |\n")
	for _, o := range objects {
		if may[o.Name] == nil || !slices.Contains(apiFunctions(t), o.Name) && !strings.HasPrefix(o.Call, "select from") {
			if may[o.Name]["app"] || may[o.Name]["admin"] || may[o.Name]["auditor"] {
				t.Errorf("%s is nobody's business", o.Name)
			}
			continue
		}
		fmt.Fprintf(&table, "| `%s` |", o.Name)
		for _, level := range levels {
			table.WriteString(map[bool]string{true: " yes |", false: " |"}[may[o.Name][level]])
		}
		table.WriteString("\n")
		delete(may, o.Name) // the overloads
	}
	generated(t, "README.md", "rights", table.String())
}

// What is taken back is taken back altogether, also what was granted by hand and handed on.
func TestRevokeRole(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	const left = `select count(*)::integer from pg_catalog.pg_shdepend d join pg_catalog.pg_roles r on r.oid = d.refobjid
		where d.dbid = (select oid from pg_catalog.pg_database where datname = current_database()) and d.deptype = 'a' and r.rolname = $1`
	for _, level := range levels {
		role, as := rightsOf(t, db, conn, level)
		other := db.As(t).User
		exec(t, conn, fmt.Sprintf(`grant select (username), update on pgsession.users to %[1]s with grant option; grant usage on sequence pgsession.users_id_seq to %[1]s; grant create on schema pgsession to %[1]s`,
			pgx.Identifier{role}.Sanitize()))
		exec(t, as, "grant update on pgsession.users to "+pgx.Identifier{other}.Sanitize())
		for range 2 {
			exec(t, conn, "select pgsession.revoke_role($1)", role)
			same(t, level+": rights left", one[int](t, conn, left, role), 0)
		}
		same(t, level+": handed on", one[int](t, conn, left, other), 0)
		refused(t, as, "42501", "select pgsession.version()")
	}
	same(t, "audited", one[string](t, conn, "select string_agg(distinct concat_ws(' ', event, detail ->> 'rights'), ', ' order by concat_ws(' ', event, detail ->> 'rights')) from pgsession.audit where event in ('granted', 'revoked')"),
		"granted admin, granted app, granted auditor, revoked")
}

// What a superuser has put into the schema is not the owner's to revoke: the rest is revoked, and upgrades pass, all the same.
func TestOthersObjectsInTheSchema(t *testing.T) {
	t.Parallel()
	db := pgtest.Empty(t)
	super := db.Conn(t)
	exec(t, super, "create extension pgcrypto with schema public")
	owner, app := db.As(t), db.As(t).User
	exec(t, super, fmt.Sprintf("grant create on database %s to %s", pgx.Identifier{db.Name}.Sanitize(), pgx.Identifier{owner.User}.Sanitize()))
	conn := owner.Conn(t)
	install := func() {
		t.Helper()
		if _, err := migrations.Up(t.Context(), conn, migrations.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	install()
	exec(t, conn, "select pgsession.grant_app($1)", app)
	exec(t, super, "create table pgsession.mine (); create view pgsession.own as select 1 as one; create function pgsession.f() returns integer language sql as 'select 1'")
	exec(t, conn, "select pgsession.revoke_role($1)", app)
	same(t, "may still", one[bool](t, conn, "select pg_catalog.has_schema_privilege($1, 'pgsession', 'usage')", app), false)
	install()
}

// A name is a role's, whatever it looks like; everybody and the owner are no such role.
func TestGrantsAreToRoles(t *testing.T) {
	t.Parallel()
	db := pgtest.Empty(t)
	owner := db.As(t)
	db.Exec(t, "grant create on database "+pgx.Identifier{db.Name}.Sanitize()+" to "+pgx.Identifier{owner.User}.Sanitize())
	psql(t, owner, script(t, map[string]any{"schema": "pgsession", "pgcrypto": "pgsession"}), strict...)
	conn := owner.Conn(t)
	for _, call := range []string{"grant_app", "grant_admin", "grant_auditor", "revoke_role"} {
		refused(t, conn, "SE005", "select pgsession."+call+"(null)")
		refused(t, conn, "SE005", "select pgsession."+call+"('public')")
		refused(t, conn, "SE005", "select pgsession."+call+"($1)", owner.User)
		refused(t, conn, "42704", "select pgsession."+call+"('no such role')")
		refused(t, conn, "42704", "select pgsession."+call+"('current_user')")
		refused(t, conn, "42704", `select pgsession.`+call+`('x"; drop table pgsession.users; --')`)
	}
	same(t, "of everybody", one[int](t, conn, `select count(*) from pg_catalog.pg_proc p
		where exists (select from pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a where a.grantee = 0) and `+ours), 0)
}
