//go:build unix

package pgserver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/internal/pgserver"
	"github.com/pgsession/pgsession/internal/pgtest"
)

// childVariable has the test binary be a program that uses the package, for tests of what outlives one.
const childVariable = "PGSERVER_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		if err := child(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	pgtest.Main(m)
}

// report is what the child tells about its server.
type report struct {
	Dir, DSN, LogFile string
	Pid               int
	SharedMemory      string // the id that ipcs shows
}

// child starts a server, reports it, and waits for the end of its input; then it leaves without closing the server.
func child(ctx context.Context) error {
	srv, err := pgserver.Start(ctx, pgserver.Options{})
	if err != nil {
		return err
	}
	r, err := inspect(srv)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// inspect looks at what the server has taken from the machine.
func inspect(srv *pgserver.Server) (report, error) {
	dir := filepath.Dir(srv.LogFile())
	lock, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		return report{}, err
	}
	lines := strings.Split(string(lock), "\n")
	if len(lines) < 7 {
		return report{}, fmt.Errorf("lock file: %q", lock)
	}
	keyAndID := strings.Fields(lines[6])
	return report{
		Dir: dir, DSN: srv.DSN("postgres"), LogFile: srv.LogFile(), Pid: srv.Pid(), SharedMemory: keyAndID[len(keyAndID)-1],
	}, nil
}

// start starts a server that is closed after the test.
func start(t *testing.T, o pgserver.Options) *pgserver.Server {
	t.Helper()
	srv, err := pgserver.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return srv
}

// query runs a statement that returns one text.
func query(t *testing.T, dsn, sql string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	var text string
	if err := conn.QueryRow(ctx, sql).Scan(&text); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return text
}
