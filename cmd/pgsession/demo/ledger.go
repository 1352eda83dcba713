package demo

import (
	"cmp"
	"encoding/json"
	"hash/maphash"
	"math"
	"slices"
	"sync"
	"time"
)

// ended is the version of a session that has ended: newer than any other.
const ended int64 = math.MaxInt64

// ledger holds what was acknowledged and what was read, so that every answer can be judged afterwards. Times are what the
// monotonic clock has gone since it was made.
type ledger struct {
	began time.Time
	seed  maphash.Seed

	mu       sync.Mutex
	readings []reading
}

func newLedger() *ledger { return &ledger{began: time.Now(), seed: maphash.MakeSeed()} }

// now is the time.
func (l *ledger) now() time.Duration { return time.Since(l.began) }

// digest tells payloads apart, however they are laid out. It is never 0.
func (l *ledger) digest(payload json.RawMessage) uint64 {
	var value any
	if json.Unmarshal(payload, &value) != nil {
		return 1
	}
	canonical, err := json.Marshal(value) // with sorted members
	if err != nil {
		return 1
	}
	return max(maphash.Bytes(l.seed, canonical), 1)
}

// add notes what was read.
func (l *ledger) add(readings ...reading) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.readings = append(l.readings, readings...)
}

// subject is a session that is read and changed. Its methods are safe for concurrent use.
type subject struct {
	token string
	id    int64
	user  string // empty: anonymous

	mu      sync.Mutex
	changes []change
	endAsk  time.Duration // when its end was first asked for; 0: never
}

// change is a version that was acknowledged.
type change struct {
	version int64
	at      time.Duration // when whoever asked for it had the answer
	digest  uint64        // of the payload; 0: not known
}

// changed notes an acknowledged change, its opening included.
func (s *subject) changed(version int64, at time.Duration, digest uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes = append(s.changes, change{version: version, at: at, digest: digest})
}

// willEnd notes that its end is about to be asked for: from now on it may be gone.
func (s *subject) willEnd(at time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.endAsk == 0 {
		s.endAsk = at
	}
}

// hasEnded notes that its end was acknowledged.
func (s *subject) hasEnded(at time.Duration) { s.changed(ended, at, 0) }

// reading is one answer to a read.
type reading struct {
	subject   *subject
	process   int
	sent, got time.Duration
	version   int64 // ended: there was no session
	digest    uint64
	hit       bool // it came from memory
}

// verdict is what all readings amount to.
type verdict struct {
	stale  int           // answers that lacked a change acknowledged more than the lease before they were asked for
	oldest time.Duration // the longest time that a newer version had been acknowledged when an older one was asked for

	lost      int // sessions said to have ended that nobody had asked to end
	altered   int // payloads that were not the ones acknowledged for their version
	backwards int // answers older than one that the same process had given before they were asked for
}

// judge compares every reading with what was acknowledged. It is called when nothing is added any more.
func (l *ledger) judge(lease time.Duration) verdict {
	var v verdict
	bySubject := map[*subject][]reading{}
	for _, r := range l.readings {
		bySubject[r.subject] = append(bySubject[r.subject], r)
	}
	for s, readings := range bySubject {
		s.judge(readings, lease, &v)
	}
	return v
}

func (s *subject) judge(readings []reading, lease time.Duration, v *verdict) {
	changes := slices.Clone(s.changes)
	slices.SortFunc(changes, func(a, b change) int { return cmp.Compare(a.version, b.version) })
	// newerAt[i] is when the first of the changes from i on was acknowledged: a later version's answer can come first.
	newerAt := make([]time.Duration, len(changes)+1)
	newerAt[len(changes)] = math.MaxInt64
	for i := len(changes) - 1; i >= 0; i-- {
		newerAt[i] = min(changes[i].at, newerAt[i+1])
	}
	for _, r := range readings {
		newer, _ := slices.BinarySearchFunc(changes, r.version, func(c change, version int64) int {
			if c.version <= version {
				return -1
			}
			return 1
		})
		age := max(0, r.sent-newerAt[newer])
		v.oldest = max(v.oldest, age)
		if age > lease {
			v.stale++
		}
		if r.version == ended && (s.endAsk == 0 || r.got < s.endAsk) {
			v.lost++
		}
		if newer > 0 && changes[newer-1].version == r.version && r.version != ended &&
			changes[newer-1].digest != 0 && changes[newer-1].digest != r.digest {
			v.altered++
		}
	}
	v.backwards += backwards(readings)
}

// backwards counts the answers of a version older than one which the same process had already answered with when they were asked
// for.
func backwards(readings []reading) int {
	byProcess := map[int][]reading{}
	for _, r := range readings {
		byProcess[r.process] = append(byProcess[r.process], r)
	}
	count := 0
	for _, asked := range byProcess {
		answered := slices.Clone(asked)
		slices.SortFunc(asked, func(a, b reading) int { return cmp.Compare(a.sent, b.sent) })
		slices.SortFunc(answered, func(a, b reading) int { return cmp.Compare(a.got, b.got) })
		seen, i := int64(0), 0
		for _, r := range asked {
			for ; i < len(answered) && answered[i].got < r.sent; i++ {
				seen = max(seen, answered[i].version)
			}
			if r.version < seen {
				count++
			}
		}
	}
	return count
}
