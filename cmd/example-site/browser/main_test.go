package browser_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/internal/pgtest"
	"github.com/pgsession/pgsession/migrations"
)

// built names the environment variable that tells the tests where the command is: TestMain has built it.
const built = "PGSESSION_TEST_EXAMPLE_SITE"

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "example-site")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "example-site")
	build := exec.Command("go", "build", "-C", "..", "-buildvcs=false", "-o", program, ".") // in its own module
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "building the example site:", err)
		return 1
	}
	if err := os.Setenv(built, program); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return pgtest.Run(m, pgtest.WithTemplate(func(ctx context.Context, conn *pgx.Conn) error {
		if _, err := migrations.Up(ctx, conn, migrations.Options{}); err != nil {
			return err
		}
		_, err := conn.Exec(ctx, "insert into pgsession.settings (name, value) values ('bcrypt_cost', '4')") // fast logins
		return err
	}))
}

// startSite starts a process of the site on a database, and returns where it listens. It is stopped after the test.
func startSite(t *testing.T, db *pgtest.DB, args ...string) *url.URL {
	t.Helper()
	cmd := exec.Command(os.Getenv(built), append([]string{"--listen", "127.0.0.1:0", "--until-eof"}, args...)...)
	cmd.Env = append(os.Environ(), "DATABASE_URL="+db.DSN())
	cmd.Stderr = t.Output()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, cmd, stdin) })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the site said %q: %v", line, err)
	}
	_, address, _ := strings.Cut(strings.TrimSpace(line), " listens on ")
	home, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return home
}

func stop(t *testing.T, cmd *exec.Cmd, stdin io.Closer) {
	t.Helper()
	_ = stdin.Close()
	patience := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer patience.Stop()
	if err := cmd.Wait(); err != nil {
		t.Errorf("the site ended with %v", err)
	}
}
