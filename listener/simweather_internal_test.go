package listener

import (
	"math/rand/v2"
	"time"
)

// simWindow is a stretch of a run, which may come back; the zero value is never.
type simWindow struct{ from, until, every time.Duration }

func (w simWindow) covers(at time.Duration) bool {
	if w.every > 0 && at > w.from {
		at = w.from + (at-w.from)%w.every
	}
	return at >= w.from && at < w.until
}

// simWeather is what a run is exposed to. One seed in eight has none of it.
type simWeather struct {
	calm      bool
	processes int
	keys      int
	length    time.Duration

	lease, poll, fencing time.Duration
	notify               string
	pollLimit            int
	retention            time.Duration

	slow, lose         float64 // the share of messages that take long, or get lost
	slowPoll, losePoll float64
	slowest            time.Duration
	loseNotification   float64
	slowNotification   time.Duration
	reading            time.Duration
	long               float64 // the share of transactions that stay open for long

	crash, restart, failover time.Duration        // when; 0: not
	lag                      time.Duration        // what a standby has not received
	down                     time.Duration        // how long a crashed server stays away
	cut, deaf, stop          map[uint64]simWindow // a process without any connections; without polls and notifications; SIGSTOP
}

// newSimWeather draws the weather of a run. It is drawn in extremes: a run in which everything goes
// wrong a little finds little.
func newSimWeather(r *rand.Rand) *simWeather {
	lease := 300*time.Millisecond + time.Duration(r.Int64N(int64(2700*time.Millisecond)))
	part := func(most float64) time.Duration { return time.Duration(r.Float64() * most * float64(lease)) }
	w := &simWeather{
		calm: r.IntN(8) == 0, processes: 2 + r.IntN(2), keys: pick(r, 1, 2, 4), length: 7 * lease,
		lease: lease, poll: lease / 4,
		notify:    pick(r, "inline", "inline", "doorbell", "none"),
		pollLimit: pick(r, 1, 3, 10_000),
		retention: pick(r, 0, lease/2, 3*lease),
		cut:       map[uint64]simWindow{}, deaf: map[uint64]simWindow{}, stop: map[uint64]simWindow{},
	}
	w.reading = pick(r, lease/50, lease/25, lease/4)
	if w.calm {
		w.notify, w.retention, w.slowNotification = "inline", time.Hour, time.Millisecond
		return w
	}
	w.slow, w.lose = pick(r, 0, 0.05, 0.3), pick(r, 0, 0, 0.02)
	w.slowPoll, w.losePoll = pick(r, 0, 0.3, 0.9), pick(r, 0, 0, 0.2)
	w.slowest = pick(r, lease/10, lease, 2*lease)
	w.loseNotification = pick(r, 0, 0.5, 1)
	w.slowNotification = pick(r, time.Millisecond, lease/4, lease*2)
	w.long = pick(r, 0, 0.2, 0.5)
	at := 2*lease + part(3)
	switch r.IntN(8) {
	case 0, 1, 2:
		w.failover = at
	case 3, 4:
		w.crash = at
	case 5:
		w.restart = at
	}
	w.down = part(1)
	w.lag = pick(r, 0, part(0.5))
	w.fencing = pick(r, 0, lease/2, lease)
	if r.IntN(4) == 0 {
		w.cut[uint64(r.IntN(w.processes))] = simWindow{from: at, until: at + part(2)}
	}
	if r.IntN(3) == 0 {
		from := lease + part(1)
		w.deaf[uint64(r.IntN(w.processes))] = simWindow{from: from, until: from + part(5)}
	}
	if r.IntN(3) == 0 { // polls come back time and again, to entries that have not been read meanwhile
		for id := range uint64(w.processes) {
			w.deaf[id] = simWindow{from: lease, until: lease*9/4 + part(0.2), every: lease * 3}
		}
		w.reading = pick(r, lease/12, lease/4)
	}
	if r.IntN(4) == 0 {
		from := 2*lease + part(3)
		w.stop[uint64(r.IntN(w.processes))] = simWindow{from: from, until: from + part(2)}
	}
	return w
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }
