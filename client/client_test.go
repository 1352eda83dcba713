package client_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pgsession/pgsession/client"
)

// slowDB answers that there is no row, after the delays it is given, one a query, and then at once.
type slowDB struct {
	delays  []time.Duration
	queries int
}

func (db *slowDB) wait(ctx context.Context) error {
	db.queries++
	if len(db.delays) == 0 {
		return ctx.Err()
	}
	delay := db.delays[0]
	db.delays = db.delays[1:]
	select {
	case <-time.After(delay):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (db *slowDB) Exec(ctx context.Context, _ string, _ ...any) (pgconn.CommandTag, error) {
	return pgconn.CommandTag{}, db.wait(ctx)
}

func (db *slowDB) Query(ctx context.Context, _ string, _ ...any) (pgx.Rows, error) {
	return noRows{}, db.wait(ctx)
}

func (db *slowDB) QueryRow(ctx context.Context, _ string, _ ...any) pgx.Row {
	err := db.wait(ctx)
	if err == nil {
		err = pgx.ErrNoRows
	}
	return errorRow{err}
}

func (*slowDB) Begin(context.Context) (pgx.Tx, error) { return nil, errors.ErrUnsupported }

type errorRow struct{ err error }

func (r errorRow) Scan(...any) error { return r.err }

type noRows struct{ pgx.Rows }

func (noRows) Next() bool                    { return false }
func (noRows) Close()                        {}
func (noRows) Err() error                    { return nil }
func (noRows) CommandTag() pgconn.CommandTag { return pgconn.CommandTag{} }

// reads are the calls whose answers are read again when they come late.
func reads(c *client.Client) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"SessionGet":  func(ctx context.Context) error { _, _, err := c.SessionGet(ctx, client.Key{}); return err },
		"SessionList": func(ctx context.Context) error { _, err := c.SessionList(ctx, "alice"); return err },
		"UserGet":     func(ctx context.Context) error { _, _, err := c.UserGet(ctx, "alice"); return err },
	}
}

func TestLateAnswerIsReadAgain(t *testing.T) {
	t.Parallel()
	for name := range reads(nil) {
		synctest.Test(t, func(t *testing.T) {
			var log bytes.Buffer
			db := &slowDB{delays: []time.Duration{1001 * time.Millisecond, 5 * time.Second, time.Second}}
			c := client.New(db, client.WithLease(time.Second), client.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
			if err := reads(c)[name](t.Context()); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if db.queries != 3 {
				t.Errorf("%s: %d queries, want two that were late and one that was not", name, db.queries)
			}
			if n := strings.Count(log.String(), "level=WARN"); n != 2 {
				t.Errorf("%s: %d warnings: %s", name, n, log.String())
			}
		})
	}
}

func TestAnswerWithinLeaseIsUsed(t *testing.T) {
	t.Parallel()
	for lease, delay := range map[time.Duration]time.Duration{
		time.Second: time.Second, 0: 3 * time.Second, -time.Second: 3 * time.Second, time.Hour: time.Hour,
	} {
		synctest.Test(t, func(t *testing.T) {
			db := &slowDB{delays: []time.Duration{delay}}
			c := client.New(db, client.WithLease(lease))
			if _, _, err := c.SessionGet(t.Context(), client.Key{}); err != nil || db.queries != 1 {
				t.Errorf("lease %v, answer after %v: %d queries, %v", lease, delay, db.queries, err)
			}
		})
	}
}

func TestReadingAgainEndsWithContext(t *testing.T) {
	t.Parallel()
	for name := range reads(nil) {
		synctest.Test(t, func(t *testing.T) {
			late := make([]time.Duration, 100)
			for i := range late {
				late[i] = 4 * time.Second
			}
			db := &slowDB{delays: late}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			err := reads(client.New(db))[name](ctx)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v", name, err)
			}
			if db.queries != 3 {
				t.Errorf("%s: %d queries in 10 seconds of 4 each", name, db.queries)
			}
		})
	}
}

