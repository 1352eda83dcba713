package pgserver

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
)

// postgresPort is the port in the name of a socket that has a directory of its own.
const postgresPort = 5432

// freePort finds a port of 127.0.0.1 that nobody has. It stays below those that systems give to outgoing connections:
// one of these would be lost to somebody else while a server is stopped.
func freePort(ctx context.Context) (int, error) {
	const low, high = 15000, 32000
	for range 100 {
		port := low + rand.IntN(high-low) //nolint:gosec // to be free, not to be secret
		if portIsFree(ctx, port) {
			return port, nil
		}
	}
	return 0, errors.New("no free port found on 127.0.0.1")
}

func portIsFree(ctx context.Context, port int) bool {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return l.Close() == nil
}
