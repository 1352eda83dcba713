package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/internal/pgtest"
	"github.com/pgsession/pgsession/migrations"
)

// asCommand in the environment makes the test binary the command, so that tests can run it as a process of its own.
const asCommand = "PGSESSION_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	pgtest.Main(m, pgtest.WithTemplate(func(ctx context.Context, conn *pgx.Conn) error {
		_, err := migrations.Up(ctx, conn, migrations.Options{})
		if err != nil {
			return err
		}
		_, err = conn.Exec(ctx, "insert into pgsession.settings (name, value) values ('bcrypt_cost', '4'), ('password_min', '1')") // fast logins
		return err
	}))
}

// output is what a command line printed, and its exit status.
type output struct {
	status   int
	out, err string
}

// runCommand runs a command line within the test's process.
func runCommand(t *testing.T, args ...string) output {
	t.Helper()
	var out, err bytes.Buffer
	status := run(t.Context(), args, streams{in: strings.NewReader(""), out: &out, err: &err})
	return output{status: status, out: out.String(), err: err.String()}
}

// noDatabase clears every variable of the environment that names a database.
func noDatabase(t *testing.T) {
	t.Helper()
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, "PG") && name != asCommand || name == "DATABASE_URL" {
			t.Setenv(name, "")
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
}
