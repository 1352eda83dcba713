package memory

import (
	"context"
	"crypto/subtle"
	"slices"
	"time"

	"github.com/pgsession/pgsession/client"
)

// UserActivate makes a pending user active, given the acknowledgement key that UserCreate returned, and reports whether it was the
// right one.
func (s *Store) UserActivate(ctx context.Context, username, acknowledgement string) (bool, error) {
	activated := false
	_, err := s.change(ctx, "user_activate", username, func(u *user) {
		right := subtle.ConstantTimeCompare([]byte(u.acknowledgement), []byte(acknowledgement)) == 1
		if activated = right && u.status == pending && acknowledgement != ""; activated {
			u.status, u.acknowledgement = active, ""
			u.version++
		}
	})
	return activated, err
}

// UserDisable disables a user, which ends the user's sessions, and reports whether there is one.
func (s *Store) UserDisable(ctx context.Context, username string) (bool, error) {
	return s.SetStatus(ctx, username, disabled)
}

// UserEnable makes a user active again and reports whether there is one.
func (s *Store) UserEnable(ctx context.Context, username string) (bool, error) {
	return s.SetStatus(ctx, username, active)
}

// UserRename gives a user another name; the user's sessions go along. It reports whether there is such a user. [client.ErrExists]
// where the name is taken.
func (s *Store) UserRename(ctx context.Context, username, to string) (bool, error) {
	const op = "user_rename"
	if err := checkUsername(op, to); err != nil {
		return false, err
	}
	taken := false
	found, err := s.change(ctx, op, username, func(u *user) {
		if other := s.users[to]; other != nil {
			taken = other != u
			return
		}
		delete(s.users, u.name)
		u.name = to
		s.users[to] = u
		u.version++
		for r := range u.sessions {
			r.version++
		}
	})
	if taken {
		return false, exists(op, "the user exists", "Choose another username.")
	}
	return found, err
}

// UserList returns up to limit users (0: 100) in the order of their names, from the first one after a name.
func (s *Store) UserList(ctx context.Context, after string, limit int) ([]client.User, error) {
	const op = "user_list"
	if limit < 0 {
		return nil, invalid(op, "invalid limit", "The limit is a positive number of rows.")
	}
	if limit == 0 {
		limit = 100
	}
	unlock, err := s.begin(ctx, op)
	if err != nil {
		return nil, err
	}
	defer unlock()
	var names []string
	for name := range s.users {
		if name > after {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var users []client.User
	for _, name := range names[:min(limit, len(names))] {
		users = append(users, s.users[name].answer())
	}
	return users, nil
}

// UserChangePassword sets a user's password, if the old one is right, and ends the user's sessions but for at most one. The outcome is
// that of a login with the old password. o.Origin is not looked at: this store throttles by account alone.
func (s *Store) UserChangePassword(ctx context.Context, username, old, pass string, o client.PasswordOptions) (client.Outcome, error) {
	const op = "user_change_password"
	if err := checkCredentials(op, username, old); err != nil {
		return "", err
	}
	if err := s.checkNewPassword(op, pass); err != nil {
		return "", err
	}
	var keep []client.Key
	if o.Keep != nil {
		keep = []client.Key{*o.Keep}
	}
	unlock, err := s.begin(ctx, op)
	if err != nil {
		return "", err
	}
	defer unlock()
	outcome, _ := s.verify(username, old, time.Now())
	if outcome == client.OK {
		u := s.users[username]
		u.password = newPassword(pass)
		s.endAll(u.sessions, keep)
	}
	return outcome, nil
}
