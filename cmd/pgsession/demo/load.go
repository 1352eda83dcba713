package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// How much load there is. The rates are what two cores do without a queue, so that the times measured are not its length.
const (
	population   = 150 // sessions
	readers      = 8
	readEvery    = 3 * time.Millisecond // each reader
	writers      = 2
	writeEvery   = 100 * time.Millisecond // each writer
	probeEvery   = 40 * time.Millisecond
	watchPause   = 500 * time.Microsecond
	closeEvery   = 3 * time.Second
	progressRate = 250 * time.Millisecond
	longest      = 30 * time.Second // also if there have not been enough requests by then
)

// load is a mixed load: readers of all sessions at all processes, writers by HTTP and by SQL, logouts by both, a user whose
// sessions are all ended now and then, and a probe that times how long a change takes to be seen.
type load struct {
	story  *story
	ledger *ledger

	began, ended time.Duration
	requests     atomic.Int64
	hits         atomic.Int64
	writes       atomic.Int64
	statements   int

	// opening is held for reading while a session is opened and put in its place, and for writing while all of a user's are
	// listed and ended, so that none is ended unlisted.
	opening sync.RWMutex

	mu       sync.Mutex
	subjects []*subject
	gone     []*subject // that have had a place and have ended
	readings []reading
	probes   []time.Duration // from an acknowledged write to another process's answer that has it
	broken   []error
}

// load runs the load for a while and returns what it measured.
func (s *story) load(ctx context.Context, atLeast time.Duration) (*load, error) {
	l := &load{story: s, ledger: s.ledger}
	duration := max(atLeast, 2*s.stage.lease+time.Second)
	s.say.Step("A mixed load, every answer checked")
	s.say.Say("%d sessions, %d readers and %d writers at %d processes for %s. Writers use HTTP and SQL; sessions end all the time.", population, readers, writers, processes, duration)
	if err := l.populate(ctx); err != nil {
		return nil, err
	}
	log, err := openStatementLog(s.stage.server.LogFile(), role)
	if err != nil {
		return nil, err
	}
	defer log.close()
	l.run(ctx, duration)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if l.statements, err = log.count(); err != nil {
		return nil, err
	}
	l.ledger.add(l.readings...)
	return l, nil
}

// populate opens the sessions, as an application does that has found out by itself who its visitor is.
func (l *load) populate(ctx context.Context) error {
	for n := range population {
		s, err := l.open(ctx, n)
		if err != nil {
			return err
		}
		l.subjects = append(l.subjects, s)
	}
	return nil
}

// open opens the session that has a place in the population: every third one is anonymous.
func (l *load) open(ctx context.Context, place int) (*subject, error) {
	s := &subject{user: [...]string{"anna", "bert", ""}[place%3]}
	var owner *string
	if s.user != "" {
		owner = &s.user
	}
	var version int64
	var payload []byte
	err := l.story.stage.pool.QueryRow(ctx,
		`select token, id, version, payload from pgsession.session_open(p_username => $1, p_expiresecs => 1800, p_payload => '{"n": 0}')`, owner).
		Scan(&s.token, &s.id, &version, &payload)
	if err != nil {
		return nil, fmt.Errorf("open a session: %w", err)
	}
	s.changed(version, l.ledger.now(), l.ledger.digest(payload))
	return s, nil
}

// run lets everybody do their part until the time is over and enough has been asked.
func (l *load) run(ctx context.Context, duration time.Duration) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	l.began = l.ledger.now()
	var actors sync.WaitGroup
	act := func(every time.Duration, do func(context.Context, *rand.Rand) error) {
		random := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())) //nolint:gosec // who reads what is no secret
		actors.Go(func() { l.repeat(ctx, every, func() error { return do(ctx, random) }) })
	}
	for range readers {
		act(readEvery, l.read)
	}
	for range writers {
		act(writeEvery, l.write)
	}
	act(probeEvery, l.probe)
	act(closeEvery, l.closeUser)

	tick := time.NewTicker(progressRate)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
		gone := l.ledger.now() - l.began
		requests, hits := l.requests.Load(), l.hits.Load()
		l.story.say.Progress("%4.1f s of %.0f s: %d reads, %.1f %% from memory, %d writes",
			gone.Seconds(), duration.Seconds(), requests, 100*ratio(int(hits), int(requests)), l.writes.Load())
		if gone >= duration && requests >= minRequests || gone >= longest {
			stop()
		}
	}
	actors.Wait()
	l.ended = l.ledger.now()
}

// repeat does something every so often until ctx ends. What fails is noted and repeated no more.
func (l *load) repeat(ctx context.Context, every time.Duration, do func() error) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := do(); err != nil {
			if ctx.Err() == nil {
				l.mu.Lock()
				l.broken = append(l.broken, err)
				l.mu.Unlock()
			}
			return
		}
	}
}

// pick returns one of the sessions, and its place.
func (l *load) pick(random *rand.Rand) (*subject, int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := random.IntN(len(l.subjects))
	return l.subjects[n], n
}

func (l *load) process(random *rand.Rand) *instance {
	return l.story.stage.instances[random.IntN(processes)]
}

