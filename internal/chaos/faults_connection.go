//go:build unix

package chaos

import (
	"context"
	"fmt"
	"syscall"
	"time"
)

// connectionFaults end, or suspend, one of the two ends of a connection.
func connectionFaults() []Fault {
	var list []Fault
	for _, link := range []string{linkPoll, linkListen, linkPool} {
		list = append(list, Fault{
			Name: "connections terminated: " + link, Short: link == linkPoll, Modes: link == linkPoll,
			Inject: func(ctx context.Context, s *scene) error { return s.terminate(ctx, link, 2*s.suite.Lease) },
		})
	}
	for _, link := range []string{linkPoll, linkListen} {
		list = append(list, Fault{
			Name: "SIGSTOP of the backend of " + link, Hold: 3,
			Inject: func(ctx context.Context, s *scene) error { return s.suspendBackends(ctx, link) },
			Heal:   func(ctx context.Context, s *scene) error { s.resumeAll(ctx); return nil },
		})
	}
	return append(list, Fault{
		Name: "SIGSTOP of a process", Short: true, Modes: true, Hold: 3, Stops: true,
		Inject: func(_ context.Context, s *scene) error { return s.suspend(s.processes[0].cmd.Process.Pid) },
		Heal:   func(ctx context.Context, s *scene) error { s.resumeAll(ctx); return nil },
	})
}

// backends are the process ids of the server's ends of a link.
func (s *scene) backends(ctx context.Context, link string) ([]int32, error) {
	rows, err := s.pool.Query(ctx, "select pid from pg_stat_activity where datname = current_database() and application_name = $1", "chaos-"+link)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var pids []int32
	for rows.Next() {
		var pid int32
		if err := rows.Scan(&pid); err != nil {
			return nil, err
		}
		pids = append(pids, pid)
	}
	if rows.Err() == nil && len(pids) == 0 {
		return nil, fmt.Errorf("no backend of %s", link)
	}
	return pids, rows.Err()
}

// terminate ends the server's ends of a link, again and again.
func (s *scene) terminate(ctx context.Context, link string, during time.Duration) error {
	for end := now() + during; now() < end; {
		_, err := s.pool.Exec(ctx, "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = $1", "chaos-"+link)
		if err != nil {
			return err
		}
		pause(ctx, 50*time.Millisecond)
	}
	return nil
}

// suspendBackends stops the server's ends of a link, as a machine does that is out of memory or of time.
func (s *scene) suspendBackends(ctx context.Context, link string) error {
	pids, err := s.backends(ctx, link)
	if err != nil {
		return err
	}
	for _, pid := range pids {
		if err := s.suspend(int(pid)); err != nil {
			return err
		}
	}
	return nil
}

// suspend stops a process until resumeAll, which the end of the scene does too.
func (s *scene) suspend(pid int) error {
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return err
	}
	s.suspended = append(s.suspended, pid)
	if len(s.suspended) == 1 {
		s.later(s.resumeAll)
	}
	return nil
}

func (s *scene) resumeAll(context.Context) {
	for _, pid := range s.suspended {
		_ = syscall.Kill(pid, syscall.SIGCONT) // it may have ended
	}
	s.suspended = nil
}
