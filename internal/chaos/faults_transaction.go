//go:build unix

package chaos

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// transactionFaults commit in ways in which a cursor that goes by numbers, or by age, loses changes. Nothing is notified,
// so that the log alone has to tell.
func transactionFaults() []Fault {
	crash := func(ctx context.Context, s *scene) error {
		if err := s.host.server.Kill(ctx); err != nil {
			return err
		}
		return s.host.server.StartAgain(ctx)
	}
	return []Fault{
		{Name: "commits in reverse order of their xids", Short: true, Notify: "none", Inject: reverseCommits},
		{
			Name: "long-running transactions across a purge", Notify: "none", Inject: longAcrossPurge,
			Settings: map[string]string{"log_retention": "0 seconds"},
		},
		{Name: "savepoints, rollbacks, prepared transactions", Notify: "none", Inject: partlyRolledBack},
		{
			Name: "prepared before a crash, committed after it", Notify: "none", OwnServer: true,
			Inject: func(ctx context.Context, s *scene) error { return s.preparedAcross(ctx, crash) },
		},
		{
			Name: "prepared before a clean restart, committed after it", Notify: "none", OwnServer: true,
			Inject: func(ctx context.Context, s *scene) error {
				return s.preparedAcross(ctx, func(ctx context.Context, s *scene) error { return s.host.server.Restart(ctx) })
			},
		},
	}
}

// inTransaction changes sessions in a transaction of its own, which it leaves open.
func (s *scene) inTransaction(ctx context.Context, targets ...target) (pgx.Tx, []write, error) {
	tx, err := s.pool.Begin(ctx)
	if err != nil {
		return nil, nil, err
	}
	var writes []write
	for _, t := range targets {
		w, err := s.update(ctx, tx, t)
		if err != nil {
			return nil, nil, errors.Join(err, tx.Rollback(ctx))
		}
		writes = append(writes, w)
	}
	return tx, writes, nil
}

func (s *scene) commit(ctx context.Context, tx pgx.Tx, writes []write) error {
	if err := tx.Commit(ctx); err != nil {
		return err
	}
	s.acknowledged(writes...)
	return nil
}

// reverseCommits has transactions of which the older commits later, with polls in between.
func reverseCommits(ctx context.Context, s *scene) error {
	t, err := s.reserve(ctx, 2)
	if err != nil {
		return err
	}
	for range 4 {
		older, olderWrites, err := s.inTransaction(ctx, t[0])
		if err != nil {
			return err
		}
		younger, youngerWrites, err := s.inTransaction(ctx, t[1])
		if err != nil {
			return errors.Join(err, older.Rollback(ctx))
		}
		err = s.commit(ctx, younger, youngerWrites)
		pause(ctx, s.suite.Poll*3/2)
		if err := errors.Join(err, s.commit(ctx, older, olderWrites)); err != nil {
			return err
		}
	}
	return nil
}

// longAcrossPurge leaves a transaction open while the log is purged of everything that can be, over and over.
func longAcrossPurge(ctx context.Context, s *scene) error {
	t, err := s.reserve(ctx, 2)
	if err != nil {
		return err
	}
	for range 2 {
		tx, writes, err := s.inTransaction(ctx, t...)
		if err != nil {
			return err
		}
		err = repeat(ctx, s.suite.Lease, s.suite.Poll/4, func() error {
			// Without its last tick the log is purged now, and not in a minute.
			_, err := s.pool.Exec(ctx, "delete from pgsession.change_log where kind = 't'")
			if err == nil {
				_, err = s.client.SessionSweep(ctx, 1)
			}
			return err
		})
		if err := errors.Join(err, s.commit(ctx, tx, writes)); err != nil {
			return err
		}
		pause(ctx, s.suite.Lease)
	}
	return nil
}

// partlyRolledBack changes sessions in subtransactions, in transactions that fail, and in two phases.
func partlyRolledBack(ctx context.Context, s *scene) error {
	t, err := s.reserve(ctx, 4)
	if err != nil {
		return err
	}
	for n := range 4 {
		tx, writes, err := s.inTransaction(ctx, t[0])
		if err != nil {
			return err
		}
		for _, undone := range []bool{true, false} { // savepoints
			inner, err := tx.Begin(ctx)
			if err != nil {
				return err
			}
			w, err := s.update(ctx, inner, t[1])
			if undone {
				err = errors.Join(err, inner.Rollback(ctx))
			} else {
				writes = append(writes, w)
				err = errors.Join(err, inner.Commit(ctx))
			}
			if err != nil {
				return errors.Join(err, tx.Rollback(ctx))
			}
		}
		if err := s.commit(ctx, tx, writes); err != nil {
			return err
		}
		gone, _, err := s.inTransaction(ctx, t[2])
		if err != nil {
			return err
		}
		gid := fmt.Sprintf("%s_%d", s.database, n)
		prepared, err := s.prepare(ctx, gid, t[3])
		pause(ctx, s.suite.Poll)
		if err := errors.Join(err, gone.Rollback(ctx), s.commitPrepared(ctx, gid, prepared)); err != nil {
			return err
		}
	}
	return nil
}

// prepare is the first phase of a two-phase commit.
func (s *scene) prepare(ctx context.Context, gid string, targets ...target) ([]write, error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, "begin"); err != nil {
		return nil, err
	}
	var writes []write
	for _, t := range targets {
		w, err := s.update(ctx, conn, t)
		if err != nil {
			_, undo := conn.Exec(ctx, "rollback")
			return nil, errors.Join(err, undo)
		}
		writes = append(writes, w)
	}
	_, err = conn.Exec(ctx, "prepare transaction '"+gid+"'")
	return writes, err
}

// commitPrepared is the second one.
func (s *scene) commitPrepared(ctx context.Context, gid string, writes []write) error {
	if err := s.exec(ctx, "commit prepared '"+gid+"'"); err != nil {
		return err
	}
	s.acknowledged(writes...)
	return nil
}

// preparedAcross commits a transaction after something happened to the server that it was prepared at.
func (s *scene) preparedAcross(ctx context.Context, happen func(context.Context, *scene) error) error {
	t, err := s.reserve(ctx, 2)
	if err != nil {
		return err
	}
	gid := s.database + "_across"
	writes, err := s.prepare(ctx, gid, t...)
	if err != nil {
		return err
	}
	if err := happen(ctx, s); err != nil {
		return err
	}
	if err := s.await(ctx, now()); err != nil { // they poll the new epoch, and serve what was there before
		return err
	}
	pause(ctx, s.suite.Poll*2)
	return s.commitPrepared(ctx, gid, writes)
}
