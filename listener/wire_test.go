package listener_test

import (
	"context"
	"net"
	"sync"

	"github.com/jackc/pgx/v5"
)

// wire is a network that can be made to swallow what the server sends.
type wire struct {
	mu   sync.Mutex
	deaf bool
}

// through has connections of this configuration go over the wire.
func (w *wire) through(config *pgx.ConnConfig) *pgx.ConnConfig {
	config = config.Copy()
	dial := config.DialFunc
	config.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &wireConn{Conn: conn, wire: w}, nil
	}
	return config
}

// setDeaf has everything that the server sends from now on be lost, or delivered again.
func (w *wire) setDeaf(deaf bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deaf = deaf
}

func (w *wire) isDeaf() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.deaf
}

type wireConn struct {
	net.Conn
	wire *wire
}

func (c *wireConn) Read(b []byte) (int, error) {
	for {
		n, err := c.Conn.Read(b)
		if err != nil || !c.wire.isDeaf() {
			return n, err
		}
	}
}

// nowhere is a configuration that connects to nothing.
func nowhere(config *pgx.ConnConfig) *pgx.ConnConfig {
	config = config.Copy()
	config.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: network, Err: net.ErrClosed}
	}
	return config
}
