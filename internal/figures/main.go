// Command figures measures what somebody who operates pgsession wants to know: what a session takes on disk, whether touches
// leave the table as large as it was, and what sweeping does to those who read meanwhile. It starts a throwaway PostgreSQL,
// flushing commits as in production, and prints the rows of the tables in sql/README.md. `make figures` runs it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/internal/pgserver"
	"github.com/pgsession/pgsession/migrations"
)

// scale is how much is measured.
type scale struct {
	sessions, touches, expired int
}

func main() {
	var s scale
	flag.IntVar(&s.sessions, "sessions", 100_000, "live sessions")
	flag.IntVar(&s.touches, "touches", 200_000, "touches of them")
	flag.IntVar(&s.expired, "expired", 1_000_000, "expired sessions to be swept")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := measure(ctx, os.Stdout, s)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "figures:", err)
		os.Exit(1)
	}
}

// measure starts a server, measures everything and prints it.
func measure(ctx context.Context, out io.Writer, s scale) (err error) {
	server, err := pgserver.Start(ctx, pgserver.Options{Durable: true, Settings: map[string]string{
		"autovacuum":     "off", // what the measurements are about must not be tidied away in between
		"shared_buffers": "512MB",
		"max_wal_size":   "4GB",
	}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close(context.WithoutCancel(ctx))) }()
	fmt.Fprintf(out, "PostgreSQL %s, %d cores, fsync on, autovacuum off, %d sessions of 1 KiB\n\n", server.Binaries().Version, runtime.NumCPU(), s.sessions)
	for _, part := range []func(context.Context, io.Writer, *database, scale) error{sizes, touching, sweeping} {
		d, err := newDatabase(ctx, server)
		if err != nil {
			return err
		}
		if err := errors.Join(part(ctx, out, d, s), d.conn.Close(ctx)); err != nil {
			return err
		}
	}
	return nil
}

// database is one that a part of the measurements has for itself.
type database struct {
	dsn  string
	conn *pgx.Conn
}

// newDatabase makes what was in the last one disappear.
func newDatabase(ctx context.Context, server *pgserver.Server) (*database, error) {
	const name = "figures"
	if err := execute(ctx, server.DSN("postgres"), "drop database if exists "+name+" with (force)", "create database "+name, "checkpoint"); err != nil {
		return nil, err
	}
	conn, err := pgx.Connect(ctx, server.DSN(name))
	if err != nil {
		return nil, err
	}
	if _, err := migrations.Up(ctx, conn, migrations.Options{}); err != nil {
		return nil, errors.Join(err, conn.Close(ctx))
	}
	return &database{dsn: server.DSN(name), conn: conn}, nil
}

// execute runs statements over a connection of their own.
func execute(ctx context.Context, dsn string, statements ...string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	for _, sql := range statements {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return errors.Join(fmt.Errorf("%s: %w", sql, err), conn.Close(ctx))
		}
	}
	return conn.Close(ctx)
}

// fill makes n sessions whose payloads have so many bytes as text: the keys are the hashes of prefix and a number. A tenth as
// many users own them. lived is how long ago they were last used, of an idle lifetime of an hour.
func (d *database) fill(ctx context.Context, prefix string, n, payload int, lived string) error {
	_, err := d.conn.Exec(ctx, fmt.Sprintf(`
insert into pgsession.users (username, cryptpasswd)
select 'user ' || n, '!' from generate_series(0, %[2]d) n on conflict do nothing;
insert into pgsession.sessions (key, username, expiresecs, expires, payload, origin)
select sha256(convert_to('%[1]s' || n, 'UTF8')), 'user ' || n %% %[2]d, 3600, now() + interval '1 hour' - interval '%[4]s',
       case when %[3]d < 12 then '{}' else jsonb_build_object('data', left(
         (select string_agg(encode(sha256(convert_to(n || '.' || i, 'UTF8')), 'hex'), '') from generate_series(0, %[3]d / 64) i), %[3]d - 12)) end,
       jsonb_build_object('address', '192.0.2.' || n %% 256, 'agent', 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0')
  from generate_series(1, %[5]d) n;
analyze pgsession.users, pgsession.sessions`, prefix, max(1, n/10), payload, lived, n))
	return err
}

// bytes are the sizes of the table sessions and of its indexes.
func (d *database) bytes(ctx context.Context) (table, indexes int64, err error) {
	err = d.conn.QueryRow(ctx, "select pg_table_size('pgsession.sessions'), pg_indexes_size('pgsession.sessions')").Scan(&table, &indexes)
	return table, indexes, err
}

// sizes measures what a session takes.
func sizes(ctx context.Context, out io.Writer, d *database, s scale) error {
	fmt.Fprintf(out, "| payload | table, bytes a session | indexes, bytes a session |\n| ---: | ---: | ---: |\n")
	for _, payload := range []int{2, 256, 1024, 4096} {
		if _, err := d.conn.Exec(ctx, "truncate pgsession.sessions"); err != nil {
			return err
		}
		if err := d.fill(ctx, "s", s.sessions, payload, "0"); err != nil {
			return err
		}
		table, indexes, err := d.bytes(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "| %d | %d | %d |\n", payload, table/int64(s.sessions), indexes/int64(s.sessions))
	}
	fmt.Fprintln(out)
	return nil
}
