package listener

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/pgsession/pgsession/client"
)

// drift is ρ, by how much the rates of two machines' clocks may differ.
const drift = 0.01

// simulation is one run: some processes with a cache each, a simulated database, and a network between
// them whose faults a seed decides. Time is the bubble's. All that the database does it does at once,
// under the lock.
type simulation struct {
	sync.Mutex
	ctx     context.Context // ends with the run
	cancel  context.CancelFunc
	seed    uint64
	weather *simWeather
	start   time.Time

	primary, demoted *simServer
	history          *simHistory
	keys             []client.Key
	users            []string
	processes        []*simProcess
	psql             *simLink

	parts         int
	notifications uint64
	disturbed     time.Time             // the last crash or failover
	old           map[client.Epoch]bool // epochs that a failover has ended
	revoked       []simPromise          // by the barriers that have returned

	result simResult
}

// simResult is what came of a run.
type simResult struct {
	seeds        int
	failures     []string
	answers      int
	hits         uint64
	fast, full   uint64
	writes       int
	flushes      uint64
	again, stale uint64
}

// simProcess is a process with a cache.
type simProcess struct {
	sim   *simulation
	id    uint64
	link  *simLink
	cache *Cache
	views map[client.Key]*simView
	epoch client.Epoch // the last that was noticed, and how many polls had been applied then
	polls uint64
}

func (p *simProcess) view(key client.Key) *simView {
	if p.views[key] == nil {
		p.views[key] = &simView{}
	}
	return p.views[key]
}

// newSimulation makes a run's database, its sessions, and no process yet.
func newSimulation(seed uint64, w *simWeather) *simulation {
	s := &simulation{seed: seed, weather: w, start: time.Now(), old: map[client.Epoch]bool{}, users: []string{"ann", "bob", ""}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.history = newSimHistory(s)
	s.primary = newSimServer(s)
	s.psql = newSimLink(s, psql)
	for i := range w.keys {
		key := client.KeyOf(fmt.Sprint(i))
		s.keys = append(s.keys, key)
		c := s.history.add(s.primary, key, func(*simCommit) {})
		c.acked, s.primary.rows[key] = s.start, c
	}
	return s
}

// simulate runs a seed. It has to be called in a bubble.
func simulate(seed uint64) simResult {
	s := newSimulation(seed, newSimWeather(lots(seed, 1<<50, 0)))
	for id := range uint64(s.weather.processes) {
		s.open(id)
	}
	s.run()
	s.close()
	return s.result
}

// lots returns the lots of the n-th draw of one stream. Whoever draws does so from streams of its own, so
// that the order of what happens at the same instant does not matter.
func lots(seed, stream, n uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed^stream*0x9e3779b97f4a7c15, n*0xd1342543de82ef95+stream))
}

func (s *simulation) lots(stream, n uint64) *rand.Rand { return lots(s.seed, stream, n) }

func (s *simulation) since() time.Duration { return time.Since(s.start) }

// fullWait is how long a revoker has to wait where nobody answers.
func (s *simulation) fullWait() time.Duration {
	return time.Duration(float64(s.weather.lease)*(1+drift)) + s.weather.fencing
}

// open starts a process. Where its cache cannot be opened, the run goes on without.
func (s *simulation) open(id uint64) *simProcess {
	p := &simProcess{sim: s, id: id, link: newSimLink(s, id), views: map[client.Key]*simView{}}
	spreads, mu := s.lots(1<<51, id), sync.Mutex{}
	spread := func(d time.Duration) time.Duration {
		mu.Lock()
		defer mu.Unlock()
		return d/2 + time.Duration(spreads.Int64N(int64(d/2+1)))
	}
	config := Config{
		Schema: "pgsession", MaxEntries: 100, MaxBytes: 1 << 20, Fencing: s.weather.fencing,
		TouchInterval: time.Hour, SweepInterval: s.weather.lease / 2, Logger: slog.New(slog.DiscardHandler),
	}
	for range 5 {
		cache, err := open(s.ctx, config, p.link, spread)
		if err == nil {
			p.cache = cache
			s.processes = append(s.processes, p)
			return p
		}
	}
	return nil
}

// close ends everything that was started.
func (s *simulation) close() {
	s.cancel()
	for _, p := range s.processes {
		stats := p.cache.Stats()
		s.result.hits += stats.Hits
		s.result.fast += stats.BarriersFast
		s.result.full += stats.BarriersFull
		s.result.flushes += stats.Flushes
		s.result.again += stats.ReadsAgain
		s.result.stale += stats.FillsStale
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		_ = p.cache.Close(ctx)
		cancel()
	}
}

