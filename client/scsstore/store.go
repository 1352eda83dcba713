package scsstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/pgsession/pgsession/client"
)

// Options are the parameters of [New]. The zero value is ready to use.
type Options struct {
	// Lifetime is how long a session is to live at least after its last use, as far as the row is concerned. It is needed only by
	// who lengthens the life of sessions that exist, by SetDeadline or a longer IdleTimeout: see "How long a session lives" in the
	// package's documentation. 0: as long as the session's first commit says.
	Lifetime time.Duration

	// Lister is what All reads, typically a *client.Client over a connection that may call session_scan. nil: the store itself, if
	// it is one.
	Lister Lister

	// ReportGone has a commit of a session that has ended return an error that wraps [client.ErrGone]. scs can only make a page
	// "Internal Server Error" of it. false: such a commit does nothing, and the next request finds no session.
	ReportGone bool

	// Logger is told, as a warning, of sessions that will end earlier than scs wants. nil: nobody is. No token and no data is logged.
	Logger *slog.Logger
}

// Store keeps the sessions of an scs.SessionManager. It satisfies scs's Store, CtxStore, IterableStore and IterableCtxStore. It is
// safe for concurrent use, starts no goroutine and needs no closing. Every method blocks as the client.Store below does.
type Store struct {
	store   client.Store
	options Options
	log     *slog.Logger
	seen    *seen
	handles *handles
}

var (
	_ scs.CtxStore         = (*Store)(nil)
	_ scs.IterableStore    = (*Store)(nil)
	_ scs.IterableCtxStore = (*Store)(nil)
)

// New makes a store for an scs.SessionManager over a client or, to have sessions read from memory and yet be ended everywhere at
// once, over a listener.Cache. It borrows store and never closes it.
func New(store client.Store, o Options) *Store {
	if lister, ok := store.(Lister); ok && o.Lister == nil {
		o.Lister = lister
	}
	log := o.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Store{store: store, options: o, log: log, seen: newSeen(), handles: &handles{}}
}

// Find is [Store.FindCtx] without a context.
func (s *Store) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

// FindCtx returns the data of a live session, and false for a token that opens none.
func (s *Store) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	key := client.KeyOf(token)
	session, found, err := s.store.SessionGet(ctx, key)
	if err != nil {
		return nil, false, fmt.Errorf("scsstore: finding a session: %w", err)
	}
	if !found {
		return nil, false, nil
	}
	e, err := decode(session.Payload)
	if err != nil {
		return nil, false, err
	}
	if e.expired() {
		return nil, false, nil
	}
	s.seen.found(ctx, key)
	return e.Data, true, nil
}

// Commit is [Store.CommitCtx] without a context.
func (s *Store) Commit(token string, b []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, b, expiry)
}

// CommitCtx saves a session that this process has seen, and opens one for a token that is new. It never opens one for a token that
// was seen: if that session is gone, it has been ended, and stays so. An error that wraps [client.ErrInvalid] tells of data that are
// too large: they have 4 bytes for 3 in the database, and the setting payload_max bounds those.
func (s *Store) CommitCtx(ctx context.Context, token string, b []byte, expiry time.Time) error {
	key, listed := s.handles.key(token)
	if !listed {
		key = client.KeyOf(token)
	}
	if !expiry.After(time.Now()) {
		_, err := s.store.SessionClose(ctx, key)
		return s.committed(len(b), err)
	}
	e := newEnvelope(b, expiry)
	if listed || s.seen.has(key) {
		return s.committed(len(b), s.save(ctx, key, e))
	}
	if !s.seen.mayOpen(ctx) {
		return s.committed(len(b), client.ErrGone)
	}
	_, _, err := s.store.SessionOpen(ctx, client.OpenOptions{Key: &key, Payload: e, Idle: s.lifetime(expiry)})
	if errors.Is(err, client.ErrExists) {
		err = s.save(ctx, key, e)
	}
	if err == nil {
		s.seen.found(ctx, key)
	}
	return s.committed(len(b), err)
}

// committed is what scs is told of a commit.
func (s *Store) committed(size int, err error) error {
	switch {
	case err == nil, errors.Is(err, client.ErrGone) && !s.options.ReportGone:
		return nil
	}
	return fmt.Errorf("scsstore: committing %d bytes: %w", size, err)
}

// save merges, other than scs knows: what somebody else keeps in the session stays there, and the answer tells the deadline.
func (s *Store) save(ctx context.Context, key client.Key, e envelope) error {
	session, err := s.store.SessionMerge(ctx, key, e)
	if err != nil {
		return err
	}
	if left, ends := session.TTL(); ends && left < time.Until(e.Expires)-time.Second {
		s.log.WarnContext(ctx, "scsstore: a session will end earlier than its expiry unless it is used: set Options.Lifetime",
			"session", session.ID, "left", left, "wanted", time.Until(e.Expires))
	}
	return nil
}

// lifetime is the idle lifetime of a row for a session that is to expire then. The expiry itself is kept in the row; this only has
// it swept, not much later. The slack is for what later commits ask for.
func (s *Store) lifetime(expiry time.Time) time.Duration {
	const most = math.MaxInt32 * time.Second
	left := max(time.Until(expiry), s.options.Lifetime)
	return min(most, left+left/10+time.Minute).Truncate(time.Second)
}

// Delete is [Store.DeleteCtx] without a context.
func (s *Store) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }

// DeleteCtx ends a session. A token that opens none is no error.
func (s *Store) DeleteCtx(ctx context.Context, token string) error {
	key, listed := s.handles.key(token)
	if !listed {
		key = client.KeyOf(token)
	}
	closed, err := s.store.SessionClose(ctx, key)
	if err != nil {
		return fmt.Errorf("scsstore: deleting a session: %w", err)
	}
	if !closed {
		s.seen.gone(ctx, key)
	}
	return nil
}
