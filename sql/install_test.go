package sql_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/internal/catalogue"
	"github.com/pgsession/pgsession/internal/pgtest"
	"github.com/pgsession/pgsession/migrations"
)

func TestInstallingTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	exec(t, conn, "select pgsession.grant_app($1)", db.As(t).User)
	before := objects(t, conn)
	if _, err := migrations.Up(t.Context(), conn, migrations.Options{}); err != nil {
		t.Fatal(err)
	}
	if d := catalogue.Differences(before, objects(t, conn)); len(d) > 0 {
		t.Errorf("changed: %s", strings.Join(d, "\n"))
	}
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
	exec(t, conn, "select tenant_2.user_create('ann', 'another one')")
	s := open(t, conn, "ann")
	same(t, "sessions of the other schema", one[int](t, conn, "select count(*) from tenant_2.session_get(p_key => $1::bytea)", s.key), 0)
	exec(t, conn, "update tenant_2.users set cryptpasswd = '*'")
	same(t, "live", live(t, conn, s.key), true)
	exec(t, conn, "delete from pgsession.sessions")
	same(t, "log of the other schema", one[int](t, conn, "select count(*) from tenant_2.change_log"), 0)
	if mentions := list[string](t, conn, `select p.oid::pg_catalog.regprocedure::text from pg_catalog.pg_proc p
		where p.pronamespace = 'tenant_2'::pg_catalog.regnamespace
		and p.prosrc ~ 'pgsession\.(?!(sent|pending)_tenant_2|(notify|reason)(''|\x60)|crypt\(|gen_salt\(|gen_random_bytes\(|digest\()'`); len(mentions) > 0 {
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

// objects describes the schema.
func objects(t *testing.T, conn *pgx.Conn) []catalogue.Object {
	t.Helper()
	found, err := catalogue.Objects(t.Context(), conn, "pgsession")
	if err != nil {
		t.Fatal(err)
	}
	return found
}
