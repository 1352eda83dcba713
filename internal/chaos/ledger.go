//go:build unix

package chaos

import (
	"fmt"
	"sync"
	"time"

	"github.com/pgsession/pgsession/client"
)

// ledger holds what was asked for, what was acknowledged and what was read, to be judged afterwards.
type ledger struct {
	mu       sync.Mutex
	subjects []*subject
	answers  []answer
	hits     []int                    // by process: answers from memory
	lastHit  []time.Duration          // by process: when the last of them was asked for
	doubted  map[string]time.Duration // by user: when something last ended all that there were
}

// subject is a session and what was done to it.
type subject struct {
	key     client.Key
	user    string
	endAsk  time.Duration // when its end was first asked for, or became possible; 0: never
	endDone time.Duration // when its end was acknowledged; 0: not yet
	writes  []write       // its opening first
	byHand  bool          // nobody but the fault itself changes it
}

func newLedger(processes int) *ledger {
	return &ledger{
		hits: make([]int, processes), lastHit: make([]time.Duration, processes), doubted: map[string]time.Duration{},
	}
}

// opened notes a new session.
func (l *ledger) opened(s client.Session, asked time.Duration) target {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.subjects)
	opened := &subject{
		key: s.Key, user: s.Username,
		writes: []write{{Subject: n, Asked: asked, Acked: now(), Version: s.Version, Epoch: s.Epoch}},
	}
	if asked < l.doubted[s.Username] {
		opened.endAsk = asked
	}
	l.subjects = append(l.subjects, opened)
	return target{Subject: n, Key: s.Key}
}

// ending notes that these sessions are about to be ended; they may be gone from now on.
func (l *ledger) ending(subjects ...int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range subjects {
		if s := l.subjects[n]; s.endAsk == 0 {
			s.endAsk = now()
		}
	}
}

// doubt notes that all sessions of a user were ended, with an acknowledgement just now: those that were opened at the
// same time may have been ended too.
func (l *ledger) doubt(user string, asked time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.doubted[user] = now()
	for _, s := range l.subjects {
		if s.user == user && s.endAsk == 0 {
			s.endAsk = asked
		}
	}
}

// reserve takes sessions that live out of everybody else's hands.
func (l *ledger) reserve(count int) []target {
	reserved := l.live()
	reserved = reserved[len(reserved)-min(len(reserved), count):]
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range reserved {
		l.subjects[t.Subject].byHand = true
	}
	return reserved
}

// ended notes that the end of these sessions has been acknowledged.
func (l *ledger) ended(asked time.Duration, err error, subjects ...int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range subjects {
		l.note(write{Subject: n, Asked: asked, Acked: now(), Version: ended, Unknown: err != nil})
	}
}

// wrote notes a change that the runner has made by hand.
func (l *ledger) wrote(w write) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.note(w)
}

// note adds a change; l.mu is held.
func (l *ledger) note(w write) {
	s := l.subjects[w.Subject]
	s.writes = append(s.writes, w)
	if w.Version == ended && !w.Unknown && s.endDone == 0 {
		s.endDone = w.Acked
	}
}

// took adds a worker's report.
func (l *ledger) took(process int, r report) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range r.Answers {
		a.Process = process
		l.answers = append(l.answers, a)
		if a.Hit {
			l.hits[process]++
			l.lastHit[process] = max(l.lastHit[process], a.Sent)
		}
	}
	for _, w := range r.Writes {
		l.note(w)
	}
}

// live returns the sessions whose end nobody has asked for, and which nobody has reserved.
func (l *ledger) live() []target {
	l.mu.Lock()
	defer l.mu.Unlock()
	var live []target
	for n, s := range l.subjects {
		if s.endAsk == 0 && !s.byHand {
			live = append(live, target{Subject: n, Key: s.key})
		}
	}
	return live
}

// watched returns the sessions that are to be read: those that live, and those whose end is younger than d.
func (l *ledger) watched(d time.Duration) []target {
	l.mu.Lock()
	defer l.mu.Unlock()
	since := now() - d
	watched := []target{}
	for n, s := range l.subjects {
		if s.endAsk == 0 || s.endAsk > since {
			watched = append(watched, target{Subject: n, Key: s.key, ByHand: s.byHand})
		}
	}
	return watched
}

// all returns the sessions whose end nobody has asked for, of one user, or of everybody where user is "*".
func (l *ledger) all(user string) []int {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []int
	for n, s := range l.subjects {
		if s.endAsk == 0 && (user == "*" || s.user == user) {
			found = append(found, n)
		}
	}
	return found
}

// warm reports whether every process has served this many answers from memory, the last after since.
func (l *ledger) warm(hits int, since time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range l.hits {
		if l.hits[p] < hits || l.lastHit[p] < since {
			return false
		}
	}
	return true
}

// writesPerSecond is how many changes were acknowledged.
func (l *ledger) writesPerSecond() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	var count int
	var first, last time.Duration
	for _, s := range l.subjects {
		for _, w := range s.writes {
			if w.Unknown {
				continue
			}
			if count++; first == 0 || w.Acked < first {
				first = w.Acked
			}
			last = max(last, w.Acked)
		}
	}
	return float64(count) / max(last-first, 1).Seconds()
}

// state is what a database holds of the sessions: the versions of those that live.
type state map[client.Key]int64

// lose notes that what was committed at one server after survivors was read from its successor has been lost, if it
// was acknowledged in an epoch that had begun by then. alive is what the successor held in the end: an acknowledged
// end of a session that lives has been lost too.
func (l *ledger) lose(at time.Duration, survivors, alive state) losses {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := map[client.Epoch]bool{}
	for epoch, begin := range l.epochs() {
		old[epoch] = begin < at
	}
	var lost losses
	for _, s := range l.subjects {
		survived, known := survivors[s.key]
		_, lives := alive[s.key]
		for i := range s.writes {
			w := &s.writes[i]
			switch {
			case w.Unknown:
			case w.Version == ended:
				if w.Lost = lives || w.Acked < at && known; w.Lost {
					lost.ends++
				}
			case old[w.Epoch]:
				if w.Lost = w.Version > survived; w.Lost && i == 0 {
					lost.openings++
				} else if w.Lost {
					lost.changes++
				}
			}
		}
	}
	return lost
}

// losses counts what was acknowledged, and has been lost.
type losses struct{ openings, changes, ends int }

// all reports whether there was some of each.
func (l losses) all() bool { return l.openings > 0 && l.changes > 0 && l.ends > 0 }

func (l losses) String() string {
	return fmt.Sprintf("lost %d openings, %d changes, %d ends", l.openings, l.changes, l.ends)
}

// epochs returns when each epoch was first seen in an answer or an acknowledged change; l.mu is held.
func (l *ledger) epochs() map[client.Epoch]time.Duration {
	begin := map[client.Epoch]time.Duration{}
	see := func(epoch client.Epoch, at time.Duration) {
		if epoch.IsZero() {
			return
		}
		if b, ok := begin[epoch]; !ok || at < b {
			begin[epoch] = at
		}
	}
	for _, s := range l.subjects {
		for _, w := range s.writes {
			if !w.Unknown {
				see(w.Epoch, w.Acked)
			}
		}
	}
	for _, a := range l.answers {
		see(a.Epoch, a.Got)
	}
	return begin
}
