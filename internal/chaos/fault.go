//go:build unix

package chaos

import (
	"context"
	"time"
)

// Fault is one way to break things. The zero value of everything but Name breaks nothing.
type Fault struct {
	Name string
	// Short has it run in the short form of the suite too.
	Short bool

	// What it happens to.
	Notify    string            // the notify mode; empty: inline
	Modes     bool              // in full, it happens in the other notify modes too
	Settings  map[string]string // rows of pgsession.settings
	Processes int               // 0: 3
	Sessions  int               // that live at any time; 0: 24
	Writes    int               // a second, by all processes together; 0: 60
	Reads     int               // likewise; 0: 6000
	Links     bool              // the processes reach the server through links that can be spoilt
	Pooler    string            // pgbouncer before "pool" alone, or, by mistake, before "listen" too
	Pair      bool              // there is a standby, and processes know both servers
	OwnServer bool              // it stops the server, so others may not use it meanwhile
	Fencing   time.Duration     // F
	Bound     time.Duration     // what takes T's place where the protocol cannot know; 0: T
	Env       []string          // of the processes
	Control   bool              // it is the control: its answers have to be stale

	// What happens. Each may be nil.
	Skip   func() string                             // why it cannot happen here; empty: it can
	Inject func(ctx context.Context, s *scene) error // break it
	Hold   float64                                   // how long to leave it broken, in leases
	Heal   func(ctx context.Context, s *scene) error // mend it
	Check  func(ctx context.Context, s *scene) error // what else must be so in the end

	// What is special about judging it.
	Stops   bool // processes are suspended
	Forgets bool // sessions vanish or come back
}

// Row is what a fault came to.
type Row struct {
	Fault     string  `json:"fault"`
	Requests  int     `json:"requests"`   // reads that were answered
	Hits      int     `json:"hits"`       // of them from memory
	Stale     int     `json:"stale"`      // answers that broke a promise
	LongestMS float64 `json:"longest_ms"` // how long a change had been acknowledged, at most, that an answer lacked
	RecoverMS float64 `json:"recover_ms"` // from the fault's end until every process had served from memory again

	skipped string // why there is nothing else
	detail  string // what else there is to say
	err     error  // why the fault did not happen as it should, or what was not as promised
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Round(10*time.Microsecond)) / float64(time.Millisecond)
}
