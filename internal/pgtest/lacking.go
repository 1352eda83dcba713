package pgtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// RequireVariable names the environment variable that lists, separated by commas, what must be there: "plpgsql_check,psql".
// Continuous integration sets it, so that a test which cannot run there fails instead of vanishing.
const RequireVariable = "PGSESSION_REQUIRE"

// SkippedVariable names the environment variable that, when set, names a file to which [Lacking] appends what was skipped:
// go test shows nothing of a skipped test unless it is asked to. scripts/aloud.sh sets it, and prints the file.
const SkippedVariable = "PGSESSION_SKIPPED"

// Lacking ends a test that cannot run for want of what: a program, or an extension. The test is skipped, or fails where
// PGSESSION_REQUIRE lists what. why says what is missing and where it is to be had.
func Lacking(t testing.TB, what, why string) {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv(RequireVariable), ","), what) {
		t.Fatalf("%s requires %s: %s", RequireVariable, what, why)
	}
	if name := os.Getenv(SkippedVariable); name != "" {
		if err := note(name, t.Name()+": "+why); err != nil {
			t.Errorf("noting what is skipped: %v", err)
		}
	}
	t.Skip("SKIPPED: " + why)
}

// note appends a line; in one write, because packages are tested at the same time.
func note(name, line string) error {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600) //nolint:gosec // whoever runs the tests names the file
	if err != nil {
		return err
	}
	if _, err := f.WriteString(line + "\n"); err != nil {
		_ = f.Close() // the other error says more
		return err
	}
	return f.Close()
}

// Extension ends the test if the server has no such extension to create; from says where it is to be had.
func (db *DB) Extension(t testing.TB, name, from string) {
	t.Helper()
	var there bool
	db.ask(t, "select exists (select from pg_catalog.pg_available_extensions where name = $1)", &there, name)
	if !there {
		Lacking(t, name, "the extension "+name+" is not there ("+from+")")
	}
}

// Program is the path of one of PostgreSQL's client programs: the server's own, or one along PATH that can speak with this
// server. The test ends where there is none.
func (db *DB) Program(t testing.TB, name string) string {
	t.Helper()
	if db.Server() != nil {
		if program, err := exec.LookPath(filepath.Join(db.Server().Binaries().Dir, name)); err == nil {
			return program
		}
	}
	program, err := exec.LookPath(name)
	if err != nil {
		Lacking(t, name, "the program "+name+" is not there (Debian: the package postgresql-client)")
	}
	var server int
	db.ask(t, "select pg_catalog.current_setting('server_version_num')::integer / 10000", &server)
	// psql speaks with newer servers, too; what dumps or copies one does not.
	if client := majorOf(t, program); name != "psql" && client < server {
		Lacking(t, name, fmt.Sprintf("%s is of version %d, and the server of version %d", name, client, server))
	}
	return program
}

var majorVersion = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

func majorOf(t testing.TB, program string) int {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), program, "--version").Output()
	m := majorVersion.FindSubmatch(out)
	if err != nil || m == nil {
		t.Fatalf("pgtest: %s --version says %q: %v", program, out, err)
	}
	major, _ := strconv.Atoi(string(m[1])) // the pattern has digits only
	return major
}

// ask runs a query for one value over a connection of its own.
func (db *DB) ask(t testing.TB, query string, value any, args ...any) {
	t.Helper()
	conn, err := pgx.ConnectConfig(t.Context(), db.Config())
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	if err := conn.QueryRow(t.Context(), query, args...).Scan(value); err != nil {
		t.Fatalf("pgtest: %s: %v", query, err)
	}
}
