//go:build unix

package chaos

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// notificationFaults are about hints that do not come, come wrong, or come from somebody else.
func notificationFaults() []Fault {
	return []Fault{
		{
			Name: "forged, oversized and unknown notifications", Short: true, Inject: forge,
			Check: func(_ context.Context, s *scene) error {
				for _, p := range s.processes {
					if p.health().Malformed == 0 {
						return fmt.Errorf("worker %d has noticed nothing", p.number)
					}
				}
				return nil
			},
		},
		{Name: "notification queue filling behind a stuck listener", Inject: fillQueue, Hold: 3, Heal: emptyQueue},
		{Name: "notify mode switched while running", Inject: switchModes},
	}
}

// forge notifies what anybody may.
func forge(ctx context.Context, s *scene) error {
	const tag = "sAAAAAAAAAAE"
	payloads := []string{
		"", "1", "1|deadbeef||*", "1|deadbeef||" + tag, "1|||!", "2|deadbeef||*", "1|deadbeef||z", "1|deadbeef||s???", "{}",
		"1|deadbeef||" + strings.Repeat(tag, 660), strings.Repeat("x", 7999), "\x01\u2028", "1|deadbeef|zzzzzzzzzzzzzz|u" + tag[1:],
	}
	n := 0
	return repeat(ctx, 2*s.suite.Lease, s.suite.Poll/10, func() error {
		n++
		_, err := s.pool.Exec(ctx, "select pg_notify('pgsession_inv', $1)", payloads[n%len(payloads)])
		return err
	})
}

// fillQueue has a listener sit in a transaction, so that the queue keeps everything. The queue holds
// gigabytes, which nobody fills in a test: the measure that the functions go by is replaced, in this database, by one
// that says what it would say then.
func fillQueue(ctx context.Context, s *scene) error {
	conn, err := pgx.Connect(ctx, s.straight("chaos stuck"))
	if err != nil {
		return err
	}
	s.later(func(ctx context.Context) { _ = conn.Close(ctx) })
	for _, sql := range []string{"listen pgsession_inv", "begin", "select 1"} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	pause(ctx, s.suite.Lease)
	return s.exec(ctx, "create or replace function pg_catalog.pg_notification_queue_usage() returns double precision language sql volatile as 'select 0.9::double precision'")
}

func emptyQueue(ctx context.Context, s *scene) error {
	return s.exec(ctx, "create or replace function pg_catalog.pg_notification_queue_usage() returns double precision language internal volatile strict parallel restricted as 'pg_notification_queue_usage'")
}

func switchModes(ctx context.Context, s *scene) error {
	modes := []string{"none", "doorbell", "inline", "doorbell", "none", "inline"}
	for _, mode := range modes {
		if err := s.exec(ctx, "update pgsession.settings set value = $1 where name = 'notify'", mode); err != nil {
			return err
		}
		pause(ctx, s.suite.Lease/2)
	}
	return nil
}
