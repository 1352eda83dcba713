package listener

import "time"

// clock turns instants into nanoseconds of the monotonic clock since its origin, which atomics can
// hold. Instants must carry a monotonic reading, as those of time.Now do.
type clock struct{ origin time.Time }

func newClock() clock { return clock{time.Now()} }

func (c clock) at(t time.Time) int64 { return int64(t.Sub(c.origin)) }

func (c clock) now() int64 { return int64(time.Since(c.origin)) }

// age is how long ago something was sent, by the clock that says longer: the monotonic one may stand
// still while a machine is suspended, the wall clock may be set back.
func age(sent, now time.Time) time.Duration {
	return max(now.Sub(sent), time.Duration(now.UnixNano()-sent.UnixNano()))
}
