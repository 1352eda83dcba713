//go:build unix

package chaos_test

import (
	"errors"
	"testing"
	"time"

	"github.com/pgsession/pgsession/internal/chaos"
)

func TestFlat(t *testing.T) {
	steady := chaos.Sample{Heap: 40 << 20, Goroutines: 40, Entries: 1_000, LogRows: 20_000, Sessions: 30_000}
	for _, test := range []struct {
		name  string
		grow  func(s *chaos.Sample, n int)
		grows bool
	}{
		{"steady", func(*chaos.Sample, int) {}, false},
		{"warming up", func(s *chaos.Sample, n int) { s.Heap = 40<<20 - uint64(max(0, 30-n))<<20 }, false},
		{"to and fro", func(s *chaos.Sample, n int) { s.Heap += uint64(n%5) << 20 }, false},
		{"heap", func(s *chaos.Sample, n int) { s.Heap += uint64(n) << 18 }, true},
		{"goroutines", func(s *chaos.Sample, n int) { s.Goroutines += n }, true},
		{"log", func(s *chaos.Sample, n int) { s.LogRows += int64(n) * 500 }, true},
		{"sessions", func(s *chaos.Sample, n int) { s.Sessions += int64(n) * 500 }, true},
		{"entries once", func(s *chaos.Sample, n int) { s.Entries += n / 100 * 2_000 }, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			var samples []chaos.Sample
			for n := range 120 {
				s := steady
				s.At = time.Duration(n) * time.Second
				test.grow(&s, n)
				samples = append(samples, s)
			}
			if err := chaos.Flat(samples); errors.Is(err, chaos.ErrGrows) != test.grows {
				t.Errorf("grows is %t, but: %v", test.grows, err)
			}
		})
	}
	if err := chaos.Flat(nil); err == nil || errors.Is(err, chaos.ErrGrows) {
		t.Errorf("no samples: %v", err)
	}
}

// TestSoak has the soak run at all. What it shows takes minutes: make soak.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes ten seconds")
	}
	err := chaos.Soak(t.Context(), 8*time.Second, t.Output())
	if err != nil && !errors.Is(err, chaos.ErrGrows) { // eight seconds are no time to be flat in
		t.Error(err)
	}
}
