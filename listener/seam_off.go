//go:build !faultseam

package listener

// The faults that a test may ask for. In this build, the one that is shipped, none can be.
const (
	seamNoInvalidation = ""
	seamNoLease        = ""
)

func seam(string) bool { return false }
