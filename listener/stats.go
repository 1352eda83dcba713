package listener

import (
	"sync/atomic"
	"time"

	"github.com/pgsession/pgsession/client"
)

// Miss says why an answer did not come from memory.
type Miss int

// The reasons of a miss.
const (
	MissAbsent  Miss = iota // not in memory
	MissLease               // the lease is not held: polls do not go through
	MissExpired             // the session's deadline, as known here, has passed: somebody may have moved it
	MissFlushed             // everything was forgotten since it was read
	MissAge                 // older than the absolute cap of 5 minutes
	MissFloor               // the caller knows of a newer version
	misses
)

// String returns the reason in a word.
func (m Miss) String() string {
	return [...]string{"absent", "lease", "expired", "flushed", "age", "floor"}[m]
}

type route int

const (
	routeNotify route = iota
	routePoll
	routeOwn
	routes
)

// Stats is what a cache has done since it was opened, and how it stands.
type Stats struct {
	Hits   uint64
	Misses map[Miss]uint64

	Fills       uint64 // reads that were stored
	FillsStale  uint64 // reads not stored, because of an invalidation while they were under way
	FillsEpoch  uint64 // reads not stored, because they were of another epoch or of none
	ReadsJoined uint64 // readers who joined another's read
	ReadsAgain  uint64 // reads sent again, because something newer had been answered meanwhile

	InvalidatedByNotify uint64
	InvalidatedByPoll   uint64
	InvalidatedByOwn    uint64 // by this process's own writes
	Flushes             uint64

	Polls        uint64
	PollFailures uint64
	PollAge      time.Duration // since the last poll that was applied was sent
	Lease        time.Duration // what is left of the lease; 0: not held
	LeaseTime    time.Duration // T
	Epoch        client.Epoch
	Notify       string // the notify mode

	Listening  bool
	Listens    uint64 // connections on which LISTEN was issued
	Deaf       uint64 // connections closed because polls found what they should have announced
	Malformed  uint64 // notifications that made no sense
	Touched    uint64 // deadlines moved
	TouchFails uint64
	Pending    int // sessions waiting to be touched
	Swept      uint64

	BarriersFast uint64 // revocations that all registered processes had applied at once
	BarriersFull uint64 // revocations that waited for the lease time in full

	Entries int
	Bytes   uint64
}

// hitShards spreads the count of hits, so that processors do not fight over one cache line.
const hitShards = 64

type counters struct {
	hits [hitShards]struct {
		n atomic.Uint64
		_ [56]byte
	}
	misses      [misses]atomic.Uint64
	invalidated [routes]atomic.Uint64

	fills, fillsStale, fillsEpoch, joined, again atomic.Uint64
	flushes, polls, pollFailures                 atomic.Uint64
	listens, deaf, malformed                     atomic.Uint64
	touched, touchFails, swept                   atomic.Uint64
	barriersFast, barriersFull                   atomic.Uint64
}

func (c *counters) hit(key client.Key) { c.hits[key[len(key)-1]%hitShards].n.Add(1) }

func (c *counters) missed(m Miss) { c.misses[m].Add(1) }

// Stats returns what the cache has done and how it stands. It is cheap enough to be asked every second.
func (c *Cache) Stats() Stats {
	n := &c.count
	now := time.Now()
	s := Stats{
		Misses: make(map[Miss]uint64, misses),
		Fills:  n.fills.Load(), FillsStale: n.fillsStale.Load(), FillsEpoch: n.fillsEpoch.Load(),
		ReadsJoined: n.joined.Load(), ReadsAgain: n.again.Load(),
		InvalidatedByNotify: n.invalidated[routeNotify].Load(),
		InvalidatedByPoll:   n.invalidated[routePoll].Load(),
		InvalidatedByOwn:    n.invalidated[routeOwn].Load(),
		Flushes:             n.flushes.Load(),
		Polls:               n.polls.Load(), PollFailures: n.pollFailures.Load(),
		Lease:     max(0, c.lease.left(c.clock, now)),
		LeaseTime: c.leaseTime(),
		Epoch:     *c.memory.epoch.Load(),
		Listening: c.ears.listening.Load(), Listens: n.listens.Load(), Deaf: n.deaf.Load(), Malformed: n.malformed.Load(),
		Touched: n.touched.Load(), TouchFails: n.touchFails.Load(), Pending: c.touches.pending(), Swept: n.swept.Load(),
		BarriersFast: n.barriersFast.Load(), BarriersFull: n.barriersFull.Load(),
		Entries: c.memory.entries.EstimatedSize(), Bytes: c.memory.entries.WeightedSize(),
	}
	for i := range n.hits {
		s.Hits += n.hits[i].n.Load()
	}
	for m := range misses {
		s.Misses[m] = n.misses[m].Load()
	}
	s.PollAge, s.Notify = c.poller.state(now)
	return s
}
