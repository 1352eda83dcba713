//go:build unix

package pgserver_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgsession/pgsession/internal/pgserver"
)

func TestStartAnswersAndCloseRemoves(t *testing.T) {
	t.Parallel()
	srv, err := pgserver.Start(t.Context(), pgserver.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := inspect(srv)
	if err != nil {
		t.Fatal(err)
	}
	for sql, want := range map[string]string{
		"show timezone":                "UTC",
		"show server_encoding":         "UTF8",
		"show fsync":                   "off",
		"show listen_addresses":        "",
		"select current_user::text":    pgserver.Superuser,
		"select current_schema()":      "public",
		"show unix_socket_permissions": "0700",
	} {
		if got := query(t, srv.DSN("postgres"), sql); got != want {
			t.Errorf("%s: %q, want %q", sql, got, want)
		}
	}
	if got, want := query(t, srv.DSN("postgres"), "show server_version"), srv.Binaries().Version; !strings.HasPrefix(got, want) {
		t.Errorf("version %q, want %q", got, want)
	}
	if info, err := os.Stat(r.Dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory is open to others: %v, %v", info.Mode(), err)
	}
	if err := srv.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	assertGone(t, r)
	if err := srv.Close(t.Context()); err != nil {
		t.Error("closing twice:", err)
	}
	for _, method := range []func(context.Context) error{srv.StartAgain, srv.Restart, srv.Stop, srv.Kill} {
		if err := method(t.Context()); !errors.Is(err, pgserver.ErrClosed) {
			t.Errorf("a closed server says %v", err)
		}
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	srv := start(t, pgserver.Options{
		Durable:  true,
		Settings: map[string]string{"max_connections": "17", "test.text": `it's a \ and a` + "\nnew line"},
		Log:      slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	for setting, want := range map[string]string{"fsync": "on", "full_page_writes": "on", "max_connections": "17"} {
		if got := query(t, srv.DSN("postgres"), "show "+setting); got != want {
			t.Errorf("%s: %q, want %q", setting, got, want)
		}
	}
	got := query(t, srv.DSN("postgres"), "show test.text")
	if want := `it's a \ and a` + "\nnew line"; got != want {
		t.Errorf("a setting in need of quotes: %q, want %q", got, want)
	}
	if !strings.Contains(log.String(), "ready") {
		t.Errorf("nothing logged: %q", log.String())
	}
	if srv.TCPDSN("postgres") != "" {
		t.Error("TCP was not asked for")
	}
}

func TestTCPWantsThePassword(t *testing.T) {
	t.Parallel()
	srv := start(t, pgserver.Options{TCP: true})
	if got := query(t, srv.TCPDSN("postgres"), "select host(inet_server_addr())"); got != "127.0.0.1" {
		t.Errorf("connected to %s", got)
	}
	wrong, err := url.Parse(srv.TCPDSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	password, _ := wrong.User.Password()
	wrong.User = url.UserPassword(pgserver.Superuser, password+"x")
	_, err = pgx.Connect(t.Context(), wrong.String())
	if pgErr := (*pgconn.PgError)(nil); !errors.As(err, &pgErr) || pgErr.Code != "28P01" {
		t.Errorf("a wrong password: %v", err)
	}
	err = filepath.WalkDir(filepath.Dir(srv.LogFile()), func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		if text, err := os.ReadFile(path); err == nil && bytes.Contains(text, []byte(password)) {
			t.Errorf("the password stands in %s", path)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	before := srv.TCPDSN("postgres")
	if err := srv.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if srv.TCPDSN("postgres") != before {
		t.Error("the address has changed")
	}
	query(t, before, "select 'still there'")
}

// A stop keeps unlogged tables, a crash empties them, and every one of them keeps the rest.
func TestStopAndCrash(t *testing.T) {
	t.Parallel()
	srv := start(t, pgserver.Options{})
	dsn := srv.DSN("postgres")
	execute(t, dsn, "create table logged (i int); create unlogged table unlogged (i int)")
	for _, test := range []struct {
		name    string
		down    func(context.Context) error
		crashes bool
	}{
		{"stop", srv.Stop, false},
		{"immediate stop", srv.StopImmediate, true},
		{"kill", srv.Kill, true},
	} {
		execute(t, dsn, "truncate logged, unlogged; insert into logged values (1); insert into unlogged values (1)")
		held, err := pgx.Connect(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		pid := srv.Pid()
		if err := test.down(t.Context()); err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		if err := held.Ping(t.Context()); err == nil {
			t.Errorf("%s: a connection outlived it", test.name)
		}
		_ = held.Close(t.Context())
		if conn, err := pgx.Connect(t.Context(), dsn); err == nil {
			_ = conn.Close(t.Context())
			t.Errorf("%s: the server still answers", test.name)
		}
		if err := test.down(t.Context()); err != nil {
			t.Errorf("%s of a server that is down: %v", test.name, err)
		}
		for range 2 { // the second finds it running
			if err := srv.StartAgain(t.Context()); err != nil {
				t.Fatalf("%s: starting again: %v", test.name, err)
			}
		}
		if srv.Pid() == pid {
			t.Errorf("%s: still the same process", test.name)
		}
		want := map[bool]string{false: "1 1", true: "1 0"}[test.crashes]
		sql := "select (select count(*) from logged) || ' ' || (select count(*) from unlogged)"
		if got := query(t, dsn, sql); got != want {
			t.Errorf("%s: rows logged and unlogged: %s, want %s", test.name, got, want)
		}
	}
}

func TestCloseAfterCrashFreesSharedMemory(t *testing.T) {
	t.Parallel()
	srv := start(t, pgserver.Options{})
	r, err := inspect(srv)
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := srv.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	assertGone(t, r)
}

func TestFailedStartExplainsAndRemoves(t *testing.T) {
	t.Parallel()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		name    string
		ctx     context.Context
		options pgserver.Options
		is      error
		says    string
	}{
		{"unknown setting", t.Context(), pgserver.Options{Settings: map[string]string{"no_such_setting": "1"}}, nil, "no_such_setting"},
		{"no such binaries", t.Context(), pgserver.Options{Binaries: pgserver.Binaries{Dir: "/nowhere"}}, os.ErrNotExist, "/nowhere"},
		{"context ended", cancelled, pgserver.Options{}, context.Canceled, ""},
	} {
		test.options.Dir = openDir(t)
		srv, err := pgserver.Start(test.ctx, test.options)
		if err == nil {
			_ = srv.Close(t.Context())
			t.Errorf("%s: started", test.name)
			continue
		}
		if test.is != nil && !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", test.name, err)
		}
		assertEmpty(t, test.options.Dir)
	}
}

// Socket paths are short, and neither a DSN nor postgresql.conf takes all characters in them. The data stays in the
// folder that was asked for.
func TestAwkwardDirectories(t *testing.T) {
	t.Parallel()
	for _, name := range []string{strings.Repeat("long", 40), `it's "a", b\slash ünïcode %41 $HOME`} {
		dir := filepath.Join(openDir(t), name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		srv := start(t, pgserver.Options{Dir: dir})
		if got := filepath.Dir(filepath.Dir(srv.LogFile())); got != dir {
			t.Errorf("%s: data in %s", name, got)
		}
		query(t, srv.DSN("postgres"), "select 'ready'")
		r, err := inspect(srv)
		if err != nil {
			t.Fatal(err)
		}
		if err := srv.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		assertGone(t, r)
		assertEmpty(t, dir)
	}
}

// A folder of root's alone is no place for a server that has to run as somebody else.
func TestClosedDirectory(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root becomes somebody else")
	}
	dir := openDir(t)
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	srv := start(t, pgserver.Options{Dir: dir})
	query(t, srv.DSN("postgres"), "select 'ready'")
	assertEmpty(t, dir)
}

func execute(t *testing.T, dsn, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// openDir is a temporary folder that any account can reach; T.TempDir's is not.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "pgserver-test-*") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func assertEmpty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		t.Errorf("left behind: %s", filepath.Join(dir, entry.Name()))
	}
}
