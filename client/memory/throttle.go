package memory

import (
	"time"
)

const (
	throttleFirst = time.Second
	throttleMost  = 15 * time.Minute
	throttleStop  = 100 // failures, after which waiting does not help
)

// attempts counts the failed logins of an account since the last one that succeeded.
type attempts struct {
	failures int
	last     time.Time
}

// wait returns how long the next attempt has to wait: nothing for the free ones, then twice as long with each. After
// throttleStop failures only a new password helps.
func (a *attempts) wait(now time.Time, free int) time.Duration {
	if a == nil || free < 0 || a.failures < free {
		return 0
	}
	if a.failures >= throttleStop {
		return throttleMost
	}
	delay := throttleMost
	if doublings := a.failures - free; doublings < 10 {
		delay = min(throttleMost, throttleFirst<<doublings)
	}
	return max(0, delay-now.Sub(a.last))
}

func (s *Store) failed(username string, now time.Time) {
	a := s.attempts[username]
	if a == nil {
		a = &attempts{}
		s.attempts[username] = a
	}
	a.failures++
	a.last = now
}
