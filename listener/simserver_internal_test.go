package listener

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pgsession/pgsession/client"
)

var (
	errBroken  = errors.New("simulated: the connection is broken")
	errRefused = errors.New("simulated: refused")
)

// simServer is a PostgreSQL server with the visibility rules of transactions, and the functions of
// sql/api/change_*.sql. The simulation's lock guards it.
type simServer struct {
	sim *simulation

	next      uint64 // the next transaction
	completed uint64 // the latest that has been decided
	running   []*simTx
	rows      map[client.Key]*simCommit

	// Unlogged.
	log      []simLogged
	started  bool // there is a row in change_state
	part     int
	lowWater uint64
	begun    time.Time
	members  map[client.Instance]*client.Member
	joined   map[client.Instance]time.Time
	ticks    []simTick

	since   time.Time // when it was started
	up      bool
	demoted bool
	ears    map[*simEar]bool

	lease  time.Duration // the setting
	leases []*simLease   // its former values
}

// simLease is a row of lease_changes.
type simLease struct {
	was  time.Duration
	seen time.Time
}

// simTx is a transaction. It does what it does when it commits.
type simTx struct {
	server   *simServer
	xid      uint64
	at       time.Time
	prepared bool // survives a crash, and has lost its log rows then
	crashed  bool
	aborted  bool
}

type simLogged struct {
	xid    uint64
	change client.Change
}

type simTick struct {
	at   time.Time
	xmin uint64
}

func newSimServer(s *simulation) *simServer {
	return &simServer{
		sim: s, next: 1000, completed: 999, rows: map[client.Key]*simCommit{},
		members: map[client.Instance]*client.Member{}, joined: map[client.Instance]time.Time{}, ears: map[*simEar]bool{}, up: true, since: time.Now(), lease: s.weather.lease,
	}
}

func (v *simServer) begin(prepared bool) *simTx {
	tx := &simTx{server: v, xid: v.next, at: time.Now(), prepared: prepared}
	v.next++
	v.running = append(v.running, tx)
	return tx
}

// end decides a transaction.
func (v *simServer) end(tx *simTx) {
	v.running = slices.DeleteFunc(v.running, func(r *simTx) bool { return r == tx })
	v.completed = max(v.completed, tx.xid)
}

// commit applies a transaction's work, logs it and notifies of it. It returns what has changed.
func (v *simServer) commit(tx *simTx, work simWork, silent bool) ([]*simCommit, error) {
	if tx.aborted || !v.up || v.demoted {
		v.end(tx)
		return nil, errBroken
	}
	commits, changes := work(v)
	for _, c := range commits {
		c.xid = tx.xid
		v.rows[c.key] = c
	}
	v.end(tx)
	if !tx.crashed {
		for _, change := range changes {
			v.log = append(v.log, simLogged{tx.xid, change})
		}
	}
	if len(changes) > 0 && !tx.prepared && v.sim.weather.notify != "none" && !silent {
		v.notify(changes...)
	}
	return commits, nil
}

func (v *simServer) snapshot() client.Snapshot {
	xmax := v.completed + 1
	var xip []string
	xmin := xmax
	for _, tx := range v.running { // in rising order: they were begun so
		if tx.xid < xmax {
			xmin = min(xmin, tx.xid)
			xip = append(xip, fmt.Sprint(tx.xid))
		}
	}
	s, err := client.ParseSnapshot(fmt.Sprintf("%d:%d:%s", xmin, xmax, strings.Join(xip, ",")))
	if err != nil {
		panic(err)
	}
	return s
}

func (v *simServer) epoch() client.Epoch {
	var e client.Epoch
	if v.started {
		binary.BigEndian.PutUint32(e[:], uint32(v.part)*2654435761)
		binary.BigEndian.PutUint64(e[8:], uint64(v.since.UnixNano()))
	}
	return e
}

func (v *simServer) start() {
	if !v.started {
		v.sim.parts++
		v.started, v.part, v.begun, v.lowWater = true, v.sim.parts, time.Now(), v.snapshot().Xmax()
	}
}

// poll is change_poll.
func (v *simServer) poll(cursor client.Snapshot, id client.Instance) client.Poll {
	own := v.begin(false) // the update of the register takes a transaction of its own
	defer v.end(own)
	w := v.sim.weather
	for _, l := range v.leases {
		if l.seen.IsZero() {
			l.seen = time.Now()
		}
	}
	p := client.Poll{Epoch: v.epoch(), Snapshot: v.snapshot(), Interval: w.poll, Notify: w.notify}
	p.Lease, p.Wait = v.times(0)
	if v.started {
		p.LowWater = v.lowWater
	}
	if m := v.members[id]; m != nil {
		m.Applied, p.Member = cursor, true
		m.Polls++
	}
	if cursor.IsZero() {
		return p
	}
	for _, l := range v.log {
		if (l.xid >= cursor.Xmax() || !cursor.Sees(l.xid)) && !slices.Contains(p.Changes, l.change) {
			p.Changes = append(p.Changes, l.change)
		}
	}
	if len(p.Changes) > w.pollLimit {
		p.Changes = []client.Change{{Kind: client.ChangedAll}}
	}
	return p
}

