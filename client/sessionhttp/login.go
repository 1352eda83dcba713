package sessionhttp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/pgsession/pgsession/client"
)

// LoginOption is an option of [Session.Login].
type LoginOption func(*loginOptions)

type loginOptions struct{ remember bool }

// Remember has the session outlive the browser, for [Config.RememberIdle] without use, if on is true: what
// a box to tick says. Otherwise the cookie goes when the browser is closed.
func Remember(on bool) LoginOption { return func(o *loginOptions) { o.remember = on } }

// Login checks a username and a password. If the outcome is client.OK, the request has a new session, of
// that user, with a new token, and what it had before has ended: of the two tokens only one is ever usable.
//
// What a visitor's session held goes along, changes that are not saved yet included, and so does the
// session of a user who logs in again; of another user's session nothing does. The first holds
// also for changes that other requests have saved meanwhile: those that come too late are refused.
//
// Any other outcome leaves everything as it was; with client.Throttled the result says how long to wait.
// The result's Token is zero: it is in the cookie. After an error the request has the session that it had.
func (s *Session) Login(ctx context.Context, username, password string, opts ...LoginOption) (client.LoginResult, error) {
	var result client.LoginResult
	err := s.logIn(ctx, username, opts, func(ctx context.Context, o client.LoginOptions) (client.Token, client.Session, error) {
		var err error
		result, err = s.mw.store.Login(ctx, username, password, o)
		return result.Token, result.Session, err
	})
	if err != nil {
		return client.LoginResult{}, err
	}
	result.Token = client.Token{}
	return result, nil
}

// LoginAs is [Session.Login] for who has been recognised by something else than a password: another site's
// sign-on, a passkey, a link in a mail. client.ErrNoUser and client.ErrNotActive where there is no such
// user, or one who may not log in.
func (s *Session) LoginAs(ctx context.Context, username string, opts ...LoginOption) error {
	return s.logIn(ctx, username, opts, func(ctx context.Context, o client.LoginOptions) (client.Token, client.Session, error) {
		return s.mw.store.SessionOpen(ctx, client.OpenOptions{Username: username, Idle: o.Idle, Payload: o.Payload, Origin: o.Origin})
	})
}

// opener opens a session, or returns the zero token where the user is refused.
type opener func(context.Context, client.LoginOptions) (client.Token, client.Session, error)

func (s *Session) logIn(ctx context.Context, username string, opts []LoginOption, open opener) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.change(); err != nil {
		return err
	}
	config := &s.mw.config
	o := client.LoginOptions{Idle: config.idle(opts), Origin: config.origin(s.request)}
	if !s.live {
		o.Payload = s.changes.apply(nil)
	}
	bounded, cancel := s.mw.bound(ctx)
	defer cancel()
	token, session, err := open(bounded, o)
	if err != nil || token.IsZero() {
		return err
	}
	if s.live {
		if session, err = s.succeed(ctx, username, session); err != nil {
			s.discard(ctx, session.Key)
			return err
		}
	}
	s.changes = nil
	s.enter(token, session)
	return nil
}

// succeed ends the live session in favour of the one that has just been opened, and returns that as it is
// then. After an error the live session is still the request's. In either case the opened one is returned.
func (s *Session) succeed(ctx context.Context, username string, opened client.Session) (client.Session, error) {
	if s.current.Username != "" && s.current.Username != username {
		ctx, cancel := s.mw.bound(ctx)
		defer cancel()
		_, err := s.mw.store.SessionClose(ctx, s.current.Key)
		return opened, err
	}
	// With a new token, which nobody but us has, its payload is what it will stay.
	pending := s.changes
	err := s.rotate(ctx)
	if err != nil && !errors.Is(err, client.ErrGone) {
		return opened, err
	}
	old := s.current.Key
	if opened, err = s.carry(ctx, pending, opened); err != nil {
		return opened, err
	}
	if s.live {
		s.discard(ctx, old)
	}
	return opened, nil
}

// carry takes the live session's payload over into the one opened, with the pending changes.
func (s *Session) carry(ctx context.Context, pending changes, opened client.Session) (client.Session, error) {
	members, err := s.stored()
	if err != nil {
		return opened, err
	}
	payload := pending.apply(members)
	if len(payload) == 0 {
		return opened, nil
	}
	text, err := json.Marshal(payload)
	if err != nil {
		return opened, fmt.Errorf("sessionhttp: login: %w", err)
	}
	ctx, cancel := s.mw.bound(ctx)
	defer cancel()
	floor, err := s.mw.store.SessionSave(ctx, opened.Key, json.RawMessage(text), opened.Version)
	if err != nil {
		return opened, err
	}
	return saved(opened, text, floor), nil
}

// discard closes a session whose token nobody has. Where that fails, it ends with its idle lifetime.
func (s *Session) discard(ctx context.Context, key client.Key) {
	ctx, cancel := s.mw.bound(context.WithoutCancel(ctx))
	defer cancel()
	if _, err := s.mw.store.SessionClose(ctx, key); err != nil {
		s.mw.config.Logger.WarnContext(ctx, "pgsession: a session that nobody has the token of could not be closed", "error", err)
	}
}

// Rotate gives the session a new token; the old one is dead at once. Login does it by itself: it is for
// other changes of privileges, a password changed or a second factor given. A visitor without a session
// has nothing to rotate. client.ErrGone where the session has been ended meanwhile.
func (s *Session) Rotate(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.change(); err != nil || !s.live {
		return err
	}
	pending := s.changes
	err := s.rotate(ctx)
	if err == nil {
		s.changes = pending
	}
	return err
}

// Logout ends the session, takes the cookie away, and has the browser forget what [Config.ClearSiteData]
// says. Changes that are not saved are dropped. After an error the session goes on, and its cookie stays,
// so that it can be tried again. What is set after a logout is kept in a new visitor's session.
func (s *Session) Logout(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.change(); err != nil {
		return err
	}
	if s.live {
		ctx, cancel := s.mw.bound(ctx)
		defer cancel()
		if _, err := s.mw.store.SessionClose(ctx, s.current.Key); err != nil {
			return err
		}
	}
	s.loggedOut()
	return nil
}

// loggedOut leaves a session that has been closed on purpose.
func (s *Session) loggedOut() {
	s.leave()
	s.out.end, s.out.clear = true, true
	s.out.endLegacy = s.mw.config.LegacyCookie != ""
}
