//go:build !faultseam

package listener

// The faults that a test may ask for. In this build, the one that is shipped, none can be.
const (
	seamNoInvalidation  = ""
	seamNoLease         = ""
	seamNoNumbers       = ""
	seamNumberAfterRead = ""
	seamLeaseFromAnswer = ""
	seamLeaseFirst      = ""
	seamGreatestXID     = ""
	seamLowWater        = ""
	seamFillAnyEpoch    = ""
	seamKeepEpoch       = ""
	seamLateAnswer      = ""
	seamOwnWrite        = ""
	seamOutdate         = ""
	seamOvertaken       = ""
	seamJoinPast        = ""
	seamJoinPastUser    = ""
	seamJoinUnleased    = ""
	seamAckFirst        = ""
	seamReported        = ""
	seamNotMember       = ""
	seamSameName        = ""
	seamYoungEpoch      = ""
	seamFencing         = ""
	seamOldWait         = ""
	seamShortWait       = ""
	seamExpelAll        = ""
	seamHitOrder        = ""
	seamNoFloor         = ""
)

func seam(string) bool { return false }

func pause() {}