// run lets everybody act for the length of the run.
func (s *simulation) run() {
	ctx := s.ctx
	var actors sync.WaitGroup
	act := func(id uint64, mean time.Duration, step func(r *rand.Rand)) {
		actors.Go(func() {
			r := s.lots(1<<52, id)
			for simWait(ctx, time.Duration(r.ExpFloat64()*float64(mean))+time.Duration(r.IntN(1000))) == nil {
				step(r)
			}
		})
	}
	t := s.weather.lease
	for _, p := range s.processes {
		for i := range uint64(2) {
			act(p.id<<8|i, s.weather.reading, func(r *rand.Rand) { p.read(ctx, r) })
		}
		act(p.id<<8|10, t/6, func(r *rand.Rand) { p.write(ctx, r) })
		act(p.id<<8|11, t/2, func(r *rand.Rand) { p.revoke(ctx, r) })
	}
	for i := range uint64(2) {
		act(psql<<8|i, t/6, func(r *rand.Rand) { s.writePast(ctx, r) })
	}
	act(psql<<8|10, t/30, func(r *rand.Rand) { s.reopen(ctx, r) })
	actors.Go(func() { s.storm(ctx) })
	_ = simWait(ctx, s.weather.length)
	s.cancel()
	actors.Wait()
}

// storm is the great event of a run, if it has one.
func (s *simulation) storm(ctx context.Context) {
	w := s.weather
	switch {
	case w.crash > 0 && simWait(ctx, w.crash) == nil:
		s.stop((*simServer).crash)
	case w.restart > 0 && simWait(ctx, w.restart) == nil:
		s.stop((*simServer).stop)
	case w.failover > 0 && simWait(ctx, w.failover) == nil:
		s.failover()
	}
}

// stop has the server be away for a while.
func (s *simulation) stop(how func(*simServer)) {
	s.Lock()
	s.disturbed = time.Now()
	how(s.primary)
	s.Unlock()
	time.Sleep(s.weather.down)
	s.Lock()
	s.primary.startAgain()
	s.Unlock()
}

// failover promotes a standby. The server that was the primary answers for F yet.
func (s *simulation) failover() {
	s.Lock()
	s.disturbed = time.Now()
	s.demoted = s.primary
	s.demoted.demoted = true
	s.old[s.demoted.epoch()] = true
	s.primary = s.demoted.standby(s.disturbed.Add(-s.weather.lag))
	s.Unlock()
	time.Sleep(s.weather.fencing)
	s.Lock()
	s.demoted.stop()
	s.Unlock()
}

func (s *simulation) fail(format string, args ...any) {
	if len(s.result.failures) < 5 {
		s.result.failures = append(s.result.failures, fmt.Sprintf("at %v: ", s.since())+fmt.Sprintf(format, args...))
	}
}

// read is a reader's step: it asks its cache and has the answer judged.
func (p *simProcess) read(ctx context.Context, r *rand.Rand) {
	s := p.sim
	if p.link.stopped() {
		return
	}
	a := &simAnswer{process: p, key: pick(r, s.keys...), asked: time.Now()}
	a.epoch, a.entered = p.entered()
	var floors []client.Floor
	if r.IntN(10) == 0 {
		s.Lock()
		if c := s.primary.rows[a.key]; !c.gone && !c.acked.IsZero() {
			a.floor = c
			floors = append(floors, client.Floor{Epoch: c.epoch, Version: c.version})
		}
		s.Unlock()
	}
	if r.IntN(20) == 0 {
		patience, cancel := context.WithTimeout(ctx, time.Duration(r.Float64()*float64(s.weather.lease)))
		defer cancel()
		ctx = patience
	}
	var err error
	a.session, a.source, a.found, err = p.cache.Lookup(ctx, a.key, floors...)
	a.at = time.Now()
	if err != nil || p.link.stopped() || ctx.Err() != nil {
		return
	}
	s.Lock()
	defer s.Unlock()
	s.result.answers++
	if why := s.history.judge(a); why != "" {
		s.fail("process %d, session %d: %s", p.id, keyIndex(s, a.key), why)
	}
}

// entered returns the cache's epoch, and whether the poll that brought it has been applied.
func (p *simProcess) entered() (client.Epoch, bool) {
	p.sim.Lock()
	defer p.sim.Unlock()
	epoch, polls := *p.cache.memory.epoch.Load(), p.cache.count.polls.Load()
	if epoch != p.epoch {
		p.epoch, p.polls = epoch, polls
	}
	return epoch, polls > p.polls
}

func keyIndex(s *simulation, key client.Key) int {
	for i := range s.keys {
		if s.keys[i] == key {
			return i
		}
	}
	return -1
}

// acknowledge notes that somebody has been told of commits.
func (s *simulation) acknowledge(commits []*simCommit) {
	for _, c := range commits {
		if c.acked.IsZero() {
			c.acked = time.Now()
		}
	}
	s.result.writes += len(commits)
}

