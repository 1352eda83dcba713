package listener

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/pgsession/pgsession/client"
)

// simWork is what a transaction does, when it commits: the states it makes, and what it logs.
type simWork func(v *simServer) ([]*simCommit, []client.Change)

// simLink is a process's way to the database: requests and answers take time and get lost. It is the
// database of a cache, and what programs without a cache use.
type simLink struct {
	client.Store // what the simulation does not use
	sim          *simulation
	id           uint64
	silent       bool // writes do not notify in doorbell mode
	state        *simLinkState
}

type simLinkState struct {
	sync.Mutex
	counts map[uint64]uint64
	hold   map[uint64]time.Duration // by how much answers of a kind are held up, beside the weather
	deaf   bool                     // no polls and notifications, beside the weather

	instance   client.Instance // the last that has joined; the simulation's lock guards it
	unanswered time.Time       // when a barrier last got no answer how long to wait
}

// psql is the id of the link of those who write past all caches; processes count from 0.
const psql = 100

// The kinds of requests. Each draws its own lots, so that their order does not matter.
const (
	simRead uint64 = iota
	simPoll
	simDial
	simRing
	simApplied
	simWrite
	simHear
	simOther
	simAskWait
)

func newSimLink(s *simulation, id uint64) *simLink {
	return &simLink{sim: s, id: id, state: &simLinkState{counts: map[uint64]uint64{}, hold: map[uint64]time.Duration{}}}
}

// lots returns the lots of the next request of a kind.
func (l *simLink) lots(kind, key uint64) *rand.Rand {
	stream := l.id<<40 | kind<<32 | key&0xffffffff
	l.state.Lock()
	defer l.state.Unlock()
	l.state.counts[stream]++
	return l.sim.lots(stream, l.state.counts[stream])
}

// delay draws how long a message takes.
func (l *simLink) delay(r *rand.Rand, slow float64) time.Duration {
	w := l.sim.weather
	d := 50*time.Microsecond + time.Duration(r.Int64N(int64(time.Millisecond)))
	if r.Float64() < slow {
		d += time.Duration(r.Float64() * r.Float64() * float64(w.slowest))
	}
	return d
}

// cutOff reports whether no message of a kind goes to or comes from this process now.
func (l *simLink) cutOff(kind uint64) bool {
	w, now := l.sim.weather, l.sim.since()
	apart := kind == simPoll || kind == simDial || kind == simHear
	l.state.Lock()
	defer l.state.Unlock()
	return w.cut[l.id].covers(now) || apart && (l.state.deaf || w.deaf[l.id].covers(now))
}

// holdUp has answers of a kind take longer from now on.
func (l *simLink) holdUp(kind uint64, by time.Duration) {
	l.state.Lock()
	defer l.state.Unlock()
	l.state.hold[kind] = by
}

// deafen takes polls and notifications from the process.
func (l *simLink) deafen() {
	l.state.Lock()
	defer l.state.Unlock()
	l.state.deaf = true
}

// answeredSince reports whether all barriers since then have been told how long to wait. One that is not, and
// whose process held no lease, goes on asking.
func (l *simLink) answeredSince(t time.Time) bool {
	l.state.Lock()
	defer l.state.Unlock()
	return l.state.unanswered.Before(t)
}

func (l *simLink) held(kind uint64) time.Duration {
	l.state.Lock()
	defer l.state.Unlock()
	return l.state.hold[kind]
}

// stopped reports whether this process does not run now.
func (l *simLink) stopped() bool { return l.sim.weather.stop[l.id].covers(l.sim.since()) }

// travel waits while a message is under way, and while this process is stopped.
func (l *simLink) travel(ctx context.Context, d time.Duration) error {
	for {
		if err := simWait(ctx, d); err != nil {
			return err
		}
		if !l.stopped() {
			return nil
		}
		d = l.sim.weather.stop[l.id].until - l.sim.since() + d/2
	}
}

