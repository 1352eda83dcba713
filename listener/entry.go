package listener

import (
	"sync/atomic"
	"time"

	"github.com/pgsession/pgsession/client"
)

// ageCap bounds the age of an entry whatever the log says: the net under assumption A3, that the
// triggers are enabled.
const ageCap = 5 * time.Minute

// entryOverhead is what an entry costs beside its payload and its username, in bytes: the entry
// itself, otter's node, and its places in the two indexes.
const entryOverhead = 640

// entry is one cached session. Its fields are set before it is shared and never change, but for
// touchAt and the links, which the stripe of its username guards.
type entry struct {
	session client.Session
	tag     client.Tag
	user    client.Tag // of the username; meaningless where the session is anonymous

	number uint64 // the sequence number noted before the read was sent
	until  int64  // monotonic: the sooner of the session's own deadline and the age cap
	capped bool   // until is the age cap

	touchEvery int64        // a tenth of the idle lifetime; 0: none
	touchAt    atomic.Int64 // monotonic: when the next touch is due

	prev, next *entry // the user's other entries
	linked     bool
}

func newEntry(s client.Session, number uint64, clock clock) *entry {
	e := &entry{session: s, tag: s.Key.Tag(), number: number}
	e.until, e.capped = clock.at(s.Sent)+int64(ageCap), true
	if !s.Deadline.IsZero() {
		if deadline := clock.at(s.Deadline); deadline < e.until {
			e.until, e.capped = deadline, false
		}
	}
	if s.Username != "" {
		e.user = client.UserTag(s.Username)
	}
	if idle := int64(s.ExpireSecs) * int64(time.Second); idle > 0 {
		e.touchEvery = idle / 10
		// The last use moved the deadline to a whole idle lifetime ahead.
		e.touchAt.Store(clock.at(s.Deadline) - idle + e.touchEvery)
	}
	return e
}

// size is what the entry weighs against Config.MaxBytes.
func (e *entry) size() int64 {
	return entryOverhead + int64(len(e.session.Username)) + int64(e.session.Payload.Len())
}

// dueTouch reports whether the session, being served at now, is to be touched, at most once per tenth
// of its idle lifetime.
func (e *entry) dueTouch(now int64) bool {
	if e.touchEvery == 0 {
		return false
	}
	at := e.touchAt.Load()
	return now >= at && e.touchAt.CompareAndSwap(at, now+e.touchEvery)
}
