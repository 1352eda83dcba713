package migrations_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/internal/pgtest"
	"github.com/pgsession/pgsession/migrations"
)

func TestUpInstallsEverything(t *testing.T) {
	t.Parallel()
	conn := pgtest.Empty(t).Conn(t)
	before := status(t, conn, migrations.Options{})
	if before.Version != 0 || before.Newest == 0 || int(before.Newest) != len(before.Pending) || before.Code != "" {
		t.Errorf("status before: %+v", before)
	}

	var announced []migrations.Step
	result := mustUp(t, conn, migrations.Options{OnStep: func(s migrations.Step) { announced = append(announced, s) }})
	if result.From != 0 || result.To != before.Newest || !result.CodeInstalled || result.Schema != migrations.DefaultSchema {
		t.Errorf("result: %+v", result)
	}
	if !slices.Equal(announced, result.Steps) || len(announced) != 2+int(before.Newest) {
		t.Errorf("steps announced %v, in the result %v", announced, result.Steps)
	}

	after := status(t, conn, migrations.Options{})
	if after.Version != after.Newest || len(after.Pending) != 0 || after.Code == "" {
		t.Errorf("status after: %+v", after)
	}
	if v, err := migrations.Version(t.Context(), conn, migrations.Options{}); err != nil || v != after.Newest {
		t.Errorf("version: %d, %v", v, err)
	}
	exec(t, conn, "insert into pgsession.settings values ('bcrypt_cost', '4')")
	exec(t, conn, "select pgsession.user_create('anna', 'secret secret')")
	if outcome := one[string](t, conn, "select outcome from pgsession.login('anna', 'secret secret')"); outcome != "ok" {
		t.Errorf("login after installing: %s", outcome)
	}
}

func TestUpAgainChangesNothing(t *testing.T) {
	t.Parallel()
	conn := pgtest.Empty(t).Conn(t)
	mustUp(t, conn, migrations.Options{})
	first := everything(t, conn)
	result := mustUp(t, conn, migrations.Options{})
	if result.From != result.To || len(result.Steps) != 1 || result.Steps[0].Action != migrations.ActionInstall {
		t.Errorf("second up: %+v", result)
	}
	if d := diff(first, everything(t, conn)); len(d) > 0 {
		t.Errorf("changed by the second up:\n%s", strings.Join(d, "\n"))
	}
}

func TestUpMendsFunctions(t *testing.T) {
	t.Parallel()
	conn := pgtest.Empty(t).Conn(t)
	mustUp(t, conn, migrations.Options{})
	whole := everything(t, conn)
	exec(t, conn, "drop function pgsession.version()")
	if code := status(t, conn, migrations.Options{}).Code; code != "" {
		t.Errorf("status without functions shows %q", code)
	}
	mustUp(t, conn, migrations.Options{})
	if d := diff(whole, everything(t, conn)); len(d) > 0 {
		t.Errorf("not as before:\n%s", strings.Join(d, "\n"))
	}
}

func TestUpKeepsGrants(t *testing.T) {
	t.Parallel()
	db := pgtest.Empty(t)
	conn := db.Conn(t)
	mustUp(t, conn, migrations.Options{})
	app := db.As(t)
	exec(t, conn, fmt.Sprintf("select pgsession.grant_app('%s')", app.User))
	mustUp(t, conn, migrations.Options{})
	if v := one[string](t, app.Conn(t), "select pgsession.version()"); v == "" {
		t.Error("no version")
	}
}

