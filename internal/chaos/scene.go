//go:build unix

package chaos

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/pgsession/pgsession/client"
)

const (
	// users own them, in turn.
	users = 4
	// churnEvery is how often one ends and another begins.
	churnEvery = 100 * time.Millisecond
	// handPatience bounds what the runner does by hand while a server may be away.
	handPatience = 2 * time.Second
	// startPatience bounds the start of a scene, and the return of service after a fault.
	startPatience = time.Minute
	// openTogether is how many sessions the runner opens at the same time.
	openTogether = 6
	// warmHits is how many answers from memory each process has given before anything is broken.
	warmHits = 40
)

// scene is the world in which a fault happens.
type scene struct {
	Fault
	suite    *Suite
	host     *host
	standby  *host // nil without Fault.Pair
	database string

	pool      *pgxpool.Pool // straight to the server, for what is done by hand
	client    *client.Client
	ledger    *ledger
	links     map[string]*link
	bouncer   *bouncer
	processes []*process

	healed    time.Duration
	switched  time.Duration // when what was committed began to be lost, at the latest
	tookOver  time.Duration // when another server had taken over; 0: judged by when its epoch is first seen
	survivors state         // what is known of the time before; nil: nothing was lost
	final     state         // what the database holds in the end
	suspended []int
	undo      []func(context.Context)
}

// play has the fault happen and be mended, under load.
func (s *scene) play(ctx context.Context) (err error) {
	load, stop := context.WithCancel(ctx)
	defer stop()
	var churning sync.WaitGroup
	churning.Go(func() { s.churn(load) })
	defer churning.Wait()
	defer stop()

	if err := s.await(ctx, 0); err != nil {
		return err
	}
	if s.Inject != nil {
		if err := s.Inject(ctx, s); err != nil {
			return fmt.Errorf("inject: %w", err)
		}
	}
	pause(ctx, time.Duration(s.Hold*float64(s.suite.Lease)))
	if s.Heal != nil {
		if err := s.Heal(ctx, s); err != nil {
			return fmt.Errorf("heal: %w", err)
		}
	}
	s.healed = now()
	err = s.await(ctx, s.healed)
	pause(ctx, s.suite.Lease*3/2) // what is wrong has time to show
	stop()
	churning.Wait()
	if s.survivors != nil {
		s.final, err = s.state(ctx)
		if err != nil {
			return fmt.Errorf("final state: %w", err)
		}
	}
	if s.Check != nil && err == nil {
		err = s.Check(ctx, s)
	}
	for _, p := range s.processes {
		err = errors.Join(err, p.alive())
	}
	return errors.Join(err, context.Cause(ctx))
}

// await waits until every process serves from memory, with requests made after since.
func (s *scene) await(ctx context.Context, since time.Duration) error {
	deadline := now() + startPatience
	for !s.ledger.warm(warmHits, since) {
		if now() > deadline {
			return fmt.Errorf("not every process serves from memory within %s", startPatience)
		}
		if !pause(ctx, 10*time.Millisecond) {
			return context.Cause(ctx)
		}
	}
	return nil
}

// judge has both checkers look at the history.
func (s *scene) judge() Row {
	b := bounds{lease: s.suite.Lease, fencing: s.Fencing, switched: s.tookOver, stops: s.Stops, forgets: s.Forgets}
	if s.Bound != 0 {
		b.lease = s.Bound
	}
	row := Row{Fault: s.Name}
	if s.survivors != nil {
		lost := s.ledger.lose(s.switched, s.survivors, s.final)
		row.detail = lost.String()
		if !lost.all() {
			row.err = fmt.Errorf("too little went wrong to show anything: %s", lost)
		}
	}
	v := s.ledger.judge(b)
	row.Requests, row.Hits, row.Stale, row.LongestMS = v.requests, v.hits, v.stale(), milliseconds(v.longest)
	if s.healed != 0 {
		if d, ok := s.ledger.recovered(s.healed); ok {
			row.RecoverMS = milliseconds(d)
		}
	}
	row.detail += fmt.Sprintf(" %.0f writes/s %s", s.ledger.writesPerSecond(), v.String())
	if !s.Forgets && !s.Control {
		illegal, undecided := s.ledger.secondOpinion(b)
		if illegal > 0 {
			row.Stale += illegal
			row.detail += fmt.Sprintf(" %d histories impossible to porcupine", illegal)
		}
		if undecided > 0 {
			row.detail += fmt.Sprintf(" %d histories too long for porcupine", undecided)
		}
	}
	row.detail = strings.TrimSpace(row.detail)
	return row
}

