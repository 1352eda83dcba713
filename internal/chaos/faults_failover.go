//go:build unix

package chaos

import (
	"context"
	"errors"
	"time"
)

// failoverFaults move to a standby that has not received the last commits: sessions ended by a lost commit live again,
// sessions opened by one are gone, and versions are given out a second time.
func failoverFaults() []Fault {
	return []Fault{
		{
			Name: "failover, commits lost", Modes: true, Pair: true, Forgets: true,
			Inject: func(ctx context.Context, s *scene) error {
				if err := s.cutStandby(ctx); err != nil {
					return err
				}
				pause(ctx, s.suite.Lease) // these commits will be lost
				if err := s.host.server.Kill(ctx); err != nil {
					return err
				}
				return s.promote(ctx)
			},
		},
		{
			Name: "failover, the demoted server answers for F", Pair: true, Forgets: true, Fencing: time.Second,
			Inject: func(ctx context.Context, s *scene) error {
				demoted := s.host.server
				if err := s.cutStandby(ctx); err != nil {
					return err
				}
				pause(ctx, s.suite.Lease)
				if err := s.promote(ctx); err != nil {
					return err
				}
				pause(ctx, s.Fencing*8/10-(now()-s.tookOver)) // so that it is dead before F is over
				return demoted.Kill(ctx)
			},
		},
		{
			Name: "planned switchover, nothing lost", Pair: true,
			Inject: func(ctx context.Context, s *scene) error {
				if err := s.host.server.Stop(ctx); err != nil { // it ships everything before it ends
					return err
				}
				if err := s.standby.server.Promote(ctx); err != nil {
					return err
				}
				s.host = s.standby
				return nil
			},
		},
	}
}

// cutStandby ends replication, and waits until the standby shows all that it has received.
func (s *scene) cutStandby(ctx context.Context) error {
	for _, sql := range []string{"alter system set primary_conninfo = ''", "select pg_reload_conf()"} {
		if err := s.standby.exec(ctx, "postgres", sql); err != nil {
			return err
		}
	}
	return eventually(ctx, "the standby stops receiving", func() (bool, error) {
		err := s.standby.exec(ctx, "postgres", `do $do$ begin
			assert not exists (select from pg_stat_wal_receiver) and pg_last_wal_replay_lsn() >= pg_last_wal_receive_lsn();
			end $do$`)
		return err == nil, nil
	})
}

// promote has the standby take over, with what it knows.
func (s *scene) promote(ctx context.Context) error {
	held, err := s.standbyState(ctx)
	if err != nil {
		return err
	}
	s.survivors, s.switched = held, now()
	if err := s.standby.server.Promote(ctx); err != nil {
		return err
	}
	s.tookOver = now()
	s.host = s.standby
	return nil
}

func (s *scene) standbyState(ctx context.Context) (state, error) {
	standby := &scene{host: s.standby}
	held, err := standby.stateOf(ctx, s.database)
	if err == nil && len(held) == 0 {
		err = errors.New("the standby knows no sessions")
	}
	return held, err
}
