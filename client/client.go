package client

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// DB is what a [Client] works over: a *pgxpool.Pool, a *pgx.Conn or a pgx.Tx. Reads that must be up to
// date go to a server that takes writes, never to a standby.
type DB interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	Begin(ctx context.Context) (pgx.Tx, error)
}

// Client calls pgsession's stored functions: one method a function, of the same name. It keeps no
// state, starts no goroutine, and is as safe for concurrent use as the DB it was made over: over a
// pool it is, over a connection or a transaction one call may run at a time.
//
// Every method blocks until the database has answered or its context ends.
type Client struct {
	db    DB
	sql   statements
	log   *slog.Logger
	lease time.Duration
}

var _ Store = (*Client)(nil)

// New makes a client over db, which it borrows and never closes. It connects to nothing and cannot
// fail; see [WithSchema] for a schema name that cannot be one.
func New(db DB, opts ...Option) *Client {
	cfg := newConfig(opts)
	if !ValidSchema(cfg.schema) {
		db = refusingDB{invalid("", "schema name has to be 1 to 31 lower-case letters, digits and underscores, not starting with a digit")}
	}
	return &Client{db: db, sql: newStatements(cfg.schema), log: cfg.log, lease: cfg.lease}
}

// With returns a client with the same options over another DB, typically the application's
// transaction. It is cheaper than [New].
func (c *Client) With(db DB) *Client {
	if _, refused := c.db.(refusingDB); refused {
		return c
	}
	other := *c
	other.db = db
	return &other
}

// fresh calls read until its answer may be used: it came within the lease, counted from sent, which
// read also gets. Once an answer was late, a pool's connection is acquired before the clock starts:
// waiting for a connection does not make an answer older, and repeating because of it would only
// lengthen the queue.
func (c *Client) fresh(ctx context.Context, op string, read func(db DB, sent time.Time) error) error {
	sent := time.Now()
	err := read(c.db, sent)
	for err == nil && c.late(sent) {
		c.log.WarnContext(ctx, "pgsession: the answer came later than the lease allows, reading again",
			"operation", op, "age", time.Since(sent), "lease", c.lease)
		if err = ctx.Err(); err != nil {
			break
		}
		sent, err = c.readAgain(ctx, read)
	}
	if err != nil {
		return fail(ctx, op, err)
	}
	return nil
}

func (c *Client) readAgain(ctx context.Context, read func(db DB, sent time.Time) error) (time.Time, error) {
	db := c.db
	if pool, ok := db.(interface {
		Acquire(ctx context.Context) (*pgxpool.Conn, error)
	}); ok {
		conn, err := pool.Acquire(ctx)
		if err != nil {
			return time.Time{}, err
		}
		defer conn.Release()
		db = conn
	}
	sent := time.Now()
	return sent, read(db, sent)
}

// late reports whether an answer to what was sent then is too old by now. The monotonic clock stands
// still while a machine is suspended, the wall clock may be set: either one condemns.
func (c *Client) late(sent time.Time) bool {
	now := time.Now()
	return now.Sub(sent) > c.lease || now.Round(0).Sub(sent.Round(0)) > c.lease
}

// scalar runs a function that returns one value.
func scalar[T any](ctx context.Context, c *Client, op, sql string, args ...any) (T, error) {
	var v T
	if err := c.db.QueryRow(ctx, sql, args...).Scan(&v); err != nil {
		var none T
		return none, fail(ctx, op, err)
	}
	return v, nil
}

// refusingDB answers every call with one error.
type refusingDB struct{ err error }

func (db refusingDB) Exec(context.Context, string, ...any) (pgconn.CommandTag, error) {
	return pgconn.CommandTag{}, db.err
}

func (db refusingDB) Query(context.Context, string, ...any) (pgx.Rows, error) { return nil, db.err }

func (db refusingDB) QueryRow(context.Context, string, ...any) pgx.Row { return refusedRow(db) }

func (db refusingDB) Begin(context.Context) (pgx.Tx, error) { return nil, db.err }

type refusedRow struct{ err error }

func (r refusedRow) Scan(...any) error { return r.err }
