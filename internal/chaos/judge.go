//go:build unix

package chaos

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/pgsession/pgsession/client"
)

// slack is what a process may take, on a busy machine, between judging an answer's age and looking at the clock again.
const slack = 200 * time.Millisecond

// bounds are what the promises allow in a scene.
type bounds struct {
	lease    time.Duration // T
	fencing  time.Duration // F, where another server takes over
	switched time.Duration // when it did; 0: judged by when its epoch is first seen
	stops    bool          // processes were suspended, so that an answer may be looked at long after it was given
	forgets  bool          // sessions may vanish and come back: commits are lost, or taken back on purpose
}

// verdict is what a history amounts to.
type verdict struct {
	requests, hits int
	longest        time.Duration // how long a change had been acknowledged, at most, that an answer lacked

	old       int // I1: answers that lacked a change acknowledged more than T (and F) before
	crossed   int // I3: answers from memory of an epoch that had ended more than T (and F) before
	unbarred  int // I4: answers with a session whose revocation had been waited for
	backwards int // I5: answers older than an earlier one of the same process and epoch
	vanished  int // answers that a session had ended which nobody had ended
}

// stale counts the answers that broke a promise.
func (v *verdict) stale() int { return v.old + v.crossed + v.unbarred + v.backwards + v.vanished }

// String names the promises that were broken.
func (v *verdict) String() string {
	var broken []string
	for _, b := range []struct {
		count int
		what  string
	}{
		{v.old, "too old"}, {v.crossed, "of an epoch gone by"}, {v.unbarred, "after the barrier"},
		{v.backwards, "going back"}, {v.vanished, "gone without an end"},
	} {
		if b.count > 0 {
			broken = append(broken, fmt.Sprintf("%d %s", b.count, b.what))
		}
	}
	return strings.Join(broken, ", ")
}

// judge holds every answer against what had been acknowledged: the linear checker. Nothing is added meanwhile.
func (l *ledger) judge(b bounds) verdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	v := verdict{requests: len(l.answers)}
	ends := b.epochEnds(l.epochs())
	bySubject := make([][]answer, len(l.subjects))
	for _, a := range l.answers {
		bySubject[a.Subject] = append(bySubject[a.Subject], a)
		if !a.Hit {
			continue
		}
		v.hits++
		if end, ok := ends[a.Epoch]; ok && a.Sent > end+b.lease+b.fencing {
			v.crossed++
		}
	}
	for n, s := range l.subjects {
		s.judge(bySubject[n], b, &v)
		v.backwards += backwards(bySubject[n], b.forgets)
	}
	return v
}

// epochEnds returns when each epoch but the last one ended: when the next was seen, or took over.
func (b bounds) epochEnds(begins map[client.Epoch]time.Duration) map[client.Epoch]time.Duration {
	ends := map[client.Epoch]time.Duration{}
	for epoch, begin := range begins {
		end := time.Duration(math.MaxInt64)
		for _, other := range begins {
			if other > begin {
				end = min(end, other)
			}
		}
		if end == math.MaxInt64 {
			continue
		}
		if begin < b.switched {
			end = min(end, b.switched)
		}
		ends[epoch] = end
	}
	return ends
}

// duties are the changes that an answer of one epoch has to reflect, by rising version.
type duties struct {
	versions []int64
	newerAt  []time.Duration // when the first of the changes from here on was acknowledged
}

// duties leaves out what nobody has acknowledged, and what was lost with another epoch.
func (s *subject) duties(epoch client.Epoch) duties {
	var known []write
	for _, w := range s.writes {
		if !w.Unknown && (!w.Lost || !epoch.IsZero() && w.Epoch == epoch) {
			known = append(known, w)
		}
	}
	slices.SortFunc(known, func(a, b write) int { return cmp.Compare(a.Version, b.Version) })
	d := duties{versions: make([]int64, len(known)), newerAt: make([]time.Duration, len(known)+1)}
	d.newerAt[len(known)] = math.MaxInt64
	for i := len(known) - 1; i >= 0; i-- {
		d.versions[i] = known[i].Version
		d.newerAt[i] = min(known[i].Acked, d.newerAt[i+1])
	}
	return d
}

// lacked returns for how long, at some time, a change had been acknowledged that is newer than a version.
func (d *duties) lacked(version int64, at time.Duration) time.Duration {
	i, found := slices.BinarySearch(d.versions, version)
	for found && i < len(d.versions) && d.versions[i] == version {
		i++
	}
	return max(0, at-d.newerAt[i])
}

func (s *subject) judge(answers []answer, b bounds, v *verdict) {
	byEpoch := map[client.Epoch]*duties{}
	barred := s.barred()
	for _, a := range answers {
		if a.Version == ended {
			if (s.endAsk == 0 || a.Got < s.endAsk) && !b.forgets {
				v.vanished++
			}
			continue
		}
		d := byEpoch[a.Epoch]
		if d == nil {
			of := s.duties(a.Epoch)
			d = &of
			byEpoch[a.Epoch] = d
		}
		lacked := d.lacked(a.Version, b.given(a))
		v.longest = max(v.longest, lacked)
		if lacked > b.lease+b.fencing {
			v.old++
		}
		if a.Sent > barred {
			v.unbarred++
		}
	}
}

// barred returns when the end of the session had been waited for.
func (s *subject) barred() time.Duration {
	at := time.Duration(math.MaxInt64)
	for _, w := range s.writes {
		if w.Barrier && !w.Lost {
			at = min(at, w.Acked)
		}
	}
	return at
}

// given returns a time before which the answer was certainly not given. One from memory is given at once; one from
// the database may have taken long, and may not be older than T when it arrives.
func (b bounds) given(a answer) time.Duration {
	if a.Hit || b.stops {
		return a.Sent
	}
	return max(a.Sent, a.Got-slack)
}

// backwards counts the answers of a version older than one with which the same process had already answered, in the
// same epoch, when they were asked for.
func backwards(answers []answer, forgets bool) int {
	type place struct {
		process int
		epoch   client.Epoch
	}
	places := map[place][]answer{}
	for _, a := range answers {
		if a.Version != ended {
			at := place{a.Process, a.Epoch}
			places[at] = append(places[at], a)
		}
	}
	if !forgets { // an end belongs to every epoch
		for _, a := range answers {
			for at := range places {
				if a.Version == ended && at.process == a.Process {
					places[at] = append(places[at], a)
				}
			}
		}
	}
	count := 0
	for _, list := range places {
		byEnd := slices.Clone(list)
		slices.SortFunc(list, func(a, b answer) int { return cmp.Compare(a.Sent, b.Sent) })
		slices.SortFunc(byEnd, func(a, b answer) int { return cmp.Compare(a.Got, b.Got) })
		var newest int64
		given := 0
		for _, a := range list {
			for given < len(byEnd) && byEnd[given].Got < a.Sent {
				newest = max(newest, byEnd[given].Version)
				given++
			}
			if a.Version < newest {
				count++
			}
		}
	}
	return count
}

// recovered returns how long after healed the last of the processes had served an answer from memory again, and false
// if one has not.
func (l *ledger) recovered(healed time.Duration) (time.Duration, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := make([]time.Duration, len(l.hits))
	for _, a := range l.answers {
		if a.Hit && a.Sent >= healed && (first[a.Process] == 0 || a.Got < first[a.Process]) {
			first[a.Process] = a.Got
		}
	}
	if slices.Contains(first, 0) {
		return 0, false
	}
	return slices.Max(first) - healed, true
}