// TestContextEndsDuringLateAnswer ends the context at the moment at which a late answer comes: the
// answer is still no answer.
func TestContextEndsDuringLateAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		db := &cancellingDB{slowDB{delays: []time.Duration{4 * time.Second}}, cancel}
		_, found, err := client.New(db).SessionGet(ctx, client.Key{})
		if !errors.Is(err, context.Canceled) || found || db.queries != 1 {
			t.Errorf("found %v, %v, %d queries", found, err, db.queries)
		}
	})
}

// cancellingDB cancels as it answers.
type cancellingDB struct {
	slowDB
	cancel context.CancelFunc
}

func (db *cancellingDB) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	row := db.slowDB.QueryRow(ctx, sql, args...)
	db.cancel()
	return row
}

// TestBusyPoolIsNoLateAnswer has a reader wait for a pool's connection for longer than the lease. Once
// it has one, its answer is not late: readers that queue must not lengthen the queue.
func TestBusyPoolIsNoLateAnswer(t *testing.T) {
	t.Parallel()
	const lease = 200 * time.Millisecond
	counter := &queryCounter{}
	pool := started(t).Pool(t, func(c *pgxpool.Config) {
		c.MaxConns = 1
		c.ConnConfig.Tracer = counter
	})
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	release := time.AfterFunc(2*lease, conn.Release)
	defer release.Stop()
	if _, _, err := client.New(pool, client.WithLease(lease)).SessionGet(t.Context(), client.Key{}); err != nil {
		t.Fatal(err)
	}
	if counter.n != 2 {
		t.Errorf("%d queries, want the one that waited and one more", counter.n)
	}
}

type queryCounter struct{ n int }

func (c *queryCounter) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	c.n++
	return ctx
}

func (*queryCounter) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func TestSchemaNames(t *testing.T) {
	t.Parallel()
	for schema, valid := range map[string]bool{
		"pgsession": true, "_": true, "a": true, "a1_": true, "select": true, strings.Repeat("a", 31): true,
		"": false, strings.Repeat("a", 32): false, "1a": false, "A": false, "a-b": false, "a b": false, `a"b`: false,
		"a.b": false, "ä": false, "a\x00": false, "a\n": false, "pgsession; drop table users": false,
	} {
		if got := client.ValidSchema(schema); got != valid {
			t.Errorf("ValidSchema(%q) = %v", schema, got)
		}
		db := &slowDB{}
		c := client.New(db, client.WithSchema(schema))
		for name, err := range map[string]error{
			"ChangeStart": c.ChangeStart(t.Context()),
			"SessionGet":  reads(c)["SessionGet"](t.Context()),
			"With":        reads(c.With(db))["SessionList"](t.Context()),
		} {
			if errors.Is(err, client.ErrInvalid) == valid {
				t.Errorf("%s in schema %q: %v", name, schema, err)
			}
		}
		if valid != (db.queries > 0) {
			t.Errorf("schema %q: %d queries were sent", schema, db.queries)
		}
	}
}

func TestSessionTTL(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := client.Session{Sent: time.Now(), Deadline: time.Now().Add(time.Minute)}
		if ttl, ends := s.TTL(); !ends || ttl != time.Minute {
			t.Errorf("TTL %v, %v", ttl, ends)
		}
		time.Sleep(time.Minute - time.Second)
		if ttl, ends := s.TTL(); !ends || ttl != time.Second {
			t.Errorf("TTL %v, %v", ttl, ends)
		}
		time.Sleep(time.Hour)
		if ttl, ends := s.TTL(); !ends || ttl != 0 {
			t.Errorf("TTL %v, %v, want none left", ttl, ends)
		}
		s.Deadline = time.Time{}
		if ttl, ends := s.TTL(); ends || ttl != 0 {
			t.Errorf("TTL %v, %v, want endless", ttl, ends)
		}
	})
}
