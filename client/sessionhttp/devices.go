package sessionhttp

import (
	"context"
	"time"

	"github.com/pgsession/pgsession/internal/origin"
)

// Device is one of a user's live sessions, as a page that lists them shows it.
type Device struct {
	ID      int64
	Current bool // the request's own
	Address string
	Agent   string // the User-Agent that it was opened with, at most 256 bytes
	Created time.Time
	Expires time.Time // next deadline, by the database's clock; zero: never
}

// Devices returns the user's live sessions, the newest first, always from the database. [ErrAnonymous]
// where nobody is logged in.
func (s *Session) Devices(ctx context.Context) ([]Device, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.user(s.load()); err != nil {
		return nil, err
	}
	ctx, cancel := s.mw.bound(ctx)
	defer cancel()
	sessions, err := s.mw.store.SessionList(ctx, s.current.Username)
	if err != nil {
		return nil, err
	}
	devices := make([]Device, len(sessions))
	for i, session := range sessions {
		from := origin.Parse(session.Origin)
		devices[i] = Device{
			ID: session.ID, Current: session.ID == s.current.ID, Address: from.Address, Agent: from.Agent,
			Created: session.Created, Expires: session.Expires,
		}
	}
	return devices, nil
}

// End ends one of the user's sessions, by the ID that [Session.Devices] shows, and reports whether there
// was one; another user's is none. Ending the request's own is a [Session.Logout]. [ErrAnonymous] where
// nobody is logged in.
func (s *Session) End(ctx context.Context, id int64) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.user(s.change()); err != nil {
		return false, err
	}
	ctx, cancel := s.mw.bound(ctx)
	defer cancel()
	ended, err := s.mw.store.SessionCloseID(ctx, s.current.Username, id)
	if err == nil && id == s.current.ID {
		s.loggedOut()
	}
	return ended, err
}

// EndOthers ends all of the user's sessions but this one, and returns how many there were.
// [ErrAnonymous] where nobody is logged in.
func (s *Session) EndOthers(ctx context.Context) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.user(s.change()); err != nil {
		return 0, err
	}
	ctx, cancel := s.mw.bound(ctx)
	defer cancel()
	return s.mw.store.SessionCloseUser(ctx, s.current.Username, s.current.Key)
}

// LogoutEverywhere ends all of the user's sessions, this one included, as [Session.Logout] does, and
// returns how many there were. [ErrAnonymous] where nobody is logged in.
func (s *Session) LogoutEverywhere(ctx context.Context) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.user(s.change()); err != nil {
		return 0, err
	}
	ctx, cancel := s.mw.bound(ctx)
	defer cancel()
	ended, err := s.mw.store.SessionCloseUser(ctx, s.current.Username)
	if err == nil {
		s.loggedOut()
	}
	return ended, err
}

// user returns err, or ErrAnonymous. The caller holds s.mu.
func (s *Session) user(err error) error {
	if err == nil && s.current.Username == "" {
		return ErrAnonymous
	}
	return err
}
