package pgserver

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/jackc/pgx/v5"
)

// Standby makes a streaming standby of a running server: a copy with a directory, a socket and, if the server has one,
// a TCP port of its own, and the same password. It returns once the standby answers reads, in the time that ctx allows,
// two minutes if it has no deadline. Replication is asynchronous unless Options.Settings of the server said otherwise.
// The standby is closed by itself, before or after its primary.
func (s *Server) Standby(ctx context.Context) (*Server, error) {
	b, err := s.standby(ctx)
	if err != nil {
		return nil, fmt.Errorf("starting a standby: %w", err)
	}
	return b, nil
}

func (s *Server) standby(ctx context.Context) (*Server, error) {
	ctx, cancel := withTimeout(ctx, startTimeout)
	defer cancel()
	b := &Server{options: s.options, binaries: s.binaries, who: s.who, port: postgresPort, password: s.password}
	b.options.Settings = maps.Clone(s.options.Settings)
	var err error
	if b.layout, err = planLayout(s.options.Dir, s.who); err != nil {
		return nil, err
	}
	if b.guard, err = startGuard(b.layout.dirs()...); err != nil {
		return nil, err
	}
	if err := b.createFrom(ctx, s); err != nil {
		return nil, errors.Join(err, b.Close(context.WithoutCancel(ctx)))
	}
	return b, nil
}

// createFrom fills the data directory with a copy of the primary's, and starts the server on it.
func (s *Server) createFrom(ctx context.Context, primary *Server) error {
	files := map[string]string{s.layout.config(): configFile(s.options, s.layout), s.layout.hba(): hbaFile}
	var err error
	if s.log, err = s.layout.make(s.who, files); err != nil {
		return err
	}
	from := fmt.Sprintf("host=%s port=%d user=%s application_name=standby", primary.layout.socket, primary.port, Superuser)
	err = s.run(ctx, "pg_basebackup", "--dbname="+from, "-D", s.layout.data(), "--wal-method=stream", "--checkpoint=fast",
		"--write-recovery-conf", "--no-sync")
	if err != nil {
		return err
	}
	if !s.options.TCP {
		return s.StartAgain(ctx)
	}
	for range 5 { // as in create
		if s.port, err = freePort(ctx); err != nil {
			return err
		}
		if err = s.StartAgain(ctx); err == nil || portIsFree(ctx, s.port) {
			break
		}
	}
	return err
}

// Promote ends a standby's recovery and returns once it takes writes.
func (s *Server) Promote(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.DSN("postgres"))
	if err != nil {
		return fmt.Errorf("promote: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	var promoted bool
	if err := conn.QueryRow(ctx, "select pg_promote(wait => true)").Scan(&promoted); err != nil {
		return fmt.Errorf("promote: %w", err)
	}
	if !promoted {
		return errors.New("promote: the server is still in recovery")
	}
	return nil
}
