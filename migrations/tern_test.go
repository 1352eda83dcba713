package migrations_test

import (
	"os"
	osexec "os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/tern/v2/migrate"

	"github.com/pgsession/pgsession/internal/catalogue"
	"github.com/pgsession/pgsession/internal/pgtest"
	"github.com/pgsession/pgsession/sql"
)

const ternSample = "tern.conf.sample"

// ternConf reads the sample as far as it is of interest here.
func ternConf(t *testing.T) (versionTable string, data map[string]any) {
	t.Helper()
	text, err := os.ReadFile(ternSample)
	if err != nil {
		t.Fatal(err)
	}
	data = map[string]any{}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, " = "); ok && !strings.HasPrefix(line, "#") {
			data[name] = strings.TrimSpace(value)
		}
	}
	versionTable, _ = data["version_table"].(string)
	delete(data, "version_table")
	return versionTable, data
}

// byTern is what fresh describes, without what tells pgsession migrate that it was the one: its version table, and the comment
// on the schema.
func byTern(t *testing.T) []catalogue.Object {
	t.Helper()
	return slices.DeleteFunc(fresh(t), func(o catalogue.Object) bool { return o.Name == "table schema_version" })
}

// markless removes the schema's comment from a description.
func markless(objects []catalogue.Object) []catalogue.Object {
	for i, o := range objects {
		if strings.HasPrefix(o.Name, "schema ") {
			objects[i].Lines = slices.DeleteFunc(o.Lines, func(line string) bool { return strings.HasPrefix(line, "comment: ") })
		}
	}
	return objects
}

// A DBA who prefers tern gets the same database, and installing again changes nothing.
func TestInstallingWithTern(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		run  func(*testing.T, *pgtest.DB, *pgx.Conn)
	}{
		{"library", installWithTernLibrary},
		{"command", installWithTernCommand},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			db := pgtest.Empty(t)
			conn := db.Conn(t)
			for range 2 {
				tt.run(t, db, conn)
				sameObjects(t, markless(objects(t, conn)), markless(byTern(t)))
			}
		})
	}
}

func installWithTernLibrary(t *testing.T, _ *pgtest.DB, conn *pgx.Conn) {
	t.Helper()
	versionTable, data := ternConf(t)
	m, err := migrate.NewMigrator(t.Context(), conn, versionTable)
	if err != nil {
		t.Fatal(err)
	}
	m.Data = data
	if err := m.LoadMigrations(os.DirFS(".")); err != nil {
		t.Fatal(err)
	}
	if err := m.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	code, err := migrate.LoadCodePackage(sql.FS)
	if err != nil {
		t.Fatal(err)
	}
	if err := migrate.InstallCodePackage(t.Context(), conn, data, code); err != nil {
		t.Fatal(err)
	}
}

// The commands are those that the sample tells people to type.
func installWithTernCommand(t *testing.T, db *pgtest.DB, _ *pgx.Conn) {
	t.Helper()
	tern, err := osexec.LookPath("tern")
	if err != nil {
		pgtest.Lacking(t, "tern", "the program tern is not there (go install github.com/jackc/tern/v2@v2.3.4)")
	}
	config := filepath.Join("migrations", ternSample)
	c := db.Config()
	for _, args := range [][]string{
		{"migrate", "--config", config, "--migrations", "migrations"},
		{"code", "install", "sql", "--config", config},
	} {
		cmd := osexec.CommandContext(t.Context(), tern, args...)
		cmd.Dir = ".."
		cmd.Env = append(os.Environ(), "PGHOST="+c.Host, "PGPORT="+strconv.Itoa(int(c.Port)), "PGUSER="+c.User, "PGPASSWORD="+c.Password, "PGDATABASE="+c.Database)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("tern %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}
