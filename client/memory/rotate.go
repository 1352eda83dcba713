package memory

import (
	"context"
	"time"

	"github.com/pgsession/pgsession/client"
)

// SessionRotate implements [client.Store].
func (s *Store) SessionRotate(ctx context.Context, key client.Key, username string) (client.Token, client.Session, error) {
	const op = "session_rotate"
	sent := time.Now()
	if username != "" {
		if err := checkUsername(op, username); err != nil {
			return client.Token{}, client.Session{}, err
		}
	}
	unlock, err := s.begin(ctx, op)
	if err != nil {
		return client.Token{}, client.Session{}, err
	}
	defer unlock()
	now := time.Now()
	r := s.find(key, now)
	if r == nil {
		return client.Token{}, client.Session{}, gone(op)
	}
	if err := s.rotateInto(op, r, username); err != nil {
		return client.Token{}, client.Session{}, err
	}
	token := newToken(r, username)
	delete(s.sessions, r.key)
	r.key = token.Key()
	s.sessions[r.key] = r
	r.version++
	r.touch(now)
	return token, s.answer(r, now, sent), nil
}

// rotateInto gives a session the user it is rotated into, "" to keep the one it has.
func (s *Store) rotateInto(op string, r *session, username string) error {
	switch {
	case username == "":
		return nil
	case r.owner != nil && r.owner.name == username:
		return nil
	case r.owner != nil:
		return invalid(op, "the session belongs to another user", "Close it and open one for this user.")
	}
	owner, err := s.activeUser(op, username)
	if err != nil {
		return err
	}
	r.owner = owner
	owner.sessions[r] = struct{}{}
	return nil
}

// newToken makes the token that a session is rotated to. One that keeps its owner keeps its slot.
func newToken(r *session, username string) client.Token {
	if username != "" {
		return client.NewToken(username)
	}
	for { // one in 256 random slots is it
		if token := client.NewToken(""); token.Key()[0] == r.key[0] {
			return token
		}
	}
}
