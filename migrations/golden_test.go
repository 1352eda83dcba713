package migrations_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/internal/catalogue"
	"github.com/pgsession/pgsession/internal/pgtest"
	"github.com/pgsession/pgsession/migrations"
)

var update = flag.Bool("update", false, "write testdata/schema.txt anew instead of comparing with it")

// objects describes what is in the schema.
func objects(t *testing.T, conn *pgx.Conn) []catalogue.Object {
	t.Helper()
	found, err := catalogue.Objects(t.Context(), conn, migrations.DefaultSchema)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// fresh describes the schema as Up makes it in an empty database.
func fresh(t *testing.T) []catalogue.Object {
	t.Helper()
	conn := pgtest.Empty(t).Conn(t)
	mustUp(t, conn, migrations.Options{})
	return objects(t, conn)
}

// sameObjects fails the test if two descriptions differ, bodies of functions included.
func sameObjects(t *testing.T, got, want []catalogue.Object) {
	t.Helper()
	if d := catalogue.Differences(want, got); len(d) > 0 {
		t.Errorf("another schema than it should be (+ is too much, - is missing):\n%s", strings.Join(d, "\n"))
	}
}

// Migrations and code make the schema that is written down, so that a change of it is seen by whoever reads the change.
func TestGoldenSchema(t *testing.T) {
	t.Parallel()
	golden := filepath.Join("testdata", "schema.txt")
	got := catalogue.Text(fresh(t))
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); len(d) > 0 {
		t.Errorf("the schema is not the one of %s:\n%s\nIf it is meant to be: make golden", golden, strings.Join(d, "\n"))
	}
}
