package sessionhttp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"

	"github.com/pgsession/pgsession/client"
)

// Session is the session of one request, or the possibility of one: a visitor has none until a change
// is to be kept. It is read from the store at the first use, once, and until the end of the request.
//
// Its methods are safe for concurrent use by the goroutines of a handler, and block while the store is
// asked. Once the response's header is out, or the handler has returned, it can still be read; what would
// change it returns [ErrResponseStarted].
//
// A request that has no session, or whose session has ended, is an answer and no error. Errors are the
// store's: after one, nothing is known of the session, and nobody is to be taken for logged in.
type Session struct {
	mw      *Middleware
	request *http.Request

	mu      sync.Mutex
	asked   bool  // the store has been asked, or there was nothing to ask for
	err     error // what it answered
	live    bool  // there is a session: current
	current client.Session
	members map[string]json.RawMessage // of the payload as stored; nil: not decoded yet
	changes changes                    // not saved yet
	out     outgoing
	started bool // the response's header is out
}

// Format writes "[session]" for every verb: package fmt would print the token that is on its way to the
// browser, and the request's cookies.
func (*Session) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[session]") }

// Username returns who is logged in, and "" for a visitor.
func (s *Session) Username() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(); err != nil {
		return "", err
	}
	return s.current.Username, nil
}

// Current returns the session as the store knows it, without the changes that are not saved yet, and
// false where there is none. Its Key is what the store's own methods take, and user_set_password for the
// session to keep.
func (s *Session) Current() (client.Session, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(); err != nil {
		return client.Session{}, false, err
	}
	return s.current, s.live, nil
}

// load reads the session, the first time. The caller holds s.mu.
//
//nolint:contextcheck,nolintlint // what is read is the request's, and is read under its context whoever asks first
func (s *Session) load() error {
	if s.asked {
		return s.err
	}
	s.asked = true
	ctx := s.request.Context()
	config := &s.mw.config
	if token, ok := config.token(s.request); ok {
		s.err = s.fetch(ctx, token.Key(), config.floor(s.request))
	} else if key, ok := config.legacy(s.request); ok {
		s.err = s.adopt(ctx, key)
	}
	return s.err
}

// fetch reads the session of a key, of no older version than the floor.
func (s *Session) fetch(ctx context.Context, key client.Key, floor client.Floor) error {
	ctx, cancel := s.mw.bound(ctx)
	defer cancel()
	var err error
	if floor == (client.Floor{}) {
		s.current, s.live, err = s.mw.store.SessionGet(ctx, key)
		return err
	}
	s.current, s.live, err = s.mw.store.SessionGet(ctx, key, floor)
	if s.live && (s.current.Epoch != floor.Epoch || s.current.Version < floor.Version) {
		s.out.floor = s.current.Floor() // the database has lost that version, or never had it
	}
	return err
}

// adopt gives the session of a foreign identifier a token of ours.
func (s *Session) adopt(ctx context.Context, key client.Key) error {
	if err := s.fetch(ctx, key, client.Floor{}); err != nil || !s.live || s.started {
		return err
	}
	err := s.rotate(ctx)
	if errors.Is(err, client.ErrGone) {
		return nil // another request has adopted it a moment before, and has the token
	}
	s.out.endLegacy = err == nil
	return err
}

// rotate moves the live session to a new token. The caller holds s.mu.
func (s *Session) rotate(ctx context.Context) error {
	ctx, cancel := s.mw.bound(ctx)
	defer cancel()
	token, session, err := s.mw.store.SessionRotate(ctx, s.current.Key, "")
	if err == nil {
		s.enter(token, session)
	} else if errors.Is(err, client.ErrGone) {
		s.leave()
	}
	return err
}

// enter makes a session that has just got its token the request's, and the browser's.
func (s *Session) enter(token client.Token, session client.Session) {
	s.saw(session)
	s.out.end = false
	s.out.token = token
	s.out.remember = session.ExpireSecs == s.mw.config.rememberSecs()
}

// saw takes in what a write has returned.
func (s *Session) saw(session client.Session) {
	s.current, s.live, s.members = session, true, nil
	s.out.floor = session.Floor()
}

// leave forgets a session that has ended. The browser's cookie stays as it is.
func (s *Session) leave() {
	s.current, s.live, s.members, s.changes = client.Session{}, false, nil, nil
	s.out.token, s.out.floor = client.Token{}, client.Floor{}
}

// change begins what changes the session. The caller holds s.mu.
func (s *Session) change() error {
	if s.started {
		return ErrResponseStarted
	}
	return s.load()
}

// commit saves what has changed, and writes the header's lines about the session, whether that worked or
// not. A handler that has failed, by the status of its answer, has changed nothing.
//
//nolint:contextcheck,nolintlint // the request's context is at hand
func (s *Session) commit(h http.Header, status int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.started = true
	var err error
	if status < http.StatusInternalServerError {
		// Who asked may be gone: what the handler has done it has done.
		err = s.save(context.WithoutCancel(s.request.Context()))
	}
	s.describe(h)
	if s.live && s.mw.touches != nil {
		s.mw.touches.used(&s.current)
	}
	return err
}

// describe writes the response's headers.
func (s *Session) describe(h http.Header) {
	config := &s.mw.config
	if s.asked && !slices.Contains(h["Vary"], "Cookie") {
		h.Add("Vary", "Cookie")
	}
	personal := s.live || s.err != nil
	if s.out.write(config, h) || personal && h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	if s.out.clear && len(config.ClearSiteData) > 0 {
		h.Set("Clear-Site-Data", clearSiteData(config.ClearSiteData))
	}
}
