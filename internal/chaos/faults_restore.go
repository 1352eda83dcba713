//go:build unix

package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/jackc/pgx/v5/pgxpool"
)

// restoreFaults put an earlier state in the place of the present one: commits are taken back on purpose.
func restoreFaults() []Fault {
	return []Fault{
		{
			Name: "dump restored into a new database", OwnServer: true, Forgets: true,
			Inject: func(ctx context.Context, s *scene) error { return s.restoreDump(ctx, swapDatabases) },
		},
		{
			Name: "dump restored over the old database", OwnServer: true, Forgets: true,
			Inject: func(ctx context.Context, s *scene) error { return s.restoreDump(ctx, overwriteDatabase) },
		},
		{Name: "cold file copy put back", OwnServer: true, Forgets: true, Inject: putBack},
	}
}

// program runs one of PostgreSQL's client programs.
func (s *scene) program(ctx context.Context, name string, args ...string) error {
	path := filepath.Join(s.host.server.Binaries().Dir, name)
	out, err := exec.CommandContext(ctx, path, args...).CombinedOutput() //nolint:gosec // PostgreSQL's own
	if err != nil {
		return fmt.Errorf("%s: %w: %.500s", name, err, out)
	}
	return nil
}

// restoreDump dumps the database, lets time pass, and has the dump be put in place.
func (s *scene) restoreDump(ctx context.Context, put func(ctx context.Context, s *scene, file, copied string) error) error {
	dir, err := os.MkdirTemp("", "pgsession-dump-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "dump")
	if err := s.program(ctx, "pg_dump", "--format=custom", "--file="+file, s.host.server.DSN(s.database)); err != nil {
		return err
	}
	copied := s.database + "_copy"
	if err := s.host.exec(ctx, "postgres", "create database "+copied+" template template0"); err != nil {
		return err
	}
	if err := s.program(ctx, "pg_restore", "--dbname="+s.host.server.DSN(copied), file); err != nil {
		return err
	}
	survivors, err := s.stateOf(ctx, copied)
	if err != nil {
		return err
	}
	pause(ctx, s.suite.Lease)
	s.survivors, s.switched = survivors, now()
	return put(ctx, s, file, copied)
}

// stateOf reads what another database holds.
func (s *scene) stateOf(ctx context.Context, database string) (state, error) {
	pool, err := pgxpool.New(ctx, s.host.server.DSN(database))
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	return readState(ctx, pool)
}

// swapDatabases gives the restored database the name of the old one.
func swapDatabases(ctx context.Context, s *scene, _, copied string) error {
	for _, sql := range []string{
		"alter database " + s.database + " with allow_connections false",
		"select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = '" + s.database + "'",
		"alter database " + s.database + " rename to " + s.database + "_old",
		"alter database " + copied + " rename to " + s.database,
	} {
		if err := s.host.exec(ctx, "postgres", sql); err != nil {
			return err
		}
	}
	return nil
}

// overwriteDatabase restores into the database that is in use. Whoever uses it may be in the way: then it is tried again.
func overwriteDatabase(ctx context.Context, s *scene, file, _ string) error {
	var err error
	for range 10 {
		err = s.program(ctx, "pg_restore", "--clean", "--if-exists", "--single-transaction", "--dbname="+s.host.server.DSN(s.database), file)
		if err == nil {
			return nil
		}
	}
	return err
}

// putBack takes a cold copy of the server's files, lets time pass, and puts the copy back.
func putBack(ctx context.Context, s *scene) error {
	server := s.host.server
	var err error
	if s.survivors, err = s.stopWith(ctx); err != nil {
		return err
	}
	if err := errors.Join(server.SaveData(ctx), server.StartAgain(ctx)); err != nil {
		return err
	}
	if err := s.await(ctx, now()); err != nil {
		return err
	}
	pause(ctx, s.suite.Lease)
	s.switched = now()
	if err := server.Stop(ctx); err != nil {
		return err
	}
	return errors.Join(server.PutBack(ctx), server.StartAgain(ctx))
}

// stopWith stops the server and returns exactly what it held: nobody can write from the reading on.
func (s *scene) stopWith(ctx context.Context) (state, error) {
	tx, err := s.pool.Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback(ctx) }() // of a connection that is lost by then
	if _, err := tx.Exec(ctx, "lock table pgsession.sessions in exclusive mode"); err != nil {
		return nil, err
	}
	held, err := readState(ctx, tx)
	if err != nil {
		return nil, err
	}
	return held, s.host.server.Stop(ctx)
}
