//go:build faultseam

package listener

import (
	"os"
	"slices"
	"strings"
	"sync/atomic"
)

// The faults that a test may ask for, in the environment variable PGSESSION_FAULT, separated by commas,
// or by asking: each switches off a part of the protocol, to show that the checks notice.
const (
	seamNoInvalidation  = "no-invalidation"   // invalidations change nothing
	seamNoLease         = "no-lease"          // hits do not mind the lease
	seamNoNumbers       = "no-numbers"        // a read is stored whatever was invalidated meanwhile
	seamNumberAfterRead = "number-after-read" // a read notes its number when its answer is there
	seamLeaseFromAnswer = "lease-from-answer" // the lease counts from the poll's answer
	seamLeaseFirst      = "lease-first"       // the lease is renewed before the changes are applied
	seamGreatestXID     = "greatest-xid"      // the cursor is the greatest transaction seen
	seamLowWater        = "low-water"         // low_water is not looked at
	seamFillAnyEpoch    = "fill-any-epoch"    // a row is stored whatever its epoch
	seamKeepEpoch       = "keep-epoch"        // a new epoch flushes nothing
	seamLateAnswer      = "late-answer"       // an answer is used however late it comes
	seamOwnWrite        = "own-write"         // a process does not forget what it has written to
	seamOutdate         = "outdate"           // an answer that is not stored leaves the older entry
	seamOvertaken       = "overtaken"         // a read that was overtaken is not done again
	seamJoinPast        = "join-past"         // readers join a read that began before an invalidation
	seamJoinPastUser    = "join-past-user"    // the same for a user's invalidation, and for who has joined
	seamJoinUnleased    = "join-unleased"     // readers without a lease do so whenever it began
	seamAckFirst        = "ack-first"         // a poll is acknowledged before it is applied
	seamReported        = "reported"          // a read under way is answered with what was reported as applied
	seamNotMember       = "not-member"        // the lease is taken without being registered
	seamSameName        = "same-name"         // a process registers again under the name that it had
	seamYoungEpoch      = "young-epoch"       // the barrier asks in a young epoch too
	seamFencing         = "fencing"           // the barrier does not wait for a demoted server
	seamOldWait         = "old-wait"          // the barrier goes by what the last poll told, however old
	seamShortWait       = "short-wait"        // and waits for the leases that are granted, not for those that are held
	seamExpelAll        = "expel-all"         // whoever was seen twice is expelled
	seamHitOrder        = "hit-order"         // a hit looks at the lease after the entry
	seamNoFloor         = "no-floor"          // the caller's floor is not looked at
)

// seams is what is switched for all caches of this process.
type seams struct {
	faults []string
	pause  func() // what a step of a cache may be held up by; nil: nothing
}

var switched atomic.Pointer[seams]

// ask switches faults on, and all others off.
func ask(faults []string, pause func()) { switched.Store(&seams{faults, pause}) }

func asked() *seams {
	if s := switched.Load(); s != nil {
		return s
	}
	switched.CompareAndSwap(nil, &seams{faults: strings.Split(os.Getenv("PGSESSION_FAULT"), ",")})
	return switched.Load()
}

func seam(fault string) bool { return slices.Contains(asked().faults, fault) }

// pause is called between two steps between which much may happen; no lock is held.
func pause() {
	if s := asked(); s.pause != nil {
		s.pause()
	}
}
