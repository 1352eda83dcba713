//go:build unix

package chaos

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/pgsession/pgsession/client"
)

// What faults do to sessions with plain SQL, as a DBA does.

// querier is a connection, a pool or a transaction.
type querier interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// reserve takes sessions out of everybody else's hands, and has every process hold them in memory.
func (s *scene) reserve(ctx context.Context, count int) ([]target, error) {
	reserved := s.ledger.reserve(count)
	if len(reserved) < count {
		return nil, fmt.Errorf("%d sessions are wanted, %d live", count, len(reserved))
	}
	s.watch()
	pause(ctx, s.suite.Poll)
	return reserved, nil
}

// update changes a session. It counts from when commit has returned, which the caller notes.
func (s *scene) update(ctx context.Context, q querier, t target) (write, error) {
	w := write{Subject: t.Subject, Asked: now()}
	var epoch pgtype.UUID
	err := q.QueryRow(ctx, "update pgsession.sessions set payload = jsonb_build_object('hand', $2::bigint) where key = $1 returning version, pgsession.epoch()",
		t.Key[:], int64(w.Asked)).Scan(&w.Version, &epoch)
	w.Epoch = client.Epoch(epoch.Bytes)
	return w, err
}

// acknowledged notes that changes made by hand have been committed.
func (s *scene) acknowledged(writes ...write) {
	for _, w := range writes {
		w.Acked = now()
		s.ledger.wrote(w)
	}
}

// endAll ends sessions with one statement, which names none of them.
func (s *scene) endAll(ctx context.Context, subjects []int, sql string, args ...any) error {
	s.ledger.ending(subjects...)
	asked := now()
	_, err := s.pool.Exec(ctx, sql, args...)
	s.ledger.ended(asked, err, subjects...)
	return err
}

// repeat does something again and again for some time.
func repeat(ctx context.Context, during, every time.Duration, do func() error) error {
	for end := now() + during; now() < end; {
		if err := do(); err != nil {
			return err
		}
		if !pause(ctx, every) {
			return context.Cause(ctx)
		}
	}
	return nil
}

// eventually waits until something is so.
func eventually(ctx context.Context, what string, is func() (bool, error)) error {
	for end := now() + startPatience; now() < end; {
		if ok, err := is(); ok || err != nil {
			return err
		}
		if !pause(ctx, 10*time.Millisecond) {
			return context.Cause(ctx)
		}
	}
	return fmt.Errorf("not within %s: %s", startPatience, what)
}
