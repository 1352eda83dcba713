package scsstore

import (
	"context"
	"testing"

	"github.com/pgsession/pgsession/client"
)

func keyOf(i int) client.Key { return client.Key{byte(i), byte(i >> 8)} }

// TestSeenIsBounded has contexts that never end push out the oldest, and none that is under way.
func TestSeenIsBounded(t *testing.T) {
	t.Parallel()
	s := newSeen()
	s.most, s.sweepAt = 4, 4
	request, done := context.WithCancel(t.Context())
	defer done()
	s.found(request, keyOf(0))
	s.found(context.Background(), keyOf(1))
	for i := 2; i < 100; i++ {
		s.found(context.Background(), keyOf(i))
		if len(s.recent)+len(s.older) > 2*s.most {
			t.Fatalf("%d are remembered", len(s.recent)+len(s.older))
		}
	}
	for key, want := range map[int]bool{0: true, 1: false, 96: true, 99: true, 100: false} {
		if got := s.has(keyOf(key)); got != want {
			t.Errorf("session %d: seen %v, want %v", key, got, want)
		}
	}
}

// TestSeenForgetsRequests has requests end: what they found is cleared up.
func TestSeenForgetsRequests(t *testing.T) {
	t.Parallel()
	s := newSeen()
	for i := range 10 * sweepLeast {
		request, done := context.WithCancel(t.Context())
		s.found(request, keyOf(i))
		s.found(request, keyOf(i))
		s.gone(request, keyOf(i))
		if s.mayOpen(request) || !s.mayOpen(t.Context()) || !s.mayOpen(context.Background()) {
			t.Fatal("a request is taken for another")
		}
		done()
		if n := len(s.running) + len(s.renewed); n > 2*sweepLeast {
			t.Fatalf("%d are kept of requests that have ended", n)
		}
	}
	request, done := context.WithCancel(t.Context())
	defer done()
	s.gone(request, keyOf(1))
	if !s.mayOpen(request) {
		t.Error("a session that the request did not find counts as its own")
	}
}
