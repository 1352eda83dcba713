//go:build faultseam

package listener

import (
	"testing"
	"time"
)

// TestMutants has the simulation find each fault of the protocol, but for those that take a rare schedule: TestFaults has
// cases for them.
func TestMutants(t *testing.T) {
	const most = 20000
	for _, fault := range []string{
		seamNoInvalidation, seamNoLease, seamNoNumbers, seamNumberAfterRead, seamLeaseFromAnswer, seamLeaseFirst,
		seamGreatestXID, seamLowWater, seamFillAnyEpoch, seamKeepEpoch, seamLateAnswer, seamOwnWrite, seamOutdate,
		seamOvertaken, seamJoinPast, seamJoinPastUser, seamAckFirst, seamReported, seamNotMember,
		seamYoungEpoch, seamExpelAll, seamNoFloor,
	} {
		t.Run(fault, func(t *testing.T) {
			arm([]string{fault})
			defer arm(nil)
			r, seed := runSeeds(t, most, 2*time.Minute)
			if seed == 0 {
				t.Fatalf("%d seeds have not found it", most)
			}
			t.Logf("seed %d: %.200s", seed, r.failures[0])
		})
	}
}