// call sends a request to a server, has it done there, and waits for the answer. A message that is lost
// is waited for until the connection is given up.
func (l *simLink) call(ctx context.Context, kind, key uint64, v *simServer, do func(v *simServer) error) error {
	w := l.sim.weather
	r := l.lots(kind, key)
	slow, lose := w.slow, w.lose
	if kind == simPoll {
		slow, lose = w.slowPoll, w.losePoll
	}
	there, back := l.delay(r, slow), l.delay(r, slow)
	lost, unanswered := r.Float64() < lose, r.Float64() < lose
	hang := time.Duration(r.Float64() * 3 * float64(w.lease))
	if err := l.travel(ctx, there); err != nil {
		return err
	}
	if lost || l.cutOff(kind) {
		return l.giveUp(ctx, hang)
	}
	l.sim.Lock()
	if v == nil {
		v = l.route(r, kind)
	}
	err := errRefused
	if v.up {
		err = do(v)
	}
	l.sim.Unlock()
	if err == nil && (unanswered || l.cutOff(kind)) {
		return l.giveUp(ctx, hang)
	}
	if errTravel := l.travel(ctx, back+l.held(kind)); errTravel != nil {
		return errTravel
	}
	return err
}

func (l *simLink) giveUp(ctx context.Context, hang time.Duration) error {
	if err := simWait(ctx, hang); err != nil {
		return err
	}
	return errBroken
}

// route picks the server that a connection goes to: the primary, or one that was, while it still answers.
func (l *simLink) route(r *rand.Rand, kind uint64) *simServer {
	if old := l.sim.demoted; old != nil && old.up && r.Float64() < 0.5 && kind != simWrite {
		return old
	}
	return l.sim.primary
}

// write runs a transaction. It may stay open for long, be prepared, or be rolled back.
func (l *simLink) write(ctx context.Context, key uint64, hold time.Duration, prepared bool, work simWork) ([]*simCommit, error) {
	var tx *simTx
	err := l.call(ctx, simOther, key, nil, func(v *simServer) error {
		if v.demoted {
			return errRefused
		}
		tx = v.begin(prepared)
		return nil
	})
	if tx == nil {
		return nil, err
	}
	if hold > 0 {
		_ = simWait(context.WithoutCancel(ctx), hold) // the transaction's own time
	}
	return l.finish(ctx, key, tx, work)
}

func (l *simLink) finish(ctx context.Context, key uint64, tx *simTx, work simWork) ([]*simCommit, error) {
	l.sim.Lock()
	server := tx.server // a failover may hand it on
	l.sim.Unlock()
	var commits []*simCommit
	err := l.call(ctx, simWrite, key, server, func(*simServer) error {
		var err error
		commits, err = tx.server.commit(tx, work, l.silent && l.sim.weather.notify == "doorbell")
		return err
	})
	l.sim.Lock()
	if commits == nil && !tx.aborted {
		tx.server.end(tx) // its connection is gone
		tx.aborted = true
	}
	l.sim.Unlock()
	if told, ok := ctx.Value(simTold{}).(*[]*simCommit); ok {
		*told = commits
	}
	return commits, err
}

// simTold is the key of a context under which a writer learns what it has committed, also where no
// answer comes.
type simTold struct{}

func (l *simLink) Version(context.Context) (string, error) { return known + "0", nil }

func (l *simLink) SessionSave(ctx context.Context, key client.Key, _ any, _ int64) (client.Floor, error) {
	commits, err := l.write(ctx, uint64(key.Tag()), 0, false, workSave(key))
	if err != nil || len(commits) == 0 {
		return client.Floor{}, errors.Join(err, client.ErrGone)
	}
	return client.Floor{Epoch: commits[0].epoch, Version: commits[0].version}, nil
}

func (l *simLink) SessionClose(ctx context.Context, key client.Key) (bool, error) {
	commits, err := l.write(ctx, uint64(key.Tag()), 0, false, workClose(key))
	return len(commits) > 0, err
}

func (l *simLink) SessionCloseUser(ctx context.Context, username string, _ ...client.Key) (int64, error) {
	commits, err := l.write(ctx, uint64(client.UserTag(username)), 0, false, workCloseUser(username))
	return int64(len(commits)), err
}

func (l *simLink) SessionSweep(ctx context.Context, _ int) (int, error) {
	return 0, l.call(ctx, simOther, 0, nil, func(v *simServer) error { v.purge(); return nil })
}

func (l *simLink) ChangeRing(ctx context.Context, changes ...client.Change) error {
	if len(changes) == 0 {
		changes = []client.Change{{Kind: '!'}}
	}
	return l.call(ctx, simRing, 0, nil, func(v *simServer) error {
		if l.sim.weather.notify != "none" {
			v.notify(changes...)
		}
		return nil
	})
}