// write is a step of a process that writes through its cache.
func (p *simProcess) write(ctx context.Context, r *rand.Rand) {
	s := p.sim
	if p.link.stopped() {
		return
	}
	var commits []*simCommit
	ctx = context.WithValue(ctx, simTold{}, &commits)
	if r.IntN(10) == 0 {
		patience, cancel := context.WithTimeout(ctx, time.Duration(r.Float64()*float64(s.weather.lease)))
		defer cancel()
		ctx = patience
	}
	key, user := pick(r, s.keys...), ""
	var err error
	switch r.IntN(8) {
	case 0:
		_, err = p.cache.SessionClose(ctx, key)
	case 1:
		user = pick(r, s.users[:2]...)
		_, err = p.cache.SessionCloseUser(ctx, user)
	default:
		_, err = p.cache.SessionSave(ctx, key, nil, 0)
	}
	s.Lock()
	defer s.Unlock()
	if err == nil {
		s.acknowledge(commits)
	}
	for _, c := range commits {
		view := p.view(c.key)
		view.written = append(view.written, simPromise{commit: c, from: time.Now(), user: user})
	}
}

// revoke is a step of a process that revokes and waits.
func (p *simProcess) revoke(ctx context.Context, r *rand.Rand) {
	s := p.sim
	if p.link.stopped() {
		return
	}
	var commits []*simCommit
	ctx = context.WithValue(ctx, simTold{}, &commits)
	key, user := pick(r, s.keys...), pick(r, s.users[:2]...)
	var err error
	if r.IntN(3) > 0 {
		_, err = p.cache.SessionCloseWait(ctx, key)
	} else {
		err = p.cache.RevokeWait(ctx, func(tx *client.Client) error {
			_, err := tx.SessionCloseUser(ctx, user)
			return err
		})
	}
	s.Lock()
	defer s.Unlock()
	now := time.Now()
	if err == nil {
		s.acknowledge(commits)
	}
	for _, c := range commits {
		if err == nil {
			s.revoked = append(s.revoked, simPromise{commit: c, from: now, unknown: s.unknown(c.at)})
		}
		if took := now.Sub(c.at); ctx.Err() == nil && !p.stoppedSince(c.at) && p.link.answeredSince(c.at) && took > s.fullWait()+2*s.weather.slowest+50*time.Millisecond && s.weather.lose == 0 {
			s.fail("process %d: the barrier took %v from its commit, %v", p.id, took, err)
		}
	}
}

// unknown returns the processes that a barrier which has just returned need not have known of: those that
// have not been registered since the commit, unless it has waited in full.
func (s *simulation) unknown(commit time.Time) map[*simProcess]bool {
	unknown := map[*simProcess]bool{}
	for _, p := range s.processes {
		id := p.link.state.instance
		known := s.primary.members[id] != nil && !s.primary.joined[id].After(commit)
		unknown[p] = !known && time.Since(commit) < s.fullWait()
	}
	return unknown
}

func (p *simProcess) stoppedSince(t time.Time) bool {
	w := p.sim.weather.stop[p.id]
	return w.until > 0 && t.Sub(p.sim.start) < w.until
}

// writePast is a step of somebody who writes with psql.
func (s *simulation) writePast(ctx context.Context, r *rand.Rand) {
	key, user, other := pick(r, s.keys...), pick(r, s.users[:2]...), pick(r, s.users[:2]...)
	work := workSave(key)
	switch r.IntN(12) {
	case 0, 1:
		work = workClose(key)
	case 2:
		work = workCloseUser(user)
	case 3:
		work = workRename(user, other)
	case 4:
		work = workSaveAll(s.keys)
	case 5:
		work = workNothing
	}
	hold, prepared := time.Duration(0), false
	if r.Float64() < s.weather.long {
		hold = time.Duration(r.Float64() * r.Float64() * 2 * float64(s.weather.lease))
		prepared = r.IntN(2) == 0
	}
	s.writes(ctx, key, hold, prepared, work)
}

func (s *simulation) writes(ctx context.Context, key client.Key, hold time.Duration, prepared bool, work simWork) {
	commits, err := s.psql.write(ctx, uint64(key.Tag()), hold, prepared, work)
	if err == nil {
		s.Lock()
		s.acknowledge(commits)
		s.Unlock()
	}
}

// reopen opens a session that has ended, under the same key.
func (s *simulation) reopen(ctx context.Context, r *rand.Rand) {
	key, user := pick(r, s.keys...), pick(r, s.users...)
	s.Lock()
	gone := s.primary.rows[key].gone
	s.Unlock()
	if gone {
		s.writes(ctx, key, 0, false, workOpen(key, user))
	}
}