// churn opens and ends sessions until ctx ends.
func (s *scene) churn(ctx context.Context) {
	for n := 0; ; n++ {
		live := s.ledger.live()
		s.openSome(ctx, n, max(1, s.Sessions-len(live)))
		if len(live) > s.Sessions*3/4 {
			s.endOne(ctx, n, live[0])
		}
		s.watch()
		if !pause(ctx, churnEvery) {
			return
		}
	}
}

// openSome opens sessions, a few at a time.
func (s *scene) openSome(ctx context.Context, n, count int) {
	var openings errgroup.Group
	openings.SetLimit(openTogether)
	for i := range count {
		openings.Go(func() error {
			s.open(ctx, n+i)
			return nil
		})
	}
	_ = openings.Wait() // none fails
}

// open opens a session. One of which nobody knows whether it was opened is nobody's.
func (s *scene) open(ctx context.Context, n int) {
	ctx, cancel := context.WithTimeout(ctx, handPatience)
	defer cancel()
	asked := now()
	o := client.OpenOptions{Username: fmt.Sprintf("user%d", n%users), Payload: map[string]int{"n": 0}}
	if n%(users+1) == users {
		o.Username = ""
	}
	if _, session, err := s.client.SessionOpen(ctx, o); err == nil {
		s.ledger.opened(session, asked)
	}
}

// endOne ends a session in one of the ways that there are.
func (s *scene) endOne(ctx context.Context, n int, t target) {
	s.ledger.ending(t.Subject)
	if n%3 == 0 {
		s.processes[n%len(s.processes)].order(order{Revoke: &t})
		return
	}
	ctx, cancel := context.WithTimeout(ctx, handPatience)
	defer cancel()
	asked := now()
	var err error
	if n%3 == 1 {
		_, err = s.client.SessionClose(ctx, t.Key)
	} else {
		_, err = s.pool.Exec(ctx, "delete from pgsession.sessions where key = $1", t.Key[:])
	}
	s.ledger.ended(asked, err, t.Subject)
}

// watch tells all processes what to read and to change.
func (s *scene) watch() {
	watched := s.ledger.watched(4 * s.suite.Lease)
	for _, p := range s.processes {
		p.order(order{Watch: watched})
	}
}

// state reads what the database holds.
func (s *scene) state(ctx context.Context) (state, error) { return readState(ctx, s.pool) }

func readState(ctx context.Context, from interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}) (state, error) {
	rows, err := from.Query(ctx, "select key, version from pgsession.sessions")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	held := state{}
	for rows.Next() {
		var key []byte
		var version int64
		if err := rows.Scan(&key, &version); err != nil {
			return nil, err
		}
		held[client.Key(key)] = version
	}
	return held, rows.Err()
}

// exec runs SQL by hand, in the scene's database.
func (s *scene) exec(ctx context.Context, sql string, args ...any) error {
	return s.host.exec(ctx, s.database, sql, args...)
}

// settings are those of the scene's database.
func (s *scene) settings() map[string]string {
	all := map[string]string{
		"lease":   s.suite.Lease.String(),
		"poll":    s.suite.Poll.String(),
		"notify":  s.Notify,
		"fencing": s.Fencing.String(),
	}
	for name, value := range all {
		if d, err := time.ParseDuration(value); err == nil {
			all[name] = fmt.Sprintf("%d milliseconds", d.Milliseconds())
		}
	}
	if s.Notify == "" {
		all["notify"] = "inline"
	}
	maps.Copy(all, s.Settings)
	return all
}
