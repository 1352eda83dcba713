//go:build unix

package chaos

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

const (
	// opinionSubjects and opinionReads bound the sample that porcupine sees: its search is exponential at worst.
	opinionSubjects = 6
	opinionReads    = 60
	// opinionPatience bounds the time that it takes.
	opinionPatience = 3 * time.Second
)

// The operations of porcupine's model, in which a session's state is its version.
type (
	merged struct{ version int64 } // a change that made this version
	closed struct{}
	readOp struct{ version int64 }
)

// model is a session as a register: every change makes the next version, a read sees the present one.
func model() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return int64(0) },
		Step: func(state, input, _ any) (bool, any) {
			version, _ := state.(int64)
			switch op := input.(type) {
			case merged:
				return version != ended && op.version == version+1, op.version
			case closed:
				return true, ended
			case readOp:
				return op.version == version, version
			}
			return false, state
		},
	}
}

// secondOpinion has porcupine judge a sample of sessions, with reads moved back by what the bounds allow. It returns how
// many histories it took for impossible, and how many it gave up on.
func (l *ledger) secondOpinion(b bounds) (illegal, undecided int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	reads := map[int][]answer{}
	for _, a := range l.answers {
		reads[a.Subject] = append(reads[a.Subject], a)
	}
	order := make([]int, len(l.subjects))
	for n := range order {
		order[n] = n
	}
	slices.SortStableFunc(order, func(x, y int) int { return cmp.Compare(len(reads[y]), len(reads[x])) })
	for _, n := range order[:min(len(order), opinionSubjects)] {
		switch porcupine.CheckOperationsTimeout(model(), l.subjects[n].history(reads[n], b), opinionPatience) {
		case porcupine.Illegal:
			illegal++
		case porcupine.Unknown:
			undecided++
		case porcupine.Ok:
		}
	}
	return illegal, undecided
}

// history writes down what was done to a session, up to the version at which it becomes too much for the sample.
func (s *subject) history(reads []answer, b bounds) []porcupine.Operation {
	const versionsMost = 60
	made, doubtful := s.made(reads)
	until := time.Duration(math.MaxInt64) // of the reads: they may not see what is left out
	var history []porcupine.Operation
	add := func(client int, input any, call, back time.Duration) {
		history = append(history, porcupine.Operation{ClientId: client, Input: input, Call: int64(call), Return: int64(back)})
	}
	for i, w := range made {
		if i >= versionsMost {
			until = min(until, w.Asked)
			continue
		}
		add(writerClient+i, merged{w.Version}, w.Asked, w.Acked)
	}
	for i, w := range s.writes {
		switch {
		case w.Version != ended || w.Asked >= until:
		case w.Unknown:
			add(writerClient+versionsMost+i, closed{}, w.Asked, math.MaxInt64)
		default:
			add(writerClient+versionsMost+i, closed{}, w.Asked, w.Acked)
		}
	}
	if len(made) > versionsMost && doubtful != 0 {
		until = min(until, doubtful)
	}
	for _, a := range sample(reads, until) {
		add(a.Process, readOp{a.Version}, a.Sent-b.lease-b.fencing, a.Got)
	}
	return history
}

// writerClient is the number of the first writer: porcupine wants those apart that do things at the same time.
const writerClient = 1000

// made returns the changes that made the session's versions, by version. A version that is missing was made by one of
// the changes whose answer never came, the first of which was asked for at doubtful; if there is none, it stays missing.
func (s *subject) made(reads []answer) (made []write, doubtful time.Duration) {
	var newest int64
	known := map[int64]bool{}
	for _, w := range s.writes {
		switch {
		case w.Version == ended:
		case w.Unknown && (doubtful == 0 || w.Asked < doubtful):
			doubtful = w.Asked
		case !w.Unknown:
			made = append(made, w)
			known[w.Version] = true
			newest = max(newest, w.Version)
		}
	}
	for _, a := range reads {
		if a.Version != ended {
			newest = max(newest, a.Version)
		}
	}
	for v := int64(1); doubtful != 0 && v < newest+1; v++ {
		if !known[v] {
			made = append(made, write{Version: v, Asked: doubtful, Acked: math.MaxInt64})
		}
	}
	slices.SortFunc(made, func(x, y write) int { return cmp.Compare(x.Version, y.Version) })
	return made, doubtful
}

// sample keeps, of the answers given before until, the first and the last with a version at each process: those
// in between say no more.
func sample(reads []answer, until time.Duration) []answer {
	type place struct {
		process int
		version int64
	}
	first, last := map[place]answer{}, map[place]answer{}
	for _, a := range reads {
		at := place{a.Process, a.Version}
		if a.Got >= until {
			continue
		}
		if f, ok := first[at]; !ok || a.Got < f.Got {
			first[at] = a
		}
		if f, ok := last[at]; !ok || a.Sent > f.Sent {
			last[at] = a
		}
	}
	var kept []answer
	for at, a := range first {
		kept = append(kept, a)
		if last[at] != a {
			kept = append(kept, last[at])
		}
	}
	slices.SortFunc(kept, func(x, y answer) int { return cmp.Compare(x.Sent, y.Sent) })
	return kept[:min(len(kept), opinionReads)]
}
