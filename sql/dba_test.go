package sql_test

import (
	"os"
	osexec "os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/internal/pgserver"
	"github.com/pgsession/pgsession/internal/pgtest"
	"github.com/pgsession/pgsession/migrations"
)

// The README's ten minutes of a DBA.
func TestTranscriptOfADBA(t *testing.T) {
	t.Parallel()
	generated(t, "../README.md", "transcript", "```sql\n"+transcript(t, dba(t), document(t, "testdata/dba.sql"))+"```\n")
}

// dba makes a database on a server of its own, where roles have the names that documents give them, and no
// transaction runs but the test's. It is dba's, who may make roles, is no superuser, and has run the printed plan.
func dba(t *testing.T) *pgtest.DB {
	t.Helper()
	superuser := pgtest.NewServer(t, pgserver.Options{Settings: map[string]string{"autovacuum": "off"}}).Empty(t)
	superuser.Exec(t, "create role dba login createrole")
	superuser.Exec(t, "alter database "+pgx.Identifier{superuser.Name}.Sanitize()+" owner to dba")
	db := *superuser
	db.User = "dba"
	plan, err := migrations.PlanFrom(t.Context(), migrations.Options{}, 0, "")
	if err != nil {
		t.Fatal(err)
	}
	psql(t, &db, plan.SQL, strict...)
	return &db
}

// changing is what differs from run to run: times, what is left of a lifetime of ten minutes and more, epochs,
// keys, tags, seconds since 1970.
var changing = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[\d.:+-]*|\d\d:[1-5]\d:\d\d\.\d+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{64}\b|-?\d{10,}`)

// masked shows it as three dots.
func masked(output string) string { return changing.ReplaceAllString(output, "…") }

// transcript is what psql prints of a script and of what comes of it, refusals included, for reading: blank lines, which
// psql's releases do not agree about, stand before comments only.
func transcript(t *testing.T, db *pgtest.DB, script string) string {
	t.Helper()
	c := db.Config()
	cmd := osexec.CommandContext(t.Context(), db.Program(t, "psql"), "--no-psqlrc", "-aq", "-Pfooter=off", "-vSHOW_CONTEXT=never")
	cmd.Env = append(os.Environ(), "PGHOST="+c.Host, "PGUSER="+c.User, "PGDATABASE="+c.Database, "PGCLIENTENCODING=UTF8", "PGOPTIONS=")
	cmd.Stdin = strings.NewReader(script)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("psql: %v\n%s", err, out)
	}
	var lines []string
	for line := range strings.Lines(masked(string(out))) {
		line = strings.TrimRight(line, " \n")
		if strings.HasPrefix(line, "-- ") && len(lines) > 0 {
			lines = append(lines, "")
		}
		if line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n") + "\n"
}