func (l *simLink) ChangeApplied(ctx context.Context, xid uint64) (applied bool, err error) {
	err = l.call(ctx, simApplied, xid, nil, func(v *simServer) error { applied = v.applied(xid); return nil })
	return applied && err == nil, err
}

func (l *simLink) ChangeWait(ctx context.Context, fencing time.Duration) (wait time.Duration, err error) {
	err = l.call(ctx, simAskWait, 0, nil, func(v *simServer) error { _, wait = v.times(fencing); return nil })
	if err != nil {
		l.state.Lock()
		defer l.state.Unlock()
		l.state.unanswered = time.Now()
	}
	return wait, err
}

func (l *simLink) ChangeMembers(ctx context.Context) (members []client.Member, err error) {
	err = l.call(ctx, simOther, 1, nil, func(v *simServer) error {
		for _, m := range v.members {
			members = append(members, *m)
		}
		return nil
	})
	return members, err
}

func (l *simLink) ChangeExpel(ctx context.Context, id client.Instance, polls int64) (expelled bool, err error) {
	err = l.call(ctx, simOther, 2, nil, func(v *simServer) error {
		if m := v.members[id]; m != nil && m.Polls == polls {
			delete(v.members, id)
			expelled = true
		}
		return nil
	})
	return expelled, err
}

func (l *simLink) ChangeLeave(ctx context.Context, id client.Instance) error {
	return l.call(ctx, simOther, 3, nil, func(v *simServer) error { delete(v.members, id); return nil })
}

func (l *simLink) acquire(ctx context.Context) (reader, error) {
	return simReader{l}, ctx.Err()
}

func (l *simLink) quiet() client.Store {
	quiet := *l
	quiet.silent = true
	return &quiet
}

func (l *simLink) revoke(ctx context.Context, run func(tx *client.Client) error) (xid uint64, epoch client.Epoch, err error) {
	var tx *simTx
	err = l.call(ctx, simOther, 4, nil, func(v *simServer) error {
		if v.demoted {
			return errRefused
		}
		tx, epoch = v.begin(false), v.epoch()
		return nil
	})
	if tx == nil {
		return 0, epoch, err
	}
	statement := &simStatement{}
	if err := run(client.New(statement)); err != nil {
		return 0, epoch, err
	}
	_, err = l.finish(ctx, 4, tx, statement.work)
	return tx.xid, epoch, err
}

func (l *simLink) dial(ctx context.Context) (line, error) {
	var server *simServer
	err := l.call(ctx, simDial, 0, nil, func(v *simServer) error { server = v; return nil })
	if err != nil {
		return nil, err
	}
	return &simLine{l, server}, nil
}

// listen has notifications arrive late, twice, in another order, or not at all.
func (l *simLink) listen(ctx context.Context, e *ears) {
	for ctx.Err() == nil {
		ear := &simEar{link: l, heard: make(chan string, 1000), broken: make(chan struct{})}
		err := l.call(ctx, simHear, 0, nil, func(v *simServer) error { v.ears[ear] = true; return nil })
		if err == nil {
			e.opened(ear.breakOff)
			ear.hearAll(ctx, e)
		}
		e.lost(ctx, errBroken)
		_ = simWait(ctx, l.delay(l.lots(simHear, 1), 1))
	}
}

// simEar is a connection that listens.
type simEar struct {
	link   *simLink
	heard  chan string
	once   sync.Once
	broken chan struct{}
}

func (r *simEar) breakOff() { r.once.Do(func() { close(r.broken) }) }

func (r *simEar) hearAll(ctx context.Context, e *ears) {
	for {
		select {
		case payload := <-r.heard:
			e.hear(payload, 0)
		case <-r.broken:
			return
		case <-ctx.Done():
			return
		}
	}
}

// send has a notification arrive some time, or some times.
func (r *simEar) send(number uint64, payload string) {
	w := r.link.sim.weather
	lots := r.link.sim.lots(r.link.id<<40|simHear<<32|1<<20, number)
	if lots.Float64() < w.loseNotification {
		return
	}
	for range 1 + lots.IntN(2) {
		d := 50*time.Microsecond + time.Duration(lots.Float64()*lots.Float64()*float64(w.slowNotification))
		time.AfterFunc(d, func() {
			if r.link.cutOff(simHear) {
				return
			}
			if r.link.stopped() && r.link.travel(r.link.sim.ctx, d) != nil {
				return
			}
			select {
			case r.heard <- payload:
			default:
			}
		})
	}
}
