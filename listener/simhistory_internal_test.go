package listener

import (
	"fmt"
	"time"

	"github.com/pgsession/pgsession/client"
)

// simCommit is a state that a session has been in: what one transaction made of it.
type simCommit struct {
	key      client.Key
	number   int64 // unique; the payload
	xid      uint64
	index    int // among the commits of the key
	gone     bool
	id       int64
	version  int64
	username string
	epoch    client.Epoch // of the server that committed it

	at    time.Time
	acked time.Time // zero: nobody was told
	lost  time.Time // zero: it has survived
}

// simHistory is everything that was ever committed, and what each process was promised. The
// simulation's lock guards it.
type simHistory struct {
	sim      *simulation
	commits  map[client.Key][]*simCommit
	numbers  map[int64]*simCommit
	switched []time.Time // failovers
	last     int64
	ids      int64
}

func newSimHistory(s *simulation) *simHistory {
	return &simHistory{sim: s, commits: map[client.Key][]*simCommit{}, numbers: map[int64]*simCommit{}}
}

// add makes the next state of a session, after its present one on a server.
func (h *simHistory) add(v *simServer, key client.Key, change func(c *simCommit)) *simCommit {
	h.last++
	c := &simCommit{gone: true}
	if now := v.rows[key]; now != nil {
		*c = *now
	}
	c.key, c.number, c.index, c.epoch = key, h.last, len(h.commits[key]), v.epoch()
	c.at, c.acked, c.lost = time.Now(), time.Time{}, time.Time{}
	change(c)
	h.commits[key] = append(h.commits[key], c)
	h.numbers[c.number] = c
	return c
}

// restore forgets what was committed after the cut, and returns the rows that are left.
func (h *simHistory) restore(cut time.Time) map[client.Key]*simCommit {
	now := time.Now()
	h.switched = append(h.switched, now)
	rows := map[client.Key]*simCommit{}
	for key, commits := range h.commits {
		for _, c := range commits {
			switch {
			case !c.lost.IsZero():
			case c.at.After(cut):
				c.lost = now
			default:
				rows[key] = c
			}
		}
	}
	return rows
}

// limit is the time after which a state must not be answered: T after a later one was acknowledged, or
// after this one was lost; around a failover the demoted server may go on for F.
func (h *simHistory) limit(c *simCommit) (time.Time, bool) {
	dead := c.lost
	if dead.IsZero() {
		for _, later := range h.commits[c.key][c.index+1:] {
			if later.lost.IsZero() && !later.acked.IsZero() && (dead.IsZero() || later.acked.Before(dead)) {
				dead = later.acked
			}
		}
	}
	if dead.IsZero() {
		return dead, false
	}
	w := h.sim.weather
	for _, at := range h.switched {
		if end := at.Add(w.fencing); !dead.Before(at) && dead.Before(end) {
			dead = end
		}
	}
	return dead.Add(w.lease), true
}

// limitGone is limit for an answer that there is no session.
func (h *simHistory) limitGone(key client.Key) (time.Time, bool) {
	latest, bounded := time.Time{}, true
	first := true
	for _, c := range h.commits[key] {
		if !c.gone {
			continue
		}
		until, dies := h.limit(c)
		if !dies {
			return until, false
		}
		if first || until.After(latest) {
			latest, first = until, false
		}
	}
	return latest, bounded
}

// settled reports whether a time is clear of the last failover or crash.
func (h *simHistory) settled(t time.Time) bool {
	w := h.sim.weather
	return h.sim.disturbed.IsZero() || t.After(h.sim.disturbed.Add(w.fencing+w.lease))
}

// simView is what a process has been told, and promised, of one session.
type simView struct {
	seen    []simSeen    // what was answered, the newest of each epoch
	gone    [2]time.Time // when it was last asked for in vain, and answered
	written []simPromise // its own writes
}

type simSeen struct {
	epoch       client.Epoch
	id, version int64
	at          time.Time // when it was answered
}

// simPromise is a commit that must be reflected by every answer after a time.
type simPromise struct {
	commit *simCommit
	from   time.Time
	// Who was not registered while a barrier waited, and was not waited for. Like a client without a cache,
	// it can get an answer that was on its way when the barrier returned.
	unknown map[*simProcess]bool
	user    string // the username that it was written by, which an older state need not have had; "": by key
}