func TestManyMigratorsAtOnce(t *testing.T) {
	t.Parallel()
	db := pgtest.Empty(t)
	const migrators = 8
	errs := make(chan error, migrators)
	for i := range migrators {
		conn := db.Conn(t)
		schema := fmt.Sprintf("side%d", i%2) // two schemas share one extension
		go func() {
			_, err := migrations.Up(t.Context(), conn, migrations.Options{Schema: schema})
			errs <- err
		}()
	}
	for range migrators {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	conn := db.Conn(t)
	for _, schema := range []string{"side0", "side1"} {
		if s := status(t, conn, migrations.Options{Schema: schema}); s.Version != s.Newest || s.Code == "" {
			t.Errorf("%s: %+v", schema, s)
		}
	}
	if n := one[int](t, conn, "select count(*) from pg_catalog.pg_locks where locktype = 'advisory' and database = (select oid from pg_catalog.pg_database where datname = current_database())"); n != 0 {
		t.Errorf("%d advisory locks are left", n)
	}
}

func TestDownToNothingLeavesTheDatabaseAsFound(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, schema, prepare string
	}{
		{"empty database", "pgsession", ""},
		{"another name", "_s_1", ""},
		{"schema was there", "sessions", "create schema sessions; comment on schema sessions is 'mine'; grant usage on schema sessions to pg_monitor"},
		{"pgcrypto in public", "pgsession", "create extension pgcrypto with schema public"},
		{"pgcrypto in a schema with an awkward name", "pgsession", `create schema "odd ""name"".x'y"; create extension pgcrypto with schema "odd ""name"".x'y"`},
		{"default privileges", "pgsession", "alter default privileges grant select on tables to public; alter default privileges grant all on functions to pg_monitor"},
		{"another application's tables", "pgsession", "create schema app; create table app.users (id int primary key); create function app.version() returns int language sql as 'select 1'"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			conn := pgtest.Empty(t).Conn(t)
			exec(t, conn, tt.prepare)
			found := everything(t, conn)
			o := migrations.Options{Schema: tt.schema}
			for range 2 { // and once more after coming back
				mustUp(t, conn, o)
				exec(t, conn, fmt.Sprintf("insert into %s.settings values ('bcrypt_cost', '4'); select %[1]s.user_create('a', 'password'); select %[1]s.login('a', 'password'); select %[1]s.change_start()", tt.schema))
				result := mustDown(t, conn, o, 0)
				if result.To != 0 || result.CodeInstalled {
					t.Errorf("down: %+v", result)
				}
				if d := diff(found, everything(t, conn)); len(d) > 0 {
					t.Errorf("left behind or lost:\n%s", strings.Join(d, "\n"))
				}
			}
			if result := mustDown(t, conn, o, 0); len(result.Steps) != 0 {
				t.Errorf("down where nothing is: %+v", result)
			}
		})
	}
}

func TestDownToAVersionAndUpAgain(t *testing.T) {
	t.Parallel()
	conn := pgtest.Empty(t).Conn(t)
	newest := mustUp(t, conn, migrations.Options{}).To
	whole := everything(t, conn)
	exec(t, conn, "insert into pgsession.users (username, cryptpasswd) values ('anna', 'x')")
	for to := newest - 1; to > 0; to-- {
		result := mustDown(t, conn, migrations.Options{}, to)
		if result.To != to || result.CodeInstalled {
			t.Errorf("down to %d: %+v", to, result)
		}
		if s := status(t, conn, migrations.Options{}); s.Version != to || s.Code != "" || len(s.Pending) != int(newest-to) {
			t.Errorf("status at %d: %+v", to, s)
		}
	}
	mustUp(t, conn, migrations.Options{})
	if d := diff(whole, everything(t, conn)); len(d) > 0 {
		t.Errorf("not as before:\n%s", strings.Join(d, "\n"))
	}
	if name := one[string](t, conn, "select username from pgsession.user_get('anna')"); name != "anna" {
		t.Errorf("user: %q", name)
	}
	if result := mustDown(t, conn, migrations.Options{}, newest); len(result.Steps) != 0 || !result.CodeInstalled {
		t.Errorf("down to where it is: %+v", result)
	}
	if _, err := migrations.Down(t.Context(), conn, migrations.Options{}, newest+1); err == nil {
		t.Error("down to a newer version succeeded")
	}
	if _, err := migrations.Down(t.Context(), conn, migrations.Options{}, -1); err == nil {
		t.Error("down to version -1 succeeded")
	}
}

