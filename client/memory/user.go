package memory

import (
	"context"
	"time"

	"github.com/pgsession/pgsession/client"
)

const (
	active   = "active"
	pending  = "pending"
	disabled = "disabled"
)

// user is a row, with the sessions that belong to it.
type user struct {
	id              int64
	name            string
	password        password
	status          string
	acknowledgement string // "" unless pending
	payload         client.Payload
	version         int64
	created         time.Time
	lastLogin       time.Time
	lastHit         time.Time
	sessions        map[*session]struct{}
}

// sessionsOf returns a user's sessions, none for an unknown user.
func (s *Store) sessionsOf(username string) map[*session]struct{} {
	if u := s.users[username]; u != nil {
		return u.sessions
	}
	return nil
}

// activeUser returns the user that a session is to belong to.
func (s *Store) activeUser(op, username string) (*user, error) {
	u := s.users[username]
	switch {
	case u == nil:
		return nil, noUser(op)
	case u.status != active:
		return nil, notActive(op, u.status)
	}
	return u, nil
}

// UserCreate makes a user, as the client's method does.
func (s *Store) UserCreate(ctx context.Context, username, pass string, o client.UserOptions) (string, error) {
	const op = "user_create"
	if err := s.checkNew(op, username, pass); err != nil {
		return "", err
	}
	members, err := objectOr(op, "payload", o.Payload, map[string]any{})
	if err != nil {
		return "", err
	}
	payload, err := s.payload(op, members)
	if err != nil {
		return "", err
	}
	unlock, err := s.begin(ctx, op)
	if err != nil {
		return "", err
	}
	defer unlock()
	if s.users[username] != nil {
		return "", exists(op, "the user exists", "Choose another username.")
	}
	s.lastUser++
	u := &user{
		id: s.lastUser, name: username, password: newPassword(pass), status: active, payload: payload, version: 1,
		created: time.Now(), sessions: map[*session]struct{}{},
	}
	if o.Pending {
		u.status, u.acknowledgement = pending, newAcknowledgement()
	}
	s.users[username] = u
	return u.acknowledgement, nil
}

// checkNew checks a password that is to be a user's.
func (s *Store) checkNew(op, username, pass string) error {
	if err := checkUsername(op, username); err != nil {
		return err
	}
	return s.checkNewPassword(op, pass)
}

// UserGet returns a user. A missing one is (User{}, false, nil).
func (s *Store) UserGet(ctx context.Context, username string) (client.User, bool, error) {
	const op = "user_get"
	if err := checkText(op, "username", username); err != nil {
		return client.User{}, false, err
	}
	unlock, err := s.begin(ctx, op)
	if err != nil {
		return client.User{}, false, err
	}
	defer unlock()
	u := s.users[username]
	if u == nil {
		return client.User{}, false, nil
	}
	return u.answer(), true, nil
}

func (u *user) answer() client.User {
	return client.User{
		ID: u.id, Username: u.name, Status: u.status, Payload: u.payload, Version: u.version,
		Created: wall(u.created), LastLogin: wall(u.lastLogin), LastHit: wall(u.lastHit),
	}
}

// UserSave replaces a user's payload, as the client's method does.
func (s *Store) UserSave(ctx context.Context, username string, payload any, version int64) (int64, error) {
	const op = "user_save"
	if err := checkText(op, "username", username); err != nil {
		return 0, err
	}
	members, err := object(op, "payload", payload)
	if err != nil {
		return 0, err
	}
	saved, err := s.payload(op, members)
	if err != nil {
		return 0, err
	}
	unlock, err := s.begin(ctx, op)
	if err != nil {
		return 0, err
	}
	defer unlock()
	u := s.users[username]
	switch {
	case u == nil:
		return 0, noUser(op)
	case version != 0 && version != u.version:
		return 0, conflict(op)
	}
	u.payload = saved
	u.version++
	return u.version, nil
}

// UserSetPassword sets a user's password and ends the user's sessions but for at most one, as the client's method does. Failed logins
// are forgotten.
func (s *Store) UserSetPassword(ctx context.Context, username, pass string, keep ...client.Key) (int, error) {
	const op = "user_set_password"
	if err := s.checkNew(op, username, pass); err != nil {
		return 0, err
	}
	if err := checkExcept(op, keep); err != nil {
		return 0, err
	}
	unlock, err := s.begin(ctx, op)
	if err != nil {
		return 0, err
	}
	defer unlock()
	u := s.users[username]
	if u == nil {
		return 0, noUser(op)
	}
	u.password = newPassword(pass)
	delete(s.attempts, username)
	return s.endAll(u.sessions, keep), nil
}

// UserDelete deletes a user with all sessions and reports whether there was one.
func (s *Store) UserDelete(ctx context.Context, username string) (bool, error) {
	return s.change(ctx, "user_delete", username, func(u *user) {
		s.endAll(u.sessions, nil)
		delete(s.users, username)
	})
}

// change changes a user, if there is one.
func (s *Store) change(ctx context.Context, op, username string, change func(*user)) (bool, error) {
	if err := checkText(op, "username", username); err != nil {
		return false, err
	}
	unlock, err := s.begin(ctx, op)
	if err != nil {
		return false, err
	}
	defer unlock()
	u := s.users[username]
	if u == nil {
		return false, nil
	}
	change(u)
	return true, nil
}

// SetStatus makes a user "active", "pending" or "disabled", as a DBA's UPDATE does. Leaving "active" ends the user's sessions. It
// reports whether there is such a user.
func (s *Store) SetStatus(ctx context.Context, username, status string) (bool, error) {
	const op = "set status"
	if status != active && status != pending && status != disabled {
		return false, invalid(op, "invalid status", "It is active, pending or disabled.")
	}
	return s.change(ctx, op, username, func(u *user) {
		if u.status == status {
			return
		}
		u.status = status
		u.version++
		if status == active {
			u.acknowledgement = "" // one that is out is void
		}
		if status != active {
			s.endAll(u.sessions, nil)
		}
	})
}
