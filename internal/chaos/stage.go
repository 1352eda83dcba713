//go:build unix

package chaos

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pgsession/pgsession/client"
)

const (
	// writers is how many goroutines of a process write.
	writers = 3
	// readers is how many read.
	readers = 2
)

// endPatience bounds the end of a scene; what has not ended by then is ended by force.
const endPatience = 3 * time.Second

// build makes everything that a fault happens to. What it has made so far, close takes away.
func (s *scene) build(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*startPatience)
	defer cancel()
	if err := s.buildHost(ctx); err != nil {
		return fmt.Errorf("server: %w", err)
	}
	a, err := s.assignment(ctx)
	if err != nil {
		return err
	}
	config, err := pgxpool.ParseConfig(s.straight("chaos runner"))
	if err != nil {
		return err
	}
	config.MaxConns = 8
	if s.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return err
	}
	s.later(func(context.Context) { s.pool.Close() })
	s.client = client.New(s.pool)
	for n := range users {
		if _, err := s.client.UserCreate(ctx, fmt.Sprintf("user%d", n), "a password", client.UserOptions{}); err != nil {
			return err
		}
	}
	return s.startProcesses(ctx, a)
}

// buildHost provides the server, the standby and the database.
func (s *scene) buildHost(ctx context.Context) error {
	var err error
	if s.OwnServer || s.Pair {
		if s.host, err = newHost(ctx); err != nil {
			return err
		}
		s.later(s.host.close)
	}
	if s.database, err = s.host.database(ctx, s.settings()); err != nil {
		return err
	}
	if !s.OwnServer && !s.Pair {
		s.later(func(ctx context.Context) { _ = s.host.drop(ctx, s.database) })
	}
	if !s.Pair {
		return nil
	}
	standby, err := s.host.server.Standby(ctx)
	if err != nil {
		return err
	}
	s.standby = &host{server: standby}
	s.later(s.standby.close)
	return nil
}

// straight is how the runner connects, whatever is between the processes and the server.
func (s *scene) straight(application string) string {
	if s.Pair {
		dsn, err := multiHost(s.host.server.TCPDSN(s.database), s.standby.server.TCPDSN(s.database))
		if err != nil {
			panic(err) // both were made by this program
		}
		return dsn
	}
	return named(s.host.server.DSN(s.database), application)
}

// assignment is what the processes are told, links and poolers included.
func (s *scene) assignment(ctx context.Context) (assignment, error) {
	s.Processes, s.Sessions = cmp.Or(s.Processes, 3), cmp.Or(s.Sessions, 24)
	s.Writes, s.Reads = cmp.Or(s.Writes, 60), cmp.Or(s.Reads, 6000)
	a := assignment{
		Pool: s.straight("chaos-" + linkPool), Poll: s.straight("chaos-" + linkPoll), Listen: s.straight("chaos-" + linkListen),
		Fencing: s.Fencing, Readers: readers, ReadEvery: time.Duration(readers*s.Processes) * time.Second / time.Duration(s.Reads),
		Writers: writers, WriteEvery: time.Duration(writers*s.Processes) * time.Second / time.Duration(s.Writes),
	}
	if s.Links {
		if err := s.buildLinks(ctx, &a); err != nil {
			return a, err
		}
	}
	if s.Pooler != "" {
		b, err := startBouncer(ctx, s.host.server, s.database)
		if err != nil {
			return a, err
		}
		s.bouncer = b
		s.later(b.close)
		a.Pool, a.Pooled = b.dsn("chaos-"+linkPool), true
		if s.Pooler == linkListen {
			a.Listen = b.dsn("chaos-" + linkListen)
		}
	}
	return a, nil
}

// buildLinks puts a proxy into each of the links.
func (s *scene) buildLinks(ctx context.Context, a *assignment) error {
	s.links = map[string]*link{}
	dsn := s.host.server.TCPDSN(s.database)
	upstream, err := hostPort(dsn)
	if err != nil {
		return err
	}
	for name, through := range map[string]*string{linkPool: &a.Pool, linkPoll: &a.Poll, linkListen: &a.Listen} {
		l, err := newLink(name, upstream)
		if err != nil {
			return err
		}
		s.links[name] = l
		s.later(l.close)
		if *through, err = l.dsn(named(dsn, "chaos-"+name)); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (s *scene) startProcesses(ctx context.Context, a assignment) error {
	s.ledger = newLedger(s.Processes)
	executable := s.suite.Executable
	if s.Control {
		executable = s.suite.Faulty
	}
	level := "quiet"
	if s.suite.Verbose {
		level = "verbose"
	}
	for n := range s.Processes {
		p, err := startProcess(n, executable, append([]string{workerVariable + "=" + level}, s.Env...), a, s.ledger)
		if err != nil {
			return err
		}
		s.processes = append(s.processes, p)
	}
	for _, p := range s.processes {
		if err := p.await(ctx); err != nil {
			return err
		}
	}
	return nil
}

// later has something be done when the scene ends, the last first.
func (s *scene) later(undo func(context.Context)) { s.undo = append(s.undo, undo) }

// stop ends the processes, which report what they have not yet.
func (s *scene) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endPatience)
	defer cancel()
	var errs []error
	for _, p := range s.processes {
		_ = p.stdin.Close() // all at once
	}
	for _, p := range s.processes {
		errs = append(errs, p.end(ctx))
	}
	return errors.Join(errs...)
}

// close takes everything away, also when ctx has ended.
func (s *scene) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), startPatience)
	defer cancel()
	for _, undo := range slices.Backward(s.undo) {
		undo(ctx)
	}
}
