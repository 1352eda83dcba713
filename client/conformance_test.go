package client_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/client/conformance"
	"github.com/pgsession/pgsession/internal/pgtest"
)

const payloadMax = 65536

// modes are all ways in which pgx can send a query.
func modes() []pgx.QueryExecMode {
	return []pgx.QueryExecMode{
		pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec,
		pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
	}
}

// fixture is that of a store, with what takes the schema's owner done over owner.
func fixture(store client.Store, owner client.DB) conformance.Fixture {
	admin := client.New(owner)
	exec := func(ctx context.Context, sql string, args ...any) error {
		_, err := owner.Exec(ctx, sql, args...)
		return err
	}
	return conformance.Fixture{
		Store: store,
		CreateUser: func(ctx context.Context, username, password string) error {
			_, err := admin.UserCreate(ctx, username, password, client.UserOptions{})
			return err
		},
		SetPassword: func(ctx context.Context, username, password string) error {
			_, err := admin.UserSetPassword(ctx, username, password)
			return err
		},
		SetStatus: func(ctx context.Context, username, status string) error {
			return exec(ctx, "update pgsession.users set status = $2 where username = $1", username, status)
		},
		Expire: func(ctx context.Context, key client.Key) error {
			return exec(ctx, "update pgsession.sessions set expires = statement_timestamp() - interval '1 second' where key = $1", key[:])
		},
		PayloadMax: payloadMax,
	}
}

func TestConformancePool(t *testing.T) {
	t.Parallel()
	for _, mode := range modes() {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			db := started(t)
			pool := app(t, db).Pool(t, func(c *pgxpool.Config) {
				c.ConnConfig.DefaultQueryExecMode = mode
				c.MaxConns = 8
			})
			owner := db.Pool(t)
			conformance.Run(t, func(*testing.T) conformance.Fixture {
				f := fixture(client.New(pool), owner)
				f.Parallel = true
				return f
			})
		})
	}
}

func TestConformanceConn(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t) // no epoch has begun: all is answered all the same
	conn, owner := app(t, db).Conn(t), db.Conn(t)
	conformance.Run(t, func(*testing.T) conformance.Fixture {
		return fixture(client.New(conn), owner)
	})
}

// TestConformanceTx runs the suite in transactions, which are committed or rolled back after each case.
func TestConformanceTx(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(context.Context, pgx.Tx) error{
		"Commit":   func(ctx context.Context, tx pgx.Tx) error { return tx.Commit(ctx) },
		"Rollback": func(ctx context.Context, tx pgx.Tx) error { return tx.Rollback(ctx) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := started(t).Conn(t)
			conformance.Run(t, func(t *testing.T) conformance.Fixture {
				t.Helper()
				tx, err := conn.Begin(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() {
					if err := end(context.Background(), tx); err != nil {
						t.Errorf("ending the transaction: %v", err)
					}
				})
				db := savepoints{tx}
				return fixture(client.New(db), db)
			})
		})
	}
}

// savepoints is a transaction that makes each call in a nested one, as an application does that wants
// to go on after an error.
type savepoints struct{ pgx.Tx }

func (s savepoints) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return savepointRow{ctx: ctx, tx: s.Tx, sql: sql, args: args}
}

func (s savepoints) Exec(ctx context.Context, sql string, args ...any) (tag pgconn.CommandTag, err error) {
	err = pgx.BeginFunc(ctx, s.Tx, func(tx pgx.Tx) error {
		tag, err = tx.Exec(ctx, sql, args...)
		return err
	})
	return tag, err
}

type savepointRow struct {
	ctx  context.Context
	tx   pgx.Tx
	sql  string
	args []any
}

func (r savepointRow) Scan(dest ...any) error {
	return pgx.BeginFunc(r.ctx, r.tx, func(tx pgx.Tx) error {
		return tx.QueryRow(r.ctx, r.sql, r.args...).Scan(dest...)
	})
}
