package listener

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pgsession/pgsession/client"
)

// database is the server that takes writes, as a cache needs it. The methods that it shares with
// *client.Client do what they do there. There is one besides [server]: that of the simulation.
type database interface {
	client.Store
	Version(ctx context.Context) (string, error)
	SessionSweep(ctx context.Context, limit int) (int, error)
	ChangeRing(ctx context.Context, changes ...client.Change) error
	ChangeApplied(ctx context.Context, xid uint64) (bool, error)
	ChangeWait(ctx context.Context, fencing time.Duration) (time.Duration, error)
	ChangeMembers(ctx context.Context) ([]client.Member, error)
	ChangeExpel(ctx context.Context, id client.Instance, polls int64) (bool, error)
	ChangeLeave(ctx context.Context, id client.Instance) error

	// acquire waits for a connection to read over, which is to be released.
	acquire(ctx context.Context) (reader, error)
	// quiet is a store whose writes do not notify in doorbell mode.
	quiet() client.Store
	// revoke runs a function in a transaction, commits it durably, and tells which one it was, of which
	// epoch.
	revoke(ctx context.Context, run func(tx *client.Client) error) (xid uint64, epoch client.Epoch, err error)
	// dial makes a connection to poll over.
	dial(ctx context.Context) (line, error)
	// listen has the ears hear notifications until ctx ends, connecting again whenever that is lost.
	listen(ctx context.Context, e *ears)
}

// reader is a connection that sessions are read over.
type reader interface {
	SessionGet(ctx context.Context, key client.Key, floor ...client.Floor) (client.Session, bool, error)
	release()
}

// line is a connection that changes are polled over, one call at a time.
type line interface {
	ChangePoll(ctx context.Context, cursor client.Snapshot, id client.Instance) (client.Poll, error)
	ChangeStart(ctx context.Context) error
	ChangeJoin(ctx context.Context, id client.Instance) error
	ChangeAck(ctx context.Context, id client.Instance, cursor client.Snapshot) (bool, error)
	hangUp()
}

// server is PostgreSQL, over the pool and over connections of its own.
type server struct {
	*client.Client
	pool   *pgxpool.Pool
	config Config
}

func newServer(config Config, client *client.Client) *server {
	return &server{Client: client, pool: config.Pool, config: config}
}

func (s *server) acquire(ctx context.Context) (reader, error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	return borrowed{s.With(conn), conn}, nil
}

func (s *server) quiet() client.Store { return s.With(silent{s.pool}) }

func (s *server) revoke(ctx context.Context, run func(tx *client.Client) error) (xid uint64, epoch client.Epoch, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		// Also where the application has turned it off for everything else: what a crash takes back,
		// the barrier could not promise.
		var text pgtype.Text
		err := tx.QueryRow(ctx, `select pg_current_xact_id()::text,
			set_config('synchronous_commit', case current_setting('synchronous_commit') when 'remote_apply' then 'remote_apply' else 'on' end, true)`).Scan(&text, nil)
		if err != nil {
			return err
		}
		if _, err := fmt.Sscan(text.String, &xid); err != nil {
			return err
		}
		if epoch, err = s.With(tx).Epoch(ctx); err != nil {
			return err
		}
		return run(s.With(tx))
	})
	return xid, epoch, err
}

func (s *server) dial(ctx context.Context) (line, error) {
	conn, err := pgx.ConnectConfig(ctx, s.config.PollConfig)
	if err != nil {
		return nil, fmt.Errorf("connect to poll: %w", err)
	}
	return dialled{s.With(conn), conn}, nil
}

func (s *server) listen(ctx context.Context, e *ears) { newListening(s.config, e).run(ctx) }

// borrowed is a connection of the pool.
type borrowed struct {
	*client.Client
	conn *pgxpool.Conn
}

func (b borrowed) release() { b.conn.Release() }

// dialled is a connection of our own.
type dialled struct {
	*client.Client
	conn *pgx.Conn
}

func (d dialled) hangUp() {
	// The server is told if it listens; if not, waiting for it would help nobody.
	ctx, cancel := context.WithTimeout(context.Background(), hangUpPatience)
	defer cancel()
	_ = d.conn.Close(ctx)
}