// simAnswer is an answer to be judged.
type simAnswer struct {
	process   *simProcess
	key       client.Key
	asked, at time.Time
	session   client.Session
	found     bool
	source    Source
	epoch     client.Epoch // the cache's, when it was asked
	entered   bool         // and the poll that brought it had been applied
	floor     *simCommit   // what the caller knew of
}

// judge returns what is wrong with an answer, "" for nothing.
func (h *simHistory) judge(a *simAnswer) string {
	if !a.found {
		return h.judgeGone(a)
	}
	c := h.numbers[simNumber(a.session)]
	if until, dies := h.limit(c); dies && a.at.After(until) {
		return fmt.Sprintf("I1: %s answers a state that was to be gone %v ago (%+v)", a.source, a.at.Sub(until), *c)
	}
	if why := h.judgeEpoch(a); why != "" {
		return why
	}
	if f := a.floor; f != nil && f.id == c.id && f.epoch == a.session.Epoch && c.version < f.version {
		return fmt.Sprintf("floor: version %d, the caller knew of %d", c.version, f.version)
	}
	for _, r := range h.sim.revoked {
		// A hit is an answer from the moment that the entry is in hand, wherever the process is held up then.
		given := a.at
		if r.unknown[a.process] || a.source == FromCache {
			given = a.asked
		}
		if r.commit.key == a.key && given.After(r.from) && r.commit.lost.IsZero() && c.index < r.commit.index {
			return fmt.Sprintf("I4: %s answers what was revoked, %v after the barrier (%+v)", a.source, a.at.Sub(r.from), *c)
		}
	}
	view := a.process.view(a.key)
	for _, p := range view.written {
		if a.asked.After(p.from) && (p.user == "" || p.user == c.username) && p.commit.epoch == a.session.Epoch && p.commit.lost.IsZero() && c.index < p.commit.index {
			return fmt.Sprintf("own write: %s answers what was before it, %v later", a.source, a.at.Sub(p.from))
		}
	}
	return h.judgeOrder(a, view)
}

// judgeEpoch is I3.
func (h *simHistory) judgeEpoch(a *simAnswer) string {
	if a.source != FromCache {
		return ""
	}
	now := *a.process.cache.memory.epoch.Load()
	if a.entered && a.session.Epoch != a.epoch && a.session.Epoch != now {
		return "I3: a hit of another epoch than the cache's"
	}
	w := h.sim.weather
	for _, at := range h.switched {
		if a.at.After(at.Add(w.lease+w.fencing)) && h.sim.old[a.session.Epoch] {
			return "I3: a hit of an epoch that has ended long ago"
		}
	}
	return ""
}

// judgeOrder is I5.
func (h *simHistory) judgeOrder(a *simAnswer, view *simView) string {
	for i := range view.seen {
		s := &view.seen[i]
		if s.epoch != a.session.Epoch {
			continue
		}
		back := a.session.ID < s.id || a.session.ID == s.id && a.session.Version < s.version
		if back && a.asked.After(s.at) {
			return fmt.Sprintf("I5: %s answers id %d version %d after id %d version %d", a.source, a.session.ID, a.session.Version, s.id, s.version)
		}
		if !back && (a.session.ID != s.id || a.session.Version != s.version) {
			*s = simSeen{a.session.Epoch, a.session.ID, a.session.Version, a.at}
		}
		if view.gone[0].After(s.at) && a.asked.After(view.gone[1]) && a.session.ID == s.id && !back && h.settled(s.at) {
			return fmt.Sprintf("I5: %s answers id %d after it was gone", a.source, s.id)
		}
		return ""
	}
	view.seen = append(view.seen, simSeen{a.session.Epoch, a.session.ID, a.session.Version, a.at})
	return ""
}

// judgeGone judges an answer that there is no session.
func (h *simHistory) judgeGone(a *simAnswer) string {
	if until, dies := h.limitGone(a.key); dies && a.at.After(until) {
		return fmt.Sprintf("I1: there is no session, %s says, %v after the time for that", a.source, a.at.Sub(until))
	}
	a.process.view(a.key).gone = [2]time.Time{a.asked, a.at}
	return ""
}
