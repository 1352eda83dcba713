package pgtest

import (
	"context"
	"testing"

	"github.com/pgsession/pgsession/internal/pgserver"
)

// Server is a throwaway server that belongs to one test, which may stop, crash and start it at will.
type Server struct {
	*pgserver.Server
	cluster *cluster
}

// NewServer starts a server for t alone, also where PGSESSION_TEST_DSN is set; it is removed after the test. That takes
// about a second: [New] does for a test that leaves its server running.
func NewServer(t testing.TB, o pgserver.Options) *Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), setupTimeout)
	defer cancel()
	c, err := ownCluster(ctx, o, current(t).migrate)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	c.private = true
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), setupTimeout)
		defer cancel()
		if err := c.close(ctx); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	return &Server{Server: c.server, cluster: c}
}

// New makes a database from the template that [Main] was given, on this server.
func (s *Server) New(t testing.TB) *DB {
	t.Helper()
	return s.cluster.database(t, false)
}

// Empty makes a database with nothing in it, on this server.
func (s *Server) Empty(t testing.TB) *DB {
	t.Helper()
	return s.cluster.database(t, true)
}
