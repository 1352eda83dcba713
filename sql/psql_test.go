package sql_test

import (
	"context"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/tern/v2/migrate"

	"github.com/pgsession/pgsession/internal/pgtest"
	"github.com/pgsession/pgsession/sql"
)

// psql runs a script as somebody without Go would, and returns what it prints.
func psql(t *testing.T, db *pgtest.DB, script string, options ...string) string {
	t.Helper()
	return run(t, db, "psql", script, append([]string{"--no-psqlrc", "--quiet"}, options...)...)
}

// run runs one of PostgreSQL's client programs on a database, and returns what it prints.
func run(t *testing.T, db *pgtest.DB, name, input string, options ...string) string {
	t.Helper()
	c := db.Config()
	cmd := osexec.CommandContext(t.Context(), db.Program(t, name), options...)
	cmd.Env = append(os.Environ(), "PGHOST="+c.Host, "PGPORT="+strconv.Itoa(int(c.Port)), "PGUSER="+c.User, "PGPASSWORD="+c.Password,
		"PGDATABASE="+c.Database, "PGCLIENTENCODING=UTF8", "PGOPTIONS=-c search_path=")
	var stderr strings.Builder
	cmd.Stdin, cmd.Stderr = strings.NewReader(input), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", name, err, out, &stderr)
	}
	return string(out)
}

// The options of a script that must not go on after an error.
var strict = []string{"--set=ON_ERROR_STOP=on", "--single-transaction"}

// script is all the SQL there is, tables and functions, for one schema.
func script(t *testing.T, data map[string]any) string {
	t.Helper()
	m, err := migrate.NewMigrator(context.Background(), nil, "")
	if err != nil {
		t.Fatal(err)
	}
	m.Data = data
	if err := m.LoadMigrations(os.DirFS(filepath.Join("..", "migrations"))); err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, migration := range m.Migrations {
		all.WriteString(migration.UpSQL + ";\n")
	}
	code, err := migrate.LoadCodePackage(sql.FS)
	if err != nil {
		t.Fatal(err)
	}
	functions, err := code.Eval(data)
	if err != nil {
		t.Fatal(err)
	}
	return all.String() + functions
}

// From an empty database to a swept session with psql alone: called by the owner, or by a role that has what grant_app
// gives; installed by a superuser, or by a role that may no more than create a schema and a trusted extension.
func TestTourFromPsql(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ installer, caller string }{{"superuser", "owner"}, {"superuser", "app"}, {"plain", "app"}} {
		t.Run(tt.installer+", "+tt.caller, func(t *testing.T) {
			t.Parallel()
			db := pgtest.Empty(t)
			owner := db
			if tt.installer == "plain" {
				owner = db.As(t)
				psql(t, db, `grant create on database :"db" to :"role"`, append(strict, "--set=db="+db.Name, "--set=role="+owner.User)...)
			}
			psql(t, owner, script(t, map[string]any{"schema": "pgsession", "pgcrypto": "pgsession"}), strict...)
			psql(t, owner, "insert into pgsession.settings (name, value) values ('bcrypt_cost', '4')", strict...)
			caller, want := owner, document(t, "testdata/tour.out")
			if tt.caller == "app" {
				caller = db.As(t)
				psql(t, owner, "select pgsession.grant_app(:'role')", append(strict, "--set=role="+caller.User)...)
			} else { // to the owner the tables are open, though the log is not to be truncated
				want = strings.Replace(want, "The tables are closed.\n42501\n42501\n", "The tables are closed.\n00000\nSE009\n", 1)
			}
			compare(t, psql(t, caller, document(t, "testdata/tour.sql")), want)

			psql(t, owner, "update pgsession.sessions set expires = now()", strict...)
			same(t, "swept", psql(t, caller, "select pgsession.session_sweep(), pgsession.session_sweep()", "--no-align", "--tuples-only"), "1|0\n")
		})
	}
}

// compare tells where two texts part.
func compare(t *testing.T, got, want string) {
	t.Helper()
	lines := strings.Split(want, "\n")
	for i, line := range strings.Split(got, "\n") {
		if i >= len(lines) || line != lines[i] {
			t.Fatalf("line %d is not as it should be, %q:\n%s", i+1, lines[min(i, len(lines)-1)], got)
		}
	}
	same(t, "lines", strings.Count(got, "\n"), strings.Count(want, "\n"))
}

// A refusal shows in psql with its code, what is wrong and what to do.
func TestRefusalInPsql(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	out := psql(t, db, "\\set VERBOSITY verbose\n\\o /dev/null\nselect pgsession.session_save('x', '{}');\n\\o\n\\echo :LAST_ERROR_SQLSTATE :LAST_ERROR_MESSAGE")
	same(t, "refusal", out, "SE001 the session is gone\n")
}
