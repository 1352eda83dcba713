package demo

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pgsession/pgsession/internal/console"
	"github.com/pgsession/pgsession/internal/pgserver"
	"github.com/pgsession/pgsession/migrations"
)

// role is what the processes connect as: an application's role, which may call functions and has no right on any table.
const role = "webapp"

// database is where everything is.
const database = "demo"

// stage is the throwaway server with the database, and the processes that serve it.
type stage struct {
	server    *pgserver.Server
	pool      *pgxpool.Pool // the owner's
	instances []*instance
	lease     time.Duration
}

// newStage sets everything up, and says so.
func newStage(ctx context.Context, o Options, say *console.Console) (*stage, error) {
	s := &stage{}
	if err := s.setUp(ctx, o, say); err != nil {
		s.close(ctx)
		return nil, err
	}
	return s, nil
}

func (s *stage) setUp(ctx context.Context, o Options, say *console.Console) error {
	say.Step("A database")
	began := time.Now()
	var err error
	// Every statement is logged, without its values, because that is how they are counted.
	s.server, err = pgserver.Start(ctx, pgserver.Options{Durable: true, Settings: map[string]string{
		"log_parameter_max_length": "0", "log_parameter_max_length_on_error": "0",
	}})
	if err != nil {
		return err
	}
	say.Say("PostgreSQL %s, a throwaway server, is up after %s.", s.server.Binaries().Version, seconds(time.Since(began)))
	if err := s.install(ctx, say); err != nil {
		return err
	}

	say.Step(fmt.Sprintf("%d processes, each with a cache", processes))
	say.Typed("$", "pgsession serve        # as the role %s: it may call functions, and has no right on any table", role)
	dsn, err := dsnAs(s.server.DSN(database), role)
	if err != nil {
		return err
	}
	for i := range processes {
		instance, err := startInstance(ctx, i+1, o, dsn)
		if err != nil {
			return err
		}
		s.instances = append(s.instances, instance)
		say.Say("process %d listens on %s", instance.number, instance.url)
	}
	say.Say("Each may answer from memory for %s after a poll of the change log: that is the lease T.", s.lease)
	return nil
}

// install makes the database, the schema and the application's role.
func (s *stage) install(ctx context.Context, say *console.Console) error {
	admin, err := pgx.Connect(ctx, s.server.DSN("postgres"))
	if err != nil {
		return err
	}
	_, err = admin.Exec(ctx, "create database "+database)
	if err := errors.Join(err, admin.Close(ctx)); err != nil {
		return fmt.Errorf("create database: %w", err)
	}
	if s.pool, err = pgxpool.New(ctx, s.server.DSN(database)); err != nil {
		return err
	}
	began := time.Now()
	say.Typed("$", "pgsession migrate up")
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	result, err := migrations.Up(ctx, conn.Conn(), migrations.Options{})
	if err != nil {
		return err
	}
	say.Say("Schema %s is at version %d after %s: tables that are private, functions that are the interface.", result.Schema, result.To, seconds(time.Since(began)))
	say.Typed("sql>", "create role %s login;", role)
	say.Typed("sql>", "select pgsession.grant_app('%s');", role)
	if _, err := conn.Exec(ctx, fmt.Sprintf("create role %s login; select pgsession.grant_app('%[1]s'); alter role %[1]s set log_statement to 'all'", role)); err != nil {
		return fmt.Errorf("create the application's role: %w", err)
	}
	var lease float64
	if err := conn.QueryRow(ctx, "select extract(epoch from pgsession.setting('lease')::interval)::float8").Scan(&lease); err != nil {
		return fmt.Errorf("ask for the lease: %w", err)
	}
	s.lease = time.Duration(lease * float64(time.Second))
	return nil
}

// dsnAs is the same database as another role. The throwaway server asks nobody for a password.
func dsnAs(dsn, role string) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return "", err
	}
	u.User = url.User(role)
	return u.String(), nil
}

// close ends the processes and the server, in this order, and removes what they left, also when ctx has ended.
func (s *stage) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	for _, i := range s.instances {
		i.askToStop()
	}
	for _, i := range s.instances {
		i.waitOrKill(ctx)
	}
	if s.pool != nil {
		s.pool.Close()
	}
	if s.server != nil {
		_ = s.server.Close(ctx) // if it takes longer, its guard goes on
	}
}

// describe tells how to play with what has been left running.
func (s *stage) describe(say *console.Console) {
	say.Step("Yours, until you press Ctrl-C")
	for _, i := range s.instances {
		say.Say("process %d  %s", i.number, i.url)
	}
	say.Typed("$", "psql '%s'", s.server.DSN(database))
	say.Typed("$", `curl -i %s/v1/login -H 'Content-Type: application/json' -d '{"username": "anna", "password": "%s"}'`, s.instances[0].url, annasPassword)
	say.Typed("$", "curl -i %s/v1/session -H 'Authorization: Bearer TOKEN'", s.instances[1].url)
}
