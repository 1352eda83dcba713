//go:build unix

package chaos

import (
	"context"
	"time"
)

// clockFaults step the wall clock of processes, one after the other, while their monotonic clocks go on. The server's
// stays as it is: two machines' clocks are never compared.
func clockFaults() []Fault {
	return []Fault{
		{
			Name: "wall clock stepped both ways", Short: true, Skip: canStepWall,
			Inject: func(ctx context.Context, s *scene) error {
				for _, step := range []time.Duration{time.Hour, -time.Hour, 0} {
					for _, p := range s.processes {
						if err := s.step(ctx, p, step); err != nil {
							return err
						}
					}
					pause(ctx, s.suite.Lease*3/2)
				}
				return nil
			},
		},
		{
			// A step back just before the polls stop must not make the lease last longer.
			Name: "wall clock set back while the poll hears nothing", Skip: canStepWall, Links: true, Hold: 3,
			Inject: func(ctx context.Context, s *scene) error {
				if err := cutInvalidations(ctx, s); err != nil {
					return err
				}
				return s.step(ctx, s.processes[0], -time.Hour)
			},
			Heal: restoreInvalidations,
		},
	}
}

// step sets a process's wall clock, and waits until the process shows that it is so.
func (s *scene) step(ctx context.Context, p *process, by time.Duration) error {
	p.order(order{Step: true, Wall: by})
	return eventually(ctx, "the wall clock of a process is stepped", func() (bool, error) {
		return (p.health().Wall - wallAhead() - by).Abs() < time.Minute, nil
	})
}
