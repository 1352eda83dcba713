//go:build unix

package chaos

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/client"
)

// sessionFaults change sessions and users by plain SQL, in bulk and behind the triggers' backs.
func sessionFaults(short bool) []Fault {
	bulk := 1_000_000
	if short {
		bulk = 100_000
	}
	return []Fault{
		{Name: "TRUNCATE", Inject: func(ctx context.Context, s *scene) error {
			return s.endAll(ctx, s.ledger.all("*"), "truncate pgsession.sessions")
		}},
		{Name: "replica role", Inject: replicaRole},
		{
			Name:   fmt.Sprintf("%d sessions deleted in one statement", bulk),
			Short:  true,
			Inject: func(ctx context.Context, s *scene) error { return s.deleteBulk(ctx, bulk) },
		},
		{
			Name: "password change and disabling against openings and rotations", Short: true, Forgets: true,
			Inject: func(ctx context.Context, s *scene) error { return s.contend(ctx) },
			Check:  noneOutlived,
		},
	}
}

// replicaRole changes and deletes sessions as the applying end of logical replication does: ordinary triggers are off.
func replicaRole(ctx context.Context, s *scene) error {
	t, err := s.reserve(ctx, 6)
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, s.straight("chaos replica"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, "set session_replication_role = replica"); err != nil {
		return err
	}
	for _, t := range t[:3] {
		w, err := s.update(ctx, conn, t)
		if err != nil {
			return err
		}
		s.acknowledged(w)
		pause(ctx, s.suite.Poll)
	}
	for _, t := range t[3:] {
		s.ledger.ending(t.Subject)
		asked := now()
		_, err := conn.Exec(ctx, "delete from pgsession.sessions where key = $1", t.Key[:])
		s.ledger.ended(asked, err, t.Subject)
		if err != nil {
			return err
		}
	}
	return nil
}

// deleteBulk deletes very many sessions, some of them cached, and counts what that notifies.
func (s *scene) deleteBulk(ctx context.Context, count int) error {
	const most = 10
	_, err := s.pool.Exec(ctx, `insert into pgsession.sessions (key, payload)
		select sha256(int8send(n)), '{"bulk": true}' from generate_series(1, $1::bigint) n`, count)
	if err != nil {
		return err
	}
	t, err := s.reserve(ctx, 3)
	if err != nil {
		return err
	}
	ears, err := pgx.Connect(ctx, s.straight("chaos ears"))
	if err != nil {
		return err
	}
	defer func() { _ = ears.Close(ctx) }()
	if _, err := ears.Exec(ctx, "listen pgsession_inv"); err != nil {
		return err
	}
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	var subjects []int
	var keys [][]byte
	for _, t := range t {
		subjects, keys = append(subjects, t.Subject), append(keys, t.Key[:])
	}
	s.ledger.ending(subjects...)
	asked := now()
	_, err = conn.Exec(ctx, "delete from pgsession.sessions where payload ? 'bulk' or key = any($1)", keys)
	s.ledger.ended(asked, err, subjects...)
	if err != nil {
		return err
	}
	if heard := countFrom(ctx, ears, conn.Conn().PgConn().PID()); heard == 0 || heard > most {
		return fmt.Errorf("deleting %d sessions sent %d notifications, not 1 to %d", count, heard, most)
	}
	return nil
}

// countFrom counts the notifications of one backend until none has come for a while.
func countFrom(ctx context.Context, ears *pgx.Conn, pid uint32) int {
	heard := 0
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	for {
		n, err := ears.WaitForNotification(ctx)
		if err != nil {
			return heard
		}
		if n.PID == pid {
			heard++
		}
	}
}

// victim is whose sessions are opened and rotated while they are ended.
const victim = "user0"