// times is lease_times.
func (v *simServer) times(fencing time.Duration) (granted, waited time.Duration) {
	granted, waited = v.lease, v.lease
	for _, l := range v.leases {
		if l.seen.IsZero() || time.Since(l.seen) < l.was+l.was/100+fencing {
			granted, waited = min(granted, l.was), max(waited, l.was)
		}
	}
	return granted, waited + waited/100 + fencing
}

// setLease is set_setting.
func (v *simServer) setLease(lease time.Duration) {
	v.leases = append(v.leases, &simLease{was: v.lease})
	v.lease = lease
}

// join is change_join.
func (v *simServer) join(id client.Instance) {
	if m := v.members[id]; m != nil {
		m.Applied = client.Snapshot{}
		m.Polls++
		return
	}
	v.members[id] = &client.Member{Instance: id}
	v.joined[id] = time.Now()
}

// applied is change_applied.
func (v *simServer) applied(xid uint64) bool {
	_, wait := v.times(v.sim.weather.fencing)
	now := time.Now()
	young := !v.started || now.Sub(v.begun) <= wait || now.Sub(v.since) <= wait
	if young && !seam(seamYoungEpoch) || !v.snapshot().Sees(xid) {
		return false
	}
	for _, m := range v.members {
		if m.Applied.IsZero() || !m.Applied.Sees(xid) {
			return false
		}
	}
	return true
}

// purge is change_purge.
func (v *simServer) purge() {
	now := time.Now()
	w := v.sim.weather
	if n := len(v.ticks); n == 0 || now.Sub(v.ticks[n-1].at) > w.lease/4 {
		v.ticks = append(v.ticks, simTick{now, v.snapshot().Xmin()})
	}
	for _, tick := range slices.Backward(v.ticks) {
		if now.Sub(tick.at) >= w.retention {
			v.lowWater = max(v.lowWater, tick.xmin)
			v.log = slices.DeleteFunc(v.log, func(l simLogged) bool { return l.xid < tick.xmin })
			return
		}
	}
}

// notify sends one notification to all who listen.
func (v *simServer) notify(changes ...client.Change) {
	var items strings.Builder
	for _, c := range changes {
		items.WriteByte(byte(c.Kind))
		if c.Kind != client.ChangedAll && c.Kind != '!' {
			items.WriteString(base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, uint64(c.Tag))))
		}
	}
	v.sim.notifications++
	epoch := v.epoch()
	payload := "1|" + hex.EncodeToString(epoch[:4]) + "||" + items.String()
	for ear := range v.ears {
		ear.send(v.sim.notifications, payload)
	}
}

// crash loses what is unlogged, and every transaction but the prepared ones.
func (v *simServer) crash() {
	v.stop()
	v.log, v.ticks, v.started = nil, nil, false
	clear(v.members)
	for _, tx := range v.running {
		tx.crashed = true
	}
}

// stop ends the server: connections break, what is not prepared is rolled back.
func (v *simServer) stop() {
	v.up = false
	v.hangUp()
	v.running = slices.DeleteFunc(v.running, func(tx *simTx) bool {
		tx.aborted = !tx.prepared
		return tx.aborted
	})
	v.completed = v.next - 1
}

func (v *simServer) hangUp() {
	for ear := range v.ears {
		ear.breakOff()
	}
	clear(v.ears)
}

func (v *simServer) startAgain() { v.up, v.since = true, time.Now() }

// standby is the server as it is when it has been promoted with what it had received by the cut.
func (v *simServer) standby(cut time.Time) *simServer {
	s := newSimServer(v.sim)
	s.since = v.sim.start.Add(-time.Hour)
	maps.Copy(s.rows, v.sim.history.restore(cut))
	for _, c := range s.rows {
		s.next = max(s.next, c.xid+1) // the numbers of what is lost are used again
	}
	for _, tx := range v.running {
		if tx.prepared && !tx.at.After(cut) {
			tx.server, tx.crashed = s, true
			s.running = append(s.running, tx)
			s.next = max(s.next, tx.xid+1)
		} else {
			tx.aborted = true
		}
	}
	v.running = nil
	s.completed = s.next - 1
	return s
}