func TestSchemasSideBySide(t *testing.T) {
	t.Parallel()
	conn := pgtest.Empty(t).Conn(t)
	one1, two := migrations.Options{Schema: "one"}, migrations.Options{Schema: "two"}
	mustUp(t, conn, one1)
	mustUp(t, conn, two) // uses the extension that lives in the first one
	exec(t, conn, "insert into two.settings values ('bcrypt_cost', '4'); select two.user_create('anna', 'password')")
	if n := one[int](t, conn, "select count(*) from one.users"); n != 0 {
		t.Error("a user of one schema is in the other")
	}

	before := everything(t, conn)
	if _, err := migrations.Down(t.Context(), conn, one1, 0); err == nil {
		t.Error("the extension that the other schema uses was dropped")
	}
	if d := diff(before, everything(t, conn)); len(d) > 0 {
		t.Errorf("the failed down changed:\n%s", strings.Join(d, "\n"))
	}
	mustDown(t, conn, two, 0)
	mustDown(t, conn, one1, 0)
	if n := one[int](t, conn, "select count(*) from pg_catalog.pg_extension where extname = 'pgcrypto'"); n != 0 {
		t.Error("the extension is left")
	}
}

func TestForeignColumnsSurvive(t *testing.T) {
	t.Parallel()
	conn := pgtest.Empty(t).Conn(t)
	newest := mustUp(t, conn, migrations.Options{}).To
	exec(t, conn, `alter table pgsession.users add column phone text not null default 'none', add column points int default 7;
		insert into pgsession.users (username, cryptpasswd, phone) values ('anna', 'x', '12345')`)
	if newest > 1 {
		mustDown(t, conn, migrations.Options{}, 1) // an older release
	}
	mustUp(t, conn, migrations.Options{})
	if phone := one[string](t, conn, "select phone || points from pgsession.users where username = 'anna'"); phone != "123457" {
		t.Errorf("the user's own columns hold %q", phone)
	}
	exec(t, conn, "insert into pgsession.settings values ('bcrypt_cost', '4'); select pgsession.user_create('bert', 'password')")
	if phone := one[string](t, conn, "select phone from pgsession.users where username = 'bert'"); phone != "none" {
		t.Errorf("a new user's own column holds %q", phone)
	}
}

func TestDownRefusesToLoseForeignObjects(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, sql, names string
		foreign          bool // ErrForeignObjects, else PostgreSQL's own refusal
	}{
		{"table in our schema", "create table pgsession.mine (a int)", "pgsession.mine", true},
		{"type in our schema", "create type pgsession.colour as enum ('red')", "pgsession.colour", true},
		{"function in our schema", "create function pgsession.mine(int) returns int language sql as 'select 1'", "pgsession.mine(integer)", true},
		{"view over users", "create view public.names as select username from pgsession.users", "public.names", false},
		{"foreign key to users", "create table public.orders (who text references pgsession.users (username))", "public.orders", false},
		{"view over a function", "create view public.v as select pgsession.version()", "public.v", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			conn := pgtest.Empty(t).Conn(t)
			mustUp(t, conn, migrations.Options{})
			exec(t, conn, "set search_path to public") // only what the test makes is named without its schema
			exec(t, conn, tt.sql)
			before := everything(t, conn)
			_, err := migrations.Down(t.Context(), conn, migrations.Options{}, 0)
			if err == nil {
				t.Fatal("down succeeded")
			}
			var refused *migrations.SQLError
			if errors.Is(err, migrations.ErrForeignObjects) != tt.foreign || !tt.foreign && !errors.As(err, &refused) {
				t.Errorf("error: %v", err)
			}
			if !strings.Contains(err.Error(), tt.names) {
				t.Errorf("the error does not name %s: %v", tt.names, err)
			}
			if d := diff(before, everything(t, conn)); len(d) > 0 {
				t.Errorf("the failed down changed:\n%s", strings.Join(d, "\n"))
			}
		})
	}
}

