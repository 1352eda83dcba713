package listener

import (
	"testing"
	"testing/synctest"
	"time"
)

// Schedules that the simulation has found, each against one rule of the revocation barrier.

// calmly opens processes in a bubble, over a network without faults, in an epoch that is old enough for
// a barrier to ask.
func calmly(t *testing.T, fencing time.Duration, test func(t *testing.T, s *simulation)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newSimulation(1, &simWeather{
			lease: time.Second, poll: 250 * time.Millisecond, keys: 1, notify: "inline", pollLimit: 100,
			retention: time.Hour, slowNotification: time.Millisecond, fencing: fencing,
		})
		defer s.close()
		for id := range uint64(2) {
			if s.open(id) == nil {
				t.Fatal("the cache does not open")
			}
		}
		s.writes(t.Context(), s.keys[0], 0, false, workOpen(s.keys[0], "ann"))
		time.Sleep(s.fullWait() + 2*time.Second)
		test(t, s)
	})
}

// lookup reads the session through a process, and returns whether it is there.
func (p *simProcess) lookup(t *testing.T) (Source, bool) {
	t.Helper()
	_, source, found, err := p.cache.Lookup(t.Context(), p.sim.keys[0])
	if err != nil {
		t.Fatal(err)
	}
	return source, found
}

func (p *simProcess) closeWait(t *testing.T) (took time.Duration) {
	t.Helper()
	start := time.Now()
	if _, err := p.cache.SessionCloseWait(t.Context(), p.sim.keys[0]); err != nil {
		t.Fatal(err)
	}
	return time.Since(start)
}

func TestCalmBarrierIsFast(t *testing.T) {
	calmly(t, time.Second, func(t *testing.T, s *simulation) {
		a, b := s.processes[0], s.processes[1]
		b.lookup(t)
		if source, found := b.lookup(t); source != FromCache || !found {
			t.Fatalf("found %v, from %v", found, source)
		}
		if took := a.closeWait(t); took > 100*time.Millisecond {
			t.Errorf("the barrier took %v", took)
		}
		if _, found := b.lookup(t); found {
			t.Error("served after the barrier")
		}
	})
}

// The commit is on the new primary. A server that was demoted and still answers knows nothing of it, but
// its transactions have used the same number, and its instances have applied that.
func TestBarrierDoesNotAskTheDemoted(t *testing.T) {
	calmly(t, 10*time.Second, func(t *testing.T, s *simulation) {
		a, b := s.processes[0], s.processes[1]
		over := make(chan struct{})
		go func() { s.failover(); close(over) }()
		defer func() { <-over }()
		time.Sleep(time.Second)
		for source, found := b.lookup(t); source != FromCache; source, found = b.lookup(t) {
			if !found {
				t.Fatal("not found")
			}
		}
		a.closeWait(t)
		if _, found := b.lookup(t); found {
			t.Error("served after the barrier")
		}
	})
}

// The database does not answer whoever asks on behalf of the barrier: it waits in full, and no longer.
func TestBarrierDoesNotWaitForAnswers(t *testing.T) {
	for name, kind := range map[string]uint64{"ring": simRing, "applied": simApplied, "wait": simAskWait} {
		t.Run(name, func(t *testing.T) {
			calmly(t, 0, func(t *testing.T, s *simulation) {
				a := s.processes[0]
				a.link.holdUp(kind, time.Minute)
				if took := a.closeWait(t); took > s.fullWait()+50*time.Millisecond {
					t.Errorf("the barrier took %v", took)
				}
			})
		})
	}
}

// A process that was expelled is not waited for. Who asks it after the barrier does not join a read that
// began before.
func TestExpelledProcessSharesNoOldRead(t *testing.T) {
	calmly(t, 0, func(t *testing.T, s *simulation) {
		a, b := s.processes[0], s.processes[1]
		b.link.deafen()
		time.Sleep(5 * time.Second)
		s.Lock()
		members := len(s.primary.members)
		s.Unlock()
		if members != 1 {
			t.Fatalf("%d members", members)
		}
		b.link.holdUp(simRead, 900*time.Millisecond)
		go b.cache.Lookup(t.Context(), s.keys[0])
		time.Sleep(10 * time.Millisecond)
		if took := a.closeWait(t); took > 100*time.Millisecond {
			t.Errorf("the barrier took %v", took)
		}
		if _, found := b.lookup(t); found {
			t.Error("served after the barrier")
		}
	})
}

// A process that has registered again is not taken for the one that stood still: both count from 0.
func TestRegisteredAgainIsNotExpelled(t *testing.T) {
	calmly(t, 0, func(t *testing.T, s *simulation) {
		a, b := s.processes[0], s.processes[1]
		still := standing{}
		s.Lock()
		was := s.primary.members[b.link.state.instance].Polls
		s.Unlock()
		if err := still.expel(t.Context(), a.cache); err != nil {
			t.Fatal(err)
		}
		s.Lock()
		delete(s.primary.members, b.link.state.instance) // somebody else has expelled it
		s.Unlock()
		time.Sleep(s.fullWait() + time.Second)
		s.Lock()
		s.primary.members[b.link.state.instance].Polls = was
		s.Unlock()
		if err := still.expel(t.Context(), a.cache); err != nil {
			t.Fatal(err)
		}
		s.Lock()
		defer s.Unlock()
		if s.primary.members[b.link.state.instance] == nil {
			t.Error("expelled, and holds a lease")
		}
	})
}

// leaseChanges sets the lease while two processes run, and cuts the second one's polls and notifications
// off when it holds the lease that counts: the longer one. The first then revokes what the second holds.
// Where it is deaf itself since before the change, all it knows is the lease that was.
func leaseChanges(t *testing.T, lease time.Duration, deaf bool) {
	t.Helper()
	calmly(t, 0, func(t *testing.T, s *simulation) {
		a, b := s.processes[0], s.processes[1]
		longer := max(lease, s.weather.lease)
		set := func() {
			s.Lock()
			s.primary.setLease(lease)
			s.Unlock()
		}
		if lease < s.weather.lease {
			b.lookup(t)
			b.link.deafen()
			set()
			time.Sleep(s.weather.lease * 3 / 10)   // a has polled
			a.link.holdUp(simAskWait, time.Minute) // that is all it will know
		} else {
			if deaf {
				a.link.deafen()
			}
			set()
			time.Sleep(3 * s.weather.lease) // b has the longer one
			b.lookup(t)
			b.link.deafen()
		}
		if source, found := b.lookup(t); source != FromCache || !found {
			t.Fatalf("found %v, from %v", found, source)
		}
		a.closeWait(t)
		if source, found := b.lookup(t); found {
			t.Errorf("served from %v after the barrier", source)
		}
		if took := a.closeWait(t); took > longer+longer/100+50*time.Millisecond {
			t.Errorf("the barrier took %v", took)
		}
	})
}

// A process that has not polled since the lease was raised waits for as long as others may hold one now.
func TestLeaseRaised(t *testing.T) {
	for name, deaf := range map[string]bool{"known": false, "not known": true} {
		t.Run(name, func(t *testing.T) { leaseChanges(t, 10*time.Second, deaf) })
	}
}

// A process that knows the lowered lease waits for those who hold the former one.
func TestLeaseLowered(t *testing.T) { leaseChanges(t, 200*time.Millisecond, false) }
