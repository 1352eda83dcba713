package listener

import (
	"sync/atomic"
	"time"
)

// lease is the right to answer from memory: until T after a poll was sent whose answer has been
// applied. It is judged by both clocks: the monotonic one may stand still while a machine is
// suspended, the wall clock may be set back.
type lease struct {
	term atomic.Pointer[term]
}

type term struct {
	until     int64 // monotonic
	untilWall int64 // Unix time in nanoseconds
}

// renew makes the lease last until T after sent.
func (l *lease) renew(clock clock, sent time.Time, t time.Duration) {
	l.term.Store(&term{until: clock.at(sent) + int64(t), untilWall: sent.UnixNano() + int64(t)})
}

// end takes the right away at once.
func (l *lease) end() { l.term.Store(nil) }

// left returns how long the lease still lasts, zero or less where it is not held.
func (l *lease) left(clock clock, now time.Time) time.Duration {
	t := l.term.Load()
	if t == nil {
		return 0
	}
	return time.Duration(min(t.until-clock.at(now), t.untilWall-now.UnixNano()))
}
