package listener

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgxlisten"
)

// listening is the connection that the ears hear over.
type listening struct {
	config Config
	ears   *ears
}

func newListening(config Config, e *ears) *listening { return &listening{config, e} }

// run listens until ctx ends, connecting again whenever the connection is lost.
func (l *listening) run(ctx context.Context) {
	listener := pgxlisten.Listener{
		Connect:        l.connect,
		ReconnectDelay: time.Millisecond, // the waiting is done in connect, with backoff
		LogError:       l.ears.lost,
	}
	listener.Handle(l.config.Schema+"_inv", l)
	_ = listener.Listen(ctx) // ends with ctx only
}

// connect dials a connection of its own, waiting a little longer after each failure.
func (l *listening) connect(ctx context.Context) (*pgx.Conn, error) {
	for backoff := backoffMin; ; backoff = min(2*backoff, backoffMax) {
		dialCtx, cancel := context.WithTimeout(ctx, pollPatience)
		conn, err := pgx.ConnectConfig(dialCtx, l.config.ListenConfig)
		cancel()
		if err == nil {
			return conn, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		l.config.Logger.WarnContext(ctx, "pgsession: connecting to listen failed", "error", err)
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(jitter(backoff)):
		}
	}
}

// HandleBacklog is called after each LISTEN.
func (l *listening) HandleBacklog(_ context.Context, _ string, conn *pgx.Conn) error {
	under := conn.PgConn().Conn()
	l.ears.opened(func() { _ = under.Close() })
	return nil
}

// HandleNotification is called with each notification.
func (l *listening) HandleNotification(_ context.Context, n *pgconn.Notification, _ *pgx.Conn) error {
	l.ears.hear(n.Payload, n.PID)
	return nil
}
