// Package demo shows what pgsession does, on a throwaway PostgreSQL and with real processes: it tells a short story of users and
// sessions, then runs a mixed load and holds every answer against what had been acknowledged by then.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/pgsession/pgsession/internal/console"
)

// ErrNotCoherent is returned, wrapped, by Run when an answer was not what it had to be. The error says how many were.
var ErrNotCoherent = errors.New("an answer was not what it had to be")

// processes is how many there are.
const processes = 3

// minRequests is how many reads the load makes at least.
const minRequests = 10_000

// Options say how to run the demo.
type Options struct {
	// Executable is the pgsession command, of which "serve" is started.
	Executable string
	// Environ is the environment of the processes, as os.Environ returns it, without what names a database.
	Environ []string
	// Load is how long the load lasts at least. It is raised to a little more than twice the lease.
	Load time.Duration
	// Serve leaves everything running when the demo is over, until the context ends.
	Serve bool
	// Out gets the story; nil: nobody does.
	Out io.Writer
}

// Summary is what the demo measured. All but Stale and StalenessMaxMS are of the load alone.
type Summary struct {
	Processes         int     `json:"processes"`
	Requests          int     `json:"requests"`            // reads of a session over HTTP
	Hits              int     `json:"hits"`                // of them answered from a process's memory
	HitRatio          float64 `json:"hit_ratio"`           // hits of requests
	Stale             int     `json:"stale"`               // answers older than the lease allows
	StalenessMaxMS    float64 `json:"staleness_max_ms"`    // how long a newer version had been acknowledged, at most, when an older one was asked for
	HitP50us          float64 `json:"hit_p50_us"`          // the whole HTTP request as its caller sees it, answered from memory
	MissP50us         float64 `json:"miss_p50_us"`         // the same, answered from the database
	InvalidationP99MS float64 `json:"invalidation_p99_ms"` // from the acknowledgement of a write at one process to another's answer that has it
	RevokeWaitMS      float64 `json:"revoke_wait_ms"`      // how long DELETE ?wait=true took
	Statements        int     `json:"statements"`          // that the processes had the database execute
}

// Run runs the demo. It takes less than a minute and leaves nothing behind, also when ctx ends early. With ErrNotCoherent the
// summary is complete; with any other error it is not.
func Run(ctx context.Context, o Options) (Summary, error) {
	if o.Out == nil {
		o.Out = io.Discard
	}
	say := console.New(o.Out)
	say.Title("pgsession: users and sessions in PostgreSQL, and a coherent copy of the hot ones in every process")
	stage, err := newStage(ctx, o, say)
	if err != nil {
		return Summary{}, err
	}
	defer stage.close(ctx)

	s := &story{stage: stage, say: say, ledger: newLedger(), visitor: newVisitor()}
	defer s.visitor.close()
	if err := s.tell(ctx); err != nil {
		return Summary{}, err
	}
	load, err := s.load(ctx, o.Load)
	if err != nil {
		return Summary{}, err
	}
	if err := s.revokeAndWait(ctx); err != nil {
		return Summary{}, err
	}
	verdict := s.ledger.judge(stage.lease)
	summary := load.summary(verdict)
	summary.RevokeWaitMS = milliseconds(s.revokeWait)
	summary.print(say, load, verdict, stage.lease)
	err = problems(verdict, append(s.broken, load.broken...))
	if o.Serve {
		stage.describe(say)
		<-ctx.Done()
	}
	return summary, err
}

// problems returns what was not as promised.
func problems(v verdict, broken []error) error {
	var errs []error
	for _, p := range []struct {
		count int
		what  string
	}{
		{v.stale, "answers were older than the lease allows"},
		{v.lost, "live sessions were said to have ended"},
		{v.altered, "payloads were not the acknowledged ones"},
		{v.backwards, "answers were older than the same process's answer before"},
	} {
		if p.count > 0 {
			errs = append(errs, fmt.Errorf("%d %s", p.count, p.what))
		}
	}
	if len(broken) > 0 {
		errs = append(errs, fmt.Errorf("%d times something else went wrong, first: %w", len(broken), broken[0]))
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrNotCoherent, errors.Join(errs...))
}
