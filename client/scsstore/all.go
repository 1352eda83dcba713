package scsstore

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"

	"github.com/pgsession/pgsession/client"
)

// Lister lists all live sessions in the order of their IDs, at most limit of them, from the first after an ID. A *client.Client is
// one; its role needs the right to call session_scan, which grant_app does not give.
type Lister interface {
	SessionScan(ctx context.Context, after int64, limit int) ([]client.Session, error)
}

// scanPage is how many sessions are read at a time.
const scanPage = 1000

// errNoLister is what All returns without one.
var errNoLister = errors.New("scsstore: listing all sessions takes Options.Lister: a *client.Client whose role may call session_scan")

// All is [Store.AllCtx] without a context.
func (s *Store) All() (map[string][]byte, error) { return s.AllCtx(context.Background()) }

// AllCtx returns the data of all live sessions that scs has opened. The database does not know their tokens, so the map's keys are
// handles: Find and a cookie know none of them, Delete and Commit of this Store do, until AllCtx was called twice more. Thus
// scs.SessionManager's Iterate can read, destroy and commit sessions, and no handle opens one.
func (s *Store) AllCtx(ctx context.Context) (map[string][]byte, error) {
	if s.options.Lister == nil {
		return nil, errNoLister
	}
	all, issued := map[string][]byte{}, map[client.Key]client.Key{}
	for after := int64(0); ; {
		page, err := s.options.Lister.SessionScan(ctx, after, scanPage)
		if err != nil {
			return nil, fmt.Errorf("scsstore: listing all sessions: %w", err)
		}
		for _, session := range page {
			after = session.ID
			if e, err := decode(session.Payload); err == nil && !e.expired() { // others are somebody else's
				all[issue(issued, session.Key)] = e.Data
			}
		}
		if len(page) < scanPage {
			break
		}
	}
	s.handles.replace(issued)
	return all, nil
}

// issue makes a handle for a session, and notes it as Delete and Commit will be given it: as it is or, with
// scs.SessionManager.HashTokenInStore, hashed.
func issue(issued map[client.Key]client.Key, key client.Key) string {
	handle := "handle-" + rand.Text()
	hash := sha256.Sum256([]byte(handle))
	issued[client.KeyOf(handle)] = key
	issued[client.KeyOf(base64.RawURLEncoding.EncodeToString(hash[:]))] = key
	return handle
}

// handles are those of the last two calls of AllCtx. They mean nothing to any other process, or to this one's Find.
type handles struct {
	mu          sync.Mutex
	last, older map[client.Key]client.Key
}

func (h *handles) replace(issued map[client.Key]client.Key) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.older, h.last = h.last, issued
}

// key returns the key of the session that a handle stands for.
func (h *handles) key(token string) (client.Key, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	hashed := client.KeyOf(token)
	key, ok := h.last[hashed]
	if !ok {
		key, ok = h.older[hashed]
	}
	return key, ok
}