func TestUpRefusesASchemaInUse(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, sql, says string }{
		{"a table", "create schema pgsession; create table pgsession.t (a int)", "table pgsession.t"},
		{"another program's version table", "create schema pgsession; create table pgsession.schema_version (version int4 not null); insert into pgsession.schema_version values (7)", "schema_version"},
		{"an extension", "create schema pgsession; create extension pgcrypto with schema pgsession", "pgcrypto"},
		{"open to everybody", "create schema pgsession; grant create on schema pgsession to public", "revoke all"},
		{"usable by everybody", "create schema pgsession; grant usage on schema pgsession to public", "revoke all"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			conn := pgtest.Empty(t).Conn(t)
			exec(t, conn, tt.sql)
			before := everything(t, conn)
			_, err := migrations.Up(t.Context(), conn, migrations.Options{})
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error: %v, should say %q", err, tt.says)
			}
			if d := diff(before, everything(t, conn)); len(d) > 0 {
				t.Errorf("the failed up changed:\n%s", strings.Join(d, "\n"))
			}
		})
	}
}

func TestNewerDatabaseIsLeftAlone(t *testing.T) {
	t.Parallel()
	conn := pgtest.Empty(t).Conn(t)
	newest := mustUp(t, conn, migrations.Options{}).To
	exec(t, conn, "update pgsession.schema_version set version = version + 1")
	before := everything(t, conn)
	if _, err := migrations.Up(t.Context(), conn, migrations.Options{}); !errors.Is(err, migrations.ErrNewer) {
		t.Errorf("up: %v", err)
	}
	if _, err := migrations.Down(t.Context(), conn, migrations.Options{}, 0); !errors.Is(err, migrations.ErrNewer) {
		t.Errorf("down: %v", err)
	}
	if s := status(t, conn, migrations.Options{}); s.Version != newest+1 || s.Newest != newest || len(s.Pending) != 0 {
		t.Errorf("status: %+v", s)
	}
	if d := diff(before, everything(t, conn)); len(d) > 0 {
		t.Errorf("changed:\n%s", strings.Join(d, "\n"))
	}
}

func TestSchemaNames(t *testing.T) {
	t.Parallel()
	conn := pgtest.Empty(t).Conn(t)
	for _, name := range []string{
		"A", "1a", "a-b", "a b", `a"b`, "a;drop schema public", "ä", strings.Repeat("a", 32), "pg_mine", "information_schema", "select", "user", " ", "a\n",
	} {
		if _, err := migrations.Up(t.Context(), conn, migrations.Options{Schema: name}); err == nil {
			t.Errorf("schema %q was accepted", name)
		}
		if _, err := migrations.Status(t.Context(), conn, migrations.Options{Schema: name}); err == nil {
			t.Errorf("status of schema %q was told", name)
		}
	}
	mustUp(t, conn, migrations.Options{Schema: strings.Repeat("z", 31)})
}

func TestDatabaseOwnerNeedsNoSuperuser(t *testing.T) {
	t.Parallel()
	db := pgtest.Empty(t)
	owner := db.As(t)
	db.Exec(t, "alter database "+pgx.Identifier{db.Name}.Sanitize()+" owner to "+pgx.Identifier{owner.User}.Sanitize())
	conn := owner.Conn(t)
	found := everything(t, conn)
	mustUp(t, conn, migrations.Options{})
	exec(t, conn, "insert into pgsession.settings values ('bcrypt_cost', '4'); select pgsession.user_create('a', 'password')")
	mustDown(t, conn, migrations.Options{}, 0)
	if d := diff(found, everything(t, conn)); len(d) > 0 {
		t.Errorf("left behind or lost:\n%s", strings.Join(d, "\n"))
	}
}

func TestRoleWithoutRightsIsTold(t *testing.T) {
	t.Parallel()
	db := pgtest.Empty(t)
	conn := db.As(t).Conn(t)
	_, err := migrations.Up(t.Context(), conn, migrations.Options{})
	var refused *migrations.SQLError
	if !errors.As(err, &refused) || refused.Err.Code != "42501" {
		t.Errorf("error: %v", err)
	}
}
