package listener

import (
	"math"
	"sync"
	"sync/atomic"

	"github.com/maypok86/otter/v2"

	"github.com/pgsession/pgsession/client"
)

// stripes is the number of locks that each index is spread over.
const stripes = 512

// memory holds the cached sessions and decides what may be stored: steps 4 and 6 of the cache
// procedure. It knows neither the database nor time.
//
// Invalidations and reads take their numbers from one sequence. A read notes the number before it is
// sent; an invalidation takes the next one and stamps it on what it concerns. What a read brings is
// stored only if nothing that concerns it bears a later stamp. Both look and stamp under the stripe's
// lock, so no fill slips through between an invalidation's stamp and its removal.
//
// Locks are taken in the order: stripe of the key, stripe of the username, otter's own.
type memory struct {
	entries *otter.Cache[client.Key, *entry]
	keys    [stripes]keyStripe
	users   [stripes]userStripe

	sequence atomic.Uint64
	flushed  atomic.Uint64 // the number of the last flush: entries read before it are no more
	epoch    atomic.Pointer[client.Epoch]
	reported atomic.Uint64 // the number up to which the database may know that all is applied

	sweep chan struct{} // told after a flush that there is memory to free
}

type keyStripe struct {
	sync.Mutex
	stamp   uint64
	entries map[client.Tag]*entry
	flights map[client.Key]*flight
}

type userStripe struct {
	sync.Mutex
	stamp uint64
	first map[client.Tag]*entry // the user's entries, linked
}

func newMemory(maxEntries int, maxBytes int64, execute func(func())) (*memory, error) {
	m := &memory{sweep: make(chan struct{}, 1)}
	m.epoch.Store(&client.Epoch{})
	for i := range stripes {
		m.keys[i].entries = map[client.Tag]*entry{}
		m.keys[i].flights = map[client.Key]*flight{}
		m.users[i].first = map[client.Tag]*entry{}
	}
	// One weight bounds both: an entry weighs its bytes, or its share of them if that is more.
	share := max(1, maxBytes/int64(maxEntries))
	entries, err := otter.New(&otter.Options[client.Key, *entry]{
		MaximumWeight: uint64(maxBytes),
		Weigher:       func(_ client.Key, e *entry) uint32 { return uint32(min(max(e.size(), share), math.MaxUint32)) },
		OnDeletion: func(d otter.DeletionEvent[client.Key, *entry]) {
			if d.WasEvicted() {
				m.forget(d.Value)
			}
		},
		Executor: execute,
	})
	m.entries = entries
	return m, err
}

func (m *memory) keyStripe(t client.Tag) *keyStripe   { return &m.keys[uint64(t)%stripes] }
func (m *memory) userStripe(t client.Tag) *userStripe { return &m.users[uint64(t)%stripes] }

// get returns the entry under a key unless a flush has passed it. Whether the lease, its deadline and
// the caller allow an answer is not decided here.
func (m *memory) get(key client.Key) (e *entry, flushed bool) {
	e, ok := m.entries.GetIfPresent(key)
	if !ok {
		return nil, false
	}
	return e, e.number < m.flushed.Load()
}

// store keeps what a read brought, if nothing that concerns it has been invalidated since the read's
// number was noted and it is of the current epoch. The caller holds ks, the stripe of the key.
func (m *memory) store(ks *keyStripe, e *entry) bool {
	stamped := ks.stamp > e.number || m.flushed.Load() > e.number
	if stamped && !seam(seamNoNumbers) || e.session.Epoch != *m.epoch.Load() && !seam(seamFillAnyEpoch) {
		return false
	}
	// Also where another key has the same tag: of the two, only one can be told from the tag.
	m.remove(ks, ks.entries[e.tag])
	if e.session.Username != "" {
		us := m.userStripe(e.user)
		us.Lock()
		defer us.Unlock()
		if us.stamp > e.number && !seam(seamNoNumbers) {
			return false
		}
		us.link(e)
	}
	ks.entries[e.tag] = e
	m.entries.Set(e.session.Key, e)
	return true
}

// forget takes an entry that otter has evicted out of the indexes.
func (m *memory) forget(e *entry) {
	ks := m.keyStripe(e.tag)
	ks.Lock()
	defer ks.Unlock()
	if ks.entries[e.tag] == e {
		delete(ks.entries, e.tag)
	}
	m.unlink(e)
}

