package migrations_test

import (
	"errors"
	"os"
	osexec "os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/internal/pgtest"
	"github.com/pgsession/pgsession/migrations"
)

// plan asks the database what Up would do.
func plan(t *testing.T, conn *pgx.Conn, o migrations.Options) migrations.Script {
	t.Helper()
	script, err := migrations.Plan(t.Context(), conn, o)
	if err != nil {
		t.Fatal(err)
	}
	return script
}

// planFrom makes a plan without a database.
func planFrom(t *testing.T, from int32, pgcrypto string) migrations.Script {
	t.Helper()
	script, err := migrations.PlanFrom(t.Context(), migrations.Options{}, from, pgcrypto)
	if err != nil {
		t.Fatal(err)
	}
	return script
}

// psql runs a script in one transaction.
func psql(t *testing.T, db *pgtest.DB, script string) {
	t.Helper()
	c := db.Config()
	cmd := osexec.CommandContext(t.Context(), db.Program(t, "psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=on", "--single-transaction")
	cmd.Env = append(os.Environ(), "PGHOST="+c.Host, "PGPORT="+strconv.Itoa(int(c.Port)), "PGUSER="+c.User, "PGPASSWORD="+c.Password, "PGDATABASE="+c.Database)
	cmd.Stdin = strings.NewReader(script)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("psql: %v\n%s", err, out)
	}
}

// begun runs a script in one transaction, over a connection of a program.
func begun(t *testing.T, conn *pgx.Conn, script string) error {
	t.Helper()
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }() // after the commit there is nothing to undo
	if _, err := tx.Exec(t.Context(), script); err != nil {
		return err
	}
	return tx.Commit(t.Context())
}

// What psql does with a plan is what Up does without one; and nobody can tell afterwards who did it.
func TestPlanRunByPsql(t *testing.T) {
	t.Parallel()
	for _, from := range []string{"asked", "not asked"} {
		t.Run(from, func(t *testing.T) {
			t.Parallel()
			db := pgtest.Empty(t)
			conn := db.Conn(t)
			found := everything(t, conn)
			script := planFrom(t, 0, "")
			if from == "asked" {
				script = plan(t, conn, migrations.Options{})
				if d := diff(found, everything(t, conn)); len(d) > 0 {
					t.Errorf("making the plan has changed: %v", d)
				}
			}
			if s := status(t, conn, migrations.Options{}); script.From != 0 || script.To != s.Newest || script.Schema != s.Schema {
				t.Errorf("plan from %d to %d of %q, status %+v", script.From, script.To, script.Schema, s)
			}
			psql(t, db, script.SQL)
			sameObjects(t, objects(t, conn), fresh(t))
			if result := mustUp(t, conn, migrations.Options{}); result.From != script.To || len(result.Steps) != 1 {
				t.Errorf("up after the plan: %+v", result)
			}
			mustDown(t, conn, migrations.Options{}, 0)
			if d := diff(found, everything(t, conn)); len(d) > 0 {
				t.Errorf("left behind or lost: %v", d)
			}
		})
	}
}

func TestPlanFromEveryVersion(t *testing.T) {
	t.Parallel()
	conn := pgtest.Empty(t).Conn(t)
	whole := fresh(t)
	newest := mustUp(t, conn, migrations.Options{}).To
	for version := newest; version > 0; version-- {
		mustDown(t, conn, migrations.Options{}, version)
		script := plan(t, conn, migrations.Options{})
		if script != planFrom(t, version, "") {
			t.Errorf("at version %d the plan is another one than that without a database", version)
		}
		if err := begun(t, conn, script.SQL); err != nil {
			t.Fatal(err)
		}
		sameObjects(t, objects(t, conn), whole)
	}
}

func TestPlanWithTheExtensionElsewhere(t *testing.T) {
	t.Parallel()
	const name = `odd "name".x'y`
	conn := pgtest.Empty(t).Conn(t)
	exec(t, conn, `create schema "odd ""name"".x'y"; create extension pgcrypto with schema "odd ""name"".x'y"`)
	script := plan(t, conn, migrations.Options{})
	if script != planFrom(t, 0, name) {
		t.Error("the plan is another one than that without a database")
	}
	if err := begun(t, conn, script.SQL); err != nil {
		t.Fatal(err)
	}
	exec(t, conn, "select pgsession.user_create('anna', 'secret secret')")
}

func TestPlanForAnotherDatabaseFails(t *testing.T) {
	t.Parallel()
	conn := pgtest.Empty(t).Conn(t)
	found := everything(t, conn)
	refuse := func(script migrations.Script, says string) {
		t.Helper()
		if err := begun(t, conn, script.SQL); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v; should say %q", err, says)
		}
		if d := diff(found, everything(t, conn)); len(d) > 0 {
			t.Errorf("changed: %v", d)
		}
	}
	refuse(planFrom(t, 0, "public"), "the extension pgcrypto is not in the schema")
	refuse(planFrom(t, 1, ""), "does not exist")
	mustUp(t, conn, migrations.Options{})
	found = everything(t, conn)
	refuse(planFrom(t, 0, ""), `"pgsession" already exists`)
	refuse(planFrom(t, 1, ""), "is not at version 1")
}

func TestPlanThatCannotBeMade(t *testing.T) {
	t.Parallel()
	conn := pgtest.Empty(t).Conn(t)
	exec(t, conn, "create schema taken; create table taken.mine ()")
	if _, err := migrations.Plan(t.Context(), conn, migrations.Options{Schema: "taken"}); !errors.Is(err, migrations.ErrForeignObjects) {
		t.Errorf("schema in use: %v", err)
	}
	newest := mustUp(t, conn, migrations.Options{}).To
	exec(t, conn, "update pgsession.schema_version set version = version + 1")
	if _, err := migrations.Plan(t.Context(), conn, migrations.Options{}); !errors.Is(err, migrations.ErrNewer) {
		t.Errorf("newer database: %v", err)
	}
	if _, err := migrations.PlanFrom(t.Context(), migrations.Options{}, newest+1, ""); !errors.Is(err, migrations.ErrNewer) {
		t.Errorf("newer version: %v", err)
	}
	for _, o := range []migrations.Options{{Schema: "No"}, {Schema: "pg_x"}} {
		if _, err := migrations.PlanFrom(t.Context(), o, 0, ""); err == nil {
			t.Errorf("schema %q is accepted", o.Schema)
		}
	}
	if _, err := migrations.PlanFrom(t.Context(), migrations.Options{}, -1, ""); err == nil {
		t.Error("version -1 is accepted")
	}
}
