package scsstore

import (
	"context"
	"slices"
	"sync"

	"github.com/pgsession/pgsession/client"
)

const (
	// recentMost is how many keys each of the two generations holds.
	recentMost = 1 << 16
	// sweepLeast is how many keys of requests are kept before it is looked whose requests have ended.
	sweepLeast = 1 << 10
)

// seen remembers the sessions that requests under way have found. scs commits by token alone: a session that a request has found and
// somebody has ended since looks to it like one that is new. Here they are told apart. What is remembered lasts as long as a request
// that may still commit: until its context has ended, after which no commit of its can succeed. A context that is cancelled only
// with the program costs memory for each session that is found with it: use one a request, or one that cannot be cancelled.
type seen struct {
	mu      sync.Mutex
	running map[client.Key][]<-chan struct{} // the contexts that have found the session
	renewed map[<-chan struct{}]struct{}     // the contexts whose session was gone when they deleted it
	sweepAt int

	// For contexts that never end, and those that have: the last ones, in two generations.
	recent, older map[client.Key]struct{}
	most          int // of each
}

func newSeen() *seen {
	return &seen{
		running: map[client.Key][]<-chan struct{}{},
		renewed: map[<-chan struct{}]struct{}{},
		recent:  map[client.Key]struct{}{},
		sweepAt: sweepLeast,
		most:    recentMost,
	}
}

// found notes that a session was there.
func (s *seen) found(ctx context.Context, key client.Key) {
	done := ctx.Done()
	s.mu.Lock()
	defer s.mu.Unlock()
	if done == nil {
		s.remember(key)
		return
	}
	if contexts := s.running[key]; !slices.Contains(contexts, done) {
		s.running[key] = append(slices.DeleteFunc(contexts, ended), done)
	}
	if len(s.running)+len(s.renewed) >= s.sweepAt {
		s.sweep()
	}
}

// has reports whether a session was there.
func (s *seen) has(key client.Key) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, recent := s.recent[key]
	_, older := s.older[key]
	return recent || older || len(s.running[key]) > 0
}

// gone notes that a session which this context had found was ended by somebody else before this context deleted it. If scs does so to
// renew the token, the data of the session that was ended will come under a new one.
func (s *seen) gone(ctx context.Context, key client.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if done := ctx.Done(); done != nil && slices.Contains(s.running[key], done) {
		s.renewed[done] = struct{}{}
	}
}

// mayOpen reports whether a new session may come out of this context.
func (s *seen) mayOpen(ctx context.Context) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, renewed := s.renewed[ctx.Done()]
	return !renewed
}

// sweep forgets the contexts that have ended.
func (s *seen) sweep() {
	for key, contexts := range s.running {
		contexts = slices.DeleteFunc(contexts, ended)
		if s.running[key] = contexts; len(contexts) == 0 {
			delete(s.running, key)
			s.remember(key)
		}
	}
	for done := range s.renewed {
		if ended(done) {
			delete(s.renewed, done)
		}
	}
	s.sweepAt = max(sweepLeast, 2*(len(s.running)+len(s.renewed)))
}

func (s *seen) remember(key client.Key) {
	s.recent[key] = struct{}{}
	if len(s.recent) >= s.most {
		s.older, s.recent = s.recent, map[client.Key]struct{}{}
	}
}

func ended(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}
