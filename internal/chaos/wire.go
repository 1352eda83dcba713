//go:build unix

package chaos

import (
	"math"
	"time"

	"github.com/pgsession/pgsession/client"
)

// The runner and its workers speak gob over the workers' standard input and output: an assignment first, then orders
// one way and reports the other. The end of the input ends the worker.

// assignment tells a worker how to reach the database and how hard to work.
type assignment struct {
	Pool, Poll, Listen string        // DSNs of the three links
	Pooled             bool          // Pool goes through a transaction pooler
	Fencing            time.Duration // F
	Readers            int           // goroutines that read
	ReadEvery          time.Duration // what each of them pauses between two reads
	Writers            int           // goroutines that write
	WriteEvery         time.Duration // what is between two writes of one of them
}

// order changes what a worker works on.
type order struct {
	Watch  []target      // read and change these; nil: as before
	Revoke *target       // end this one, and wait until no process can serve it
	Step   bool          // from now on, let the process's wall clock differ from the machine's by Wall
	Wall   time.Duration // with Step
}

// target is a session as workers know it.
type target struct {
	Subject int // the ledger's number
	Key     client.Key
	ByHand  bool // to be read only: the runner changes it
}

// report is what a worker has done since the last one.
type report struct {
	Ready   bool // its cache is open
	Error   string
	Answers []answer
	Writes  []write
	Stats   health
}

// health is what faults look at in a cache's own statistics.
type health struct {
	Deaf, Malformed uint64
	Wall            time.Duration // how far the wall clock is ahead of the monotonic one
}

// ended is the version of a session that has ended: newer than any other.
const ended int64 = math.MaxInt64

// answer is one answer to a read.
type answer struct {
	Subject   int
	Process   int // filled in by the runner
	Sent, Got time.Duration
	Hit       bool
	Epoch     client.Epoch // zero where there was no session
	Version   int64        // ended: there was no session
}

// write is a change that was asked for.
type write struct {
	Subject      int
	Asked, Acked time.Duration
	Version      int64
	Epoch        client.Epoch // in which it was acknowledged; zero: not known
	Barrier      bool         // it was acknowledged once no process could serve what was before
	Unknown      bool         // no answer came: it may have happened, or happen yet
	Lost         bool         // filled in by the runner: the server that took over does not know of it
}