func (m *memory) unlink(e *entry) {
	if e.session.Username == "" {
		return
	}
	us := m.userStripe(e.user)
	us.Lock()
	us.unlink(e)
	us.Unlock()
}

// invalidateKey forgets the session with a tag: what is cached is removed, what is being read will not
// be stored, and nobody joins a read begun before.
func (m *memory) invalidateKey(tag client.Tag) {
	if seam(seamNoInvalidation) {
		return
	}
	ks := m.keyStripe(tag)
	ks.Lock()
	defer ks.Unlock()
	ks.stamp = m.sequence.Add(1)
	m.remove(ks, ks.entries[tag])
	for _, f := range ks.flights {
		if f.tag == tag && !seam(seamJoinPast) {
			f.open, f.stamp = nil, ks.stamp
		}
	}
}

// remove takes an entry, if there is one, out of the cache and the indexes. The caller holds ks.
func (m *memory) remove(ks *keyStripe, e *entry) {
	if e == nil {
		return
	}
	delete(ks.entries, e.tag)
	m.entries.Invalidate(e.session.Key)
	m.unlink(e)
}

// invalidateUser forgets all sessions of the username with a tag.
func (m *memory) invalidateUser(tag client.Tag) {
	if seam(seamNoInvalidation) {
		return
	}
	us := m.userStripe(tag)
	us.Lock()
	us.stamp = m.sequence.Add(1)
	var found []*entry
	for e := us.first[tag]; e != nil; e = e.next {
		found = append(found, e)
	}
	us.Unlock()
	pause()
	// From here on nothing older is stored. Reads in flight cannot be told by user: those that others
	// have joined look at the stamp when they land.
	for _, e := range found {
		ks := m.keyStripe(e.tag)
		ks.Lock()
		if ks.entries[e.tag] == e {
			m.remove(ks, e)
		}
		ks.Unlock()
	}
}

// flush forgets everything at once; freeing the memory is left to the sweeper.
func (m *memory) flush() {
	if seam(seamNoInvalidation) {
		return
	}
	// Two may flush at once, the listener's goroutine and the poller's: the later number has to stay.
	number := m.sequence.Add(1)
	for last := m.flushed.Load(); number > last && !m.flushed.CompareAndSwap(last, number); {
		last = m.flushed.Load()
	}
	for i := range m.keys {
		ks := &m.keys[i]
		ks.Lock()
		for _, f := range ks.flights {
			f.open = nil
		}
		ks.Unlock()
	}
	select {
	case m.sweep <- struct{}{}:
	default:
	}
}

// enter makes an epoch the current one and forgets what was read in another. The epoch changes before
// the flush takes its number: a fill that noted a later number then compares with the new epoch.
func (m *memory) enter(epoch client.Epoch) {
	m.epoch.Store(&epoch)
	pause()
	if !seam(seamKeepEpoch) {
		m.flush()
	}
}

// free removes the entries that a flush has passed. Hits and fills go on meanwhile.
func (m *memory) free() {
	flushed := m.flushed.Load()
	for i := range m.keys {
		ks := &m.keys[i]
		ks.Lock()
		for _, e := range ks.entries {
			if e.number < flushed {
				m.remove(ks, e)
			}
		}
		ks.Unlock()
	}
}

// report notes that the database is about to be told that all invalidations so far have been applied.
func (m *memory) report() { m.reported.Store(m.sequence.Load()) }

// stampedSince reports whether the username of a session was invalidated after a number was noted.
func (m *memory) stampedSince(s *client.Session, number uint64) bool {
	if s.Username == "" {
		return false
	}
	us := m.userStripe(client.UserTag(s.Username))
	us.Lock()
	defer us.Unlock()
	return us.stamp > number
}

func (us *userStripe) link(e *entry) {
	e.next = us.first[e.user]
	if e.next != nil {
		e.next.prev = e
	}
	us.first[e.user] = e
	e.linked = true
}

func (us *userStripe) unlink(e *entry) {
	if !e.linked {
		return
	}
	if e.prev != nil {
		e.prev.next = e.next
	} else if e.next != nil {
		us.first[e.user] = e.next
	} else {
		delete(us.first, e.user)
	}
	if e.next != nil {
		e.next.prev = e.prev
	}
	e.prev, e.next, e.linked = nil, nil, false
}
