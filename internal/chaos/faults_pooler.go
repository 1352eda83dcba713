//go:build unix

package chaos

import (
	"context"
	"fmt"
)

// poolerFaults put a transaction pooler where it may be, and where it may not.
func poolerFaults() []Fault {
	return []Fault{
		{Name: "pgbouncer before the pool", Pooler: linkPool, Hold: 3, Skip: noBouncer},
		{
			Name: "pgbouncer before the listener, by mistake", Pooler: linkListen, Hold: 3, Skip: noBouncer,
			Heal: func(ctx context.Context, s *scene) error {
				return eventually(ctx, "every process notices that it hears nothing", func() (bool, error) {
					return s.allDeaf(), nil
				})
			},
			Check: func(_ context.Context, s *scene) error {
				if !s.allDeaf() {
					return fmt.Errorf("not every process has noticed that it hears nothing")
				}
				return nil
			},
		},
	}
}

// allDeaf reports whether every process has found out that its listener hears nothing.
func (s *scene) allDeaf() bool {
	for _, p := range s.processes {
		if p.health().Deaf == 0 {
			return false
		}
	}
	return true
}
