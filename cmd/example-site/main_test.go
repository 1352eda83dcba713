package main

import (
	"bufio"
	"context"
	"io"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/internal/pgtest"
	"github.com/pgsession/pgsession/migrations"
)

// asCommand in the environment makes the test binary the command, so that tests can run it as a process of its own.
const asCommand = "PGSESSION_TEST_AS_EXAMPLE_SITE"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	pgtest.Main(m, pgtest.WithTemplate(func(ctx context.Context, conn *pgx.Conn) error {
		_, err := migrations.Up(ctx, conn, migrations.Options{})
		if err != nil {
			return err
		}
		_, err = conn.Exec(ctx, "insert into pgsession.settings (name, value) values ('bcrypt_cost', '4')") // fast logins
		return err
	}))
}

// command is the command as a process of its own.
type command struct {
	url   *url.URL
	stdin io.Closer
	cmd   *exec.Cmd
}

// start runs the command on a database and returns once it says where it listens. It is stopped after the test, and has to end well.
func start(t *testing.T, db *pgtest.DB, args ...string) *command {
	t.Helper()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &command{cmd: exec.Command(executable, append([]string{"--listen", "127.0.0.1:0", "--until-eof"}, args...)...)}
	c.cmd.Env = append(os.Environ(), asCommand+"=1", "DATABASE_URL="+db.DSN())
	c.cmd.Stderr = t.Output()
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.stdin.Close()
		patience := time.AfterFunc(30*time.Second, func() { _ = c.cmd.Process.Kill() })
		defer patience.Stop()
		if err := c.cmd.Wait(); err != nil {
			t.Errorf("it ended with %v", err)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("it said %q: %v", line, err)
	}
	_, address, _ := strings.Cut(strings.TrimSpace(line), " listens on ")
	if c.url, err = url.Parse(address); err != nil || address == "" {
		t.Fatalf("it said %q: %v", line, err)
	}
	return c
}

func TestWrongUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--nosuch"}, {"serve"}, {"--processes", "0"}, {"--processes", "17"}, {"--plain-cookies", "maybe"}, {"--trusted-proxy", "example.com"},
	} {
		var log strings.Builder
		if status := run(t.Context(), args, strings.NewReader(""), io.Discard, &log); status != 2 || log.Len() == 0 {
			t.Errorf("%v: status %d, %q", args, status, &log)
		}
	}
	if status := run(t.Context(), []string{"--help"}, strings.NewReader(""), io.Discard, io.Discard); status != 0 {
		t.Errorf("--help: status %d", status)
	}
}

func TestNoDatabaseThere(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"--processes", "2"}} {
		var log strings.Builder
		args = append(args, "--listen", "127.0.0.1:0", "--dsn", "postgres://u:hunter2@127.0.0.1:1/none")
		if status := run(t.Context(), args, strings.NewReader(""), io.Discard, &log); status != 1 || strings.Contains(log.String(), "hunter2") {
			t.Errorf("%v: status %d, %s", args, status, &log)
		}
	}
}

// Without a database it brings one of its own, and takes it away again.
func TestThrowawayDatabase(t *testing.T) {
	t.Setenv("DATABASE_URL", "")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, said := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		defer said.Close()
		ended <- run(ctx, []string{"--listen", "127.0.0.1:0"}, nil, said, t.Output())
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_, address, _ := strings.Cut(strings.TrimSpace(line), " listens on ")
	home, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	if a := newVisitor(t, home).get("/"); a.status != 200 {
		t.Errorf("home: %+v", a)
	}
	stop()
	if status := <-ended; status != 0 {
		t.Errorf("status %d", status)
	}
}
