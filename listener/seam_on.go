//go:build faultseam

package listener

import (
	"os"
	"slices"
	"strings"
	"sync"
)

// The faults that a test may ask for in the environment variable PGSESSION_FAULT, separated by commas:
// each switches off a part of the protocol, to show that the checks notice.
const (
	seamNoInvalidation = "no-invalidation"
	seamNoLease        = "no-lease"
)

var faults = sync.OnceValue(func() []string {
	return strings.Split(os.Getenv("PGSESSION_FAULT"), ",")
})

func seam(fault string) bool { return slices.Contains(faults(), fault) }
