package main

import (
	"cmp"
	"context"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pgsession/pgsession/client"
)

// connectTimeout bounds how long a command waits for a database that does not answer at all, unless the DSN says otherwise.
const connectTimeout = 10 * time.Second

// poolConfig returns how to connect to the database that was named. The server shows the operation as the application's name.
func (c *command) poolConfig(operation string) (*pgxpool.Config, error) {
	dsn := cmp.Or(c.dsn, os.Getenv("DATABASE_URL"))
	if dsn == "" && !environmentNamesDatabase() {
		return nil, misuse("no database is named: use --dsn, DATABASE_URL or PostgreSQL's environment variables (PGHOST, PGDATABASE, PGSERVICE …)")
	}
	config, err := client.ParseDSN(dsn)
	if err != nil {
		return nil, misuse("%s", strings.TrimPrefix(err.Error(), "pgsession: "))
	}
	config.ConnConfig.RuntimeParams["application_name"] = "pgsession " + operation
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	return config, nil
}

// environmentNamesDatabase reports whether one of the variables is set that say which database is meant. Others, such as
// PGPASSWORD, only say how.
func environmentNamesDatabase() bool {
	for _, name := range []string{"PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER", "PGSERVICE"} {
		if os.Getenv(name) != "" {
			return true
		}
	}
	return false
}

// interruptible returns a context that ends with ctx or when the process is asked to stop. A second request to stop ends the
// process at once.
func interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
