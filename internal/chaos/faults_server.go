//go:build unix

package chaos

import (
	"context"
	"syscall"
)

// serverFaults take the server away and bring it back. Everything that was acknowledged is still there.
func serverFaults() []Fault {
	again := func(ctx context.Context, s *scene) error { return s.host.server.StartAgain(ctx) }
	return []Fault{
		{
			Name: "server crashed (SIGKILL) and restarted", Short: true, Modes: true, OwnServer: true, Hold: 1, Heal: again,
			Inject: func(ctx context.Context, s *scene) error { return s.host.server.Kill(ctx) },
		},
		{
			Name: "server crashed and restarted at once", OwnServer: true, Heal: again,
			Inject: func(ctx context.Context, s *scene) error { return s.host.server.Kill(ctx) },
		},
		{
			Name: "server stopped for longer than the lease", OwnServer: true, Hold: 2, Heal: again,
			Inject: func(ctx context.Context, s *scene) error { return s.host.server.Stop(ctx) },
		},
		{
			Name: "server restarted cleanly", OwnServer: true,
			Inject: func(ctx context.Context, s *scene) error { return s.host.server.Restart(ctx) },
		},
		{
			Name: "a backend crashed, so all were restarted", OwnServer: true, Hold: 1,
			Inject: func(ctx context.Context, s *scene) error { return s.killBackend(ctx) },
		},
	}
}

// killBackend has one backend die of SIGKILL: the postmaster then restarts all of them, with recovery.
func (s *scene) killBackend(ctx context.Context) error {
	pids, err := s.backends(ctx, linkPool)
	if err != nil {
		return err
	}
	return syscall.Kill(int(pids[0]), syscall.SIGKILL)
}
