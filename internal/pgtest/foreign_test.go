package pgtest_test

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/internal/pgserver"
	"github.com/pgsession/pgsession/internal/pgtest"
)

// A server that is not ours is left as it was found, also by a role that may do no more than it must. This test's own
// binary runs some of the other tests there.
func TestForeignServer(t *testing.T) {
	t.Parallel()
	if os.Getenv(pgtest.DSNVariable) != "" {
		t.Skip("the other tests show it")
	}
	srv := pgtest.NewServer(t, pgserver.Options{TCP: true})
	conn, err := pgx.Connect(t.Context(), srv.TCPDSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	for _, sql := range []string{
		"create role limited login createdb createrole password 'it''s \\ secret'",
		// What one killed process has left, and what another is using.
		"create role pgsession_test_stalestale_7",
		"create database pgsession_test_stalestale_1",
		"create role pgsession_test_inuseinuse_2",
		"create database pgsession_test_inuseinuse_1",
		"set application_name = pgsession_test_inuseinuse",
	} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	u, err := url.Parse(srv.TCPDSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	limited := fmt.Sprintf(`host=127.0.0.1 port=%s dbname=postgres sslmode=disable user=limited password='it\'s \\ secret'`, u.Port())
	runTests(t, srv.TCPDSN("postgres"))
	runTests(t, limited)

	const left = `select string_agg(name, ' ' order by name) from (
		select datname::text as name from pg_database union all select rolname::text from pg_roles) as names
		where starts_with(name, 'pgsession_test_')`
	if got, want := text(t, conn, left), "pgsession_test_inuseinuse_1 pgsession_test_inuseinuse_2"; got != want {
		t.Errorf("on the server: %s, want %s", got, want)
	}
}

func runTests(t *testing.T, dsn string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run",
		"^(TestEachTestHasItsDatabase|TestDroppedAfterTheTest|TestUnqualifiedNamesFail|TestEmpty|TestAs)$")
	cmd.Env = append(os.Environ(), pgtest.DSNVariable+"="+dsn)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