// contend opens and rotates a user's sessions as fast as it can, while the password is changed and the user disabled.
func (s *scene) contend(ctx context.Context) error {
	busy, stop := context.WithCancel(ctx)
	defer stop()
	var openers sync.WaitGroup
	for range 3 {
		openers.Go(func() { s.openAndRotate(busy) })
	}
	defer openers.Wait()
	defer stop()
	n := 0
	return repeat(ctx, 3*s.suite.Lease, s.suite.Lease/10, func() error {
		n++
		if n%2 == 0 {
			err := s.endUser(ctx, "update pgsession.users set status = 'disabled' where username = $1", victim)
			_, enable := s.pool.Exec(ctx, "update pgsession.users set status = 'active' where username = $1", victim)
			return errors.Join(err, enable)
		}
		return s.endUser(ctx, "update pgsession.users set cryptpasswd = pgsession.crypt($2, pgsession.gen_salt('bf', 4)) where username = $1",
			victim, fmt.Sprint("password ", n))
	})
}

// endUser ends all of the victim's sessions by a change to the user.
func (s *scene) endUser(ctx context.Context, sql string, args ...any) error {
	asked := now()
	err := s.endAll(ctx, s.ledger.all(victim), sql, args...)
	s.ledger.doubt(victim, asked)
	return err
}

// openAndRotate opens sessions and rotates each once. Either may be refused, or find that there is nothing left.
func (s *scene) openAndRotate(ctx context.Context) {
	for pause(ctx, 5*time.Millisecond) {
		asked := now()
		_, opened, err := s.client.SessionOpen(ctx, client.OpenOptions{Username: victim})
		if err != nil {
			continue
		}
		old := s.ledger.opened(opened, asked)
		s.watch()
		pause(ctx, 20*time.Millisecond)
		s.ledger.ending(old.Subject)
		asked = now()
		_, rotated, err := s.client.SessionRotate(ctx, old.Key, "")
		s.ledger.ended(asked, err, old.Subject)
		if err == nil {
			s.ledger.opened(rotated, asked)
		}
	}
}

// noneOutlived looks for a session that the last change should have ended.
func noneOutlived(ctx context.Context, s *scene) error {
	var count int
	err := s.pool.QueryRow(ctx, `select count(*) from pgsession.sessions s join pgsession.users u using (username)
		where u.status <> 'active' or s.cryptpasswd is distinct from u.cryptpasswd`).Scan(&count)
	if err == nil && count > 0 {
		err = fmt.Errorf("%d sessions have outlived a password change or a disabling", count)
	}
	return err
}

// disableTriggers changes sessions as nobody should: with the triggers off that write the log (assumption A3 broken).
func disableTriggers(ctx context.Context, s *scene) error {
	t, err := s.reserve(ctx, 4)
	if err != nil {
		return err
	}
	tx, err := s.pool.Begin(ctx)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "alter table pgsession.sessions disable trigger user"); err != nil {
		return errors.Join(err, tx.Rollback(ctx))
	}
	var writes []write
	for _, t := range t {
		w := write{Subject: t.Subject, Asked: now()}
		err := tx.QueryRow(ctx, "update pgsession.sessions set version = version + 1 where key = $1 returning version", t.Key[:]).Scan(&w.Version)
		if err != nil {
			return errors.Join(err, tx.Rollback(ctx))
		}
		writes = append(writes, w)
	}
	_, err = tx.Exec(ctx, `alter table pgsession.sessions enable trigger user`)
	if err := errors.Join(err, s.alwaysAgain(ctx, tx)); err != nil {
		return errors.Join(err, tx.Rollback(ctx))
	}
	return s.commit(ctx, tx, writes)
}

// alwaysAgain enables the triggers as the installation does.
func (s *scene) alwaysAgain(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `do $do$
		declare v_name name;
		begin
		  for v_name in select tgname from pg_trigger where tgrelid = 'pgsession.sessions'::regclass and not tgisinternal loop
		    execute format('alter table pgsession.sessions enable always trigger %I', v_name);
		  end loop;
		end $do$`)
	return err
}

// outliveAge waits until no entry can be as old as the change.
func outliveAge(ctx context.Context, s *scene) error {
	pause(ctx, s.Bound+time.Second)
	return nil
}
