package memory

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	"github.com/pgsession/pgsession/client"
)

const (
	defaultPayloadMax   = 65536
	defaultPasswordMin  = 1
	defaultThrottleFree = 5
)

// Options are the settings that the database would have. The zero value has the database's defaults.
type Options struct {
	// PayloadMax is how many bytes a payload may have, as jsonb writes it. 0: 65,536.
	PayloadMax int

	// AbsoluteLifetime is how long after its opening a session ends, however much it is used. 0: never.
	AbsoluteLifetime time.Duration

	// PasswordMin is how many characters a new password has at least. 0: 1.
	PasswordMin int

	// ThrottleFree is how many failed logins in a row an account has before further ones are throttled. 0: 5. Negative: logins are
	// never throttled.
	ThrottleFree int
}

// Store is a [client.Store] in memory. It is safe for concurrent use; no call blocks but for another's short one. A context that has
// ended fails a call, as it does a database's.
type Store struct {
	options Options
	epoch   client.Epoch

	mu       sync.Mutex
	users    map[string]*user
	sessions map[client.Key]*session
	attempts map[string]*attempts // failed logins by username, known or not
	lastUser int64
	lastID   int64
}

var _ client.Store = (*Store)(nil)

// New makes an empty store.
func New(o Options) *Store {
	if o.PayloadMax == 0 {
		o.PayloadMax = defaultPayloadMax
	}
	if o.PasswordMin == 0 {
		o.PasswordMin = defaultPasswordMin
	}
	if o.ThrottleFree == 0 {
		o.ThrottleFree = defaultThrottleFree
	}
	s := &Store{
		options:  o,
		users:    map[string]*user{},
		sessions: map[client.Key]*session{},
		attempts: map[string]*attempts{},
	}
	if _, err := rand.Read(s.epoch[:]); err != nil {
		panic(err) // it never fails: crypto/rand ends the process instead
	}
	return s
}

// begin locks the store for one call, which gives it back by the function returned.
func (s *Store) begin(ctx context.Context, op string) (unlock func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("pgsession: %s: %w", op, err)
	}
	s.mu.Lock()
	return s.mu.Unlock, nil
}