// note keeps readings and counts them.
func (l *load) note(readings ...reading) {
	for _, r := range readings {
		l.requests.Add(1)
		if r.hit {
			l.hits.Add(1)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.readings = append(l.readings, readings...)
}

// read reads a session, now and then one that has ended: it must stay so.
func (l *load) read(ctx context.Context, random *rand.Rand) error {
	s, _ := l.pick(random)
	if random.IntN(100) == 0 {
		l.mu.Lock()
		if len(l.gone) > 0 {
			s = l.gone[random.IntN(len(l.gone))]
		}
		l.mu.Unlock()
	}
	r, err := l.story.visitor.read(ctx, l.ledger, l.process(random), s)
	if err == nil {
		l.note(r)
	}
	return err
}

// write changes or ends a session, by HTTP or by SQL.
func (l *load) write(ctx context.Context, random *rand.Rand) error {
	s, place := l.pick(random)
	l.writes.Add(1)
	switch n := random.IntN(20); {
	case n < 12:
		_, _, err := l.story.visitor.merge(ctx, l.ledger, l.process(random), s, map[string]int{"n": random.IntN(1000)})
		return err
	case n < 18:
		return l.update(ctx, s, random.IntN(1000))
	case n < 19:
		return errors.Join(l.story.visitor.end(ctx, l.ledger, l.process(random), s, false), l.replace(ctx, place, s))
	default:
		s.willEnd(l.ledger.now())
		if _, err := l.story.stage.pool.Exec(ctx, "delete from pgsession.sessions where id = $1", s.id); err != nil {
			return fmt.Errorf("delete a session: %w", err)
		}
		s.hasEnded(l.ledger.now())
		return l.replace(ctx, place, s)
	}
}

// update changes a payload by hand.
func (l *load) update(ctx context.Context, s *subject, n int) error {
	var version int64
	var payload []byte
	err := l.story.stage.pool.QueryRow(ctx,
		"update pgsession.sessions set payload = payload || jsonb_build_object('dba', $2::int) where id = $1 returning version, payload", s.id, n).
		Scan(&version, &payload)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil // it has ended meanwhile
	}
	if err != nil {
		return fmt.Errorf("update a session: %w", err)
	}
	s.changed(version, l.ledger.now(), l.ledger.digest(payload))
	return nil
}

// replace opens a new session in place of one that has ended, unless somebody else has.
func (l *load) replace(ctx context.Context, place int, old *subject) error {
	l.opening.RLock()
	defer l.opening.RUnlock()
	s, err := l.open(ctx, place)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.subjects[place] == old {
		l.subjects[place] = s
		l.gone = append(l.gone, old)
	}
	return nil
}

// closeUser ends all sessions of a user and opens new ones.
func (l *load) closeUser(ctx context.Context, _ *rand.Rand) error {
	closed, err := l.endAll(ctx, "bert")
	if err != nil {
		return err
	}
	l.writes.Add(1)
	for place, s := range closed {
		if err := l.replace(ctx, place, s); err != nil {
			return err
		}
	}
	return nil
}

// endAll ends a user's sessions with one call and returns them by their places.
func (l *load) endAll(ctx context.Context, user string) (map[int]*subject, error) {
	l.opening.Lock()
	defer l.opening.Unlock()
	sessions := map[int]*subject{}
	l.mu.Lock()
	for place, s := range l.subjects {
		if s.user == user {
			sessions[place] = s
		}
	}
	l.mu.Unlock()
	for _, s := range sessions {
		s.willEnd(l.ledger.now())
	}
	if _, err := l.story.stage.pool.Exec(ctx, "select pgsession.session_close_user($1)", user); err != nil {
		return nil, fmt.Errorf("close a user's sessions: %w", err)
	}
	at := l.ledger.now()
	for _, s := range sessions {
		s.hasEnded(at)
	}
	return sessions, nil
}

// probe changes anna's own session at one process and reads it at the others until they have the change.
func (l *load) probe(ctx context.Context, random *rand.Rand) error {
	at := l.process(random)
	c, ok, err := l.story.visitor.merge(ctx, l.ledger, at, l.story.anna, map[string]int{"probe": random.IntN(1 << 30)})
	if err != nil {
		return err
	}
	if !ok {
		return errors.New("the probe's session ended by itself")
	}
	l.writes.Add(1)
	errs := make([]error, processes)
	var watchers sync.WaitGroup
	for n, i := range l.story.stage.instances {
		if i != at {
			watchers.Go(func() { errs[n] = l.watch(ctx, i, c) })
		}
	}
	watchers.Wait()
	return errors.Join(errs...)
}

// watch times until a process answers with a change. One that takes longer than the lease is left to the ledger to judge.
func (l *load) watch(ctx context.Context, i *instance, c change) error {
	for {
		r, err := l.story.visitor.read(ctx, l.ledger, i, l.story.anna)
		if err != nil {
			return err
		}
		l.note(r)
		if r.version == ended {
			return fmt.Errorf("%s at process %d: the probe's session ended by itself", http.MethodGet, i.number)
		}
		if took := r.got - c.at; r.version >= c.version || took > l.story.stage.lease+time.Second {
			l.mu.Lock()
			l.probes = append(l.probes, took)
			l.mu.Unlock()
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(watchPause): // asking without a pause would slow down what is being timed
		}
	}
}
