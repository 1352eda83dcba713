package listener

import (
	"flag"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var (
	simSeed = flag.Uint64("seed", 0, "run the simulation with this seed alone")
	simRuns = flag.Uint64("runs", 0, "run the simulation with so many seeds; 0: as a test, with what fits into its time")
)

// What a test takes: seeds enough for a fast machine, and no longer than this on a slow one.
const (
	simMost = 2000
	simTime = 20 * time.Second
)

// TestSimulation holds the cache against a simulated database and network: whatever they do, each
// answer keeps the promises. A failure names its seed: go test -run 'TestSimulation$' -seed N.
func TestSimulation(t *testing.T) {
	arm([]string{})
	defer arm(nil)
	if *simSeed != 0 {
		r := runSeed(t, *simSeed)
		t.Logf("%+v", r)
		for _, failure := range r.failures {
			t.Error(failure)
		}
		return
	}
	most, limit := *simRuns, time.Duration(math.MaxInt64)
	if most == 0 {
		most, limit = simMost, simTime
	}
	sum, seed := runSeeds(t, most, limit)
	t.Logf("%+v", sum)
	for _, failure := range sum.failures {
		t.Errorf("-seed %d: %s", seed, failure)
	}
	if sum.hits < uint64(sum.answers)/10 || sum.fast == 0 || sum.full == 0 || sum.again == 0 || sum.stale == 0 {
		t.Error("not everything was put to the test")
	}
}

// TestSimulationReplays holds the simulation to its word: a seed is a run. What happens at the same
// nanosecond the runtime may still order one way or the other, so the runs are compared by what came of
// them and not answer by answer.
func TestSimulationReplays(t *testing.T) {
	for seed := uint64(1); seed <= 20; seed++ {
		if a, b := runSeed(t, seed), runSeed(t, seed); !reflect.DeepEqual(a, b) {
			t.Errorf("seed %d: %+v, then %+v", seed, a, b)
		}
	}
}

// TestFaults builds the package with its faults and has the simulation find them, and nothing else.
func TestFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the package again")
	}
	binary := filepath.Join(t.TempDir(), "faulty.test")
	if out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-tags", "faultseam", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	run := func(fault, tests string) (string, error) {
		cmd := exec.CommandContext(t.Context(), binary, "-test.run", tests)
		cmd.Env = append(os.Environ(), "PGSESSION_FAULT="+fault)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := run("", "^(TestSimulation|TestMutants|TestBarrierDoesNot.*|TestExpelled.*|TestRegistered.*|TestHeldUp.*|TestLease.*)$"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	for fault, test := range map[string]string{
		"same-name":     "TestRegisteredAgainIsNotExpelled",
		"join-unleased": "TestExpelledProcessSharesNoOldRead",
		"young-epoch":   "TestBarrierDoesNotAskTheDemoted",
		"fencing":       "TestBarrierDoesNotAskTheDemoted",
		"old-wait":      "TestLeaseRaised",
		"short-wait":    "TestLeaseLowered",
		"hit-order":     "TestHeldUpHitMindsNoNewerLease",
	} {
		if out, err := run(fault, "^"+test+"$"); err == nil {
			t.Errorf("%s has not found the fault %s:\n%s", test, fault, out)
		}
	}
}

// runSeed runs a seed in a bubble of its own.
func runSeed(t *testing.T, seed uint64) (r simResult) {
	t.Helper()
	synctest.Test(t, func(*testing.T) { r = simulate(seed) })
	return r
}

// runSeeds runs the seeds from 1 to last until one fails or the time is over, and returns the sum of what
// came of them, with the failures of that seed.
func runSeeds(t *testing.T, last uint64, limit time.Duration) (sum simResult, failed uint64) {
	t.Helper()
	start := time.Now()
	var mu sync.Mutex
	next := uint64(0)
	take := func() (uint64, bool) {
		mu.Lock()
		defer mu.Unlock()
		next++
		return next, next <= last && failed == 0 && time.Since(start) < limit
	}
	t.Run("seeds", func(t *testing.T) {
		for range runtime.GOMAXPROCS(0) {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				for seed, ok := take(); ok; seed, ok = take() {
					r := runSeed(t, seed)
					mu.Lock()
					sum.add(r)
					if len(r.failures) > 0 && (failed == 0 || seed < failed) {
						failed, sum.failures = seed, r.failures
					}
					mu.Unlock()
				}
			})
		}
	})
	return sum, failed
}

func (r *simResult) add(o simResult) {
	r.seeds++
	r.answers += o.answers
	r.hits += o.hits
	r.fast += o.fast
	r.full += o.full
	r.writes += o.writes
	r.flushes += o.flushes
	r.again += o.again
	r.stale += o.stale
}
