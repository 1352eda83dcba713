package memory

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"time"

	"github.com/pgsession/pgsession/client"
)

// password is a salted hash, and a cheap one.
type password struct {
	salt [16]byte
	sum  [sha256.Size]byte
}

func newPassword(text string) password {
	var p password
	if _, err := rand.Read(p.salt[:]); err != nil {
		panic(err) // it never fails: crypto/rand ends the process instead
	}
	p.sum = p.hash(text)
	return p
}

func (p password) hash(text string) [sha256.Size]byte {
	return sha256.Sum256(append(p.salt[:], text...))
}

func (p password) matches(text string) bool {
	sum := p.hash(text)
	return subtle.ConstantTimeCompare(sum[:], p.sum[:]) == 1
}

func newAcknowledgement() string { return rand.Text() }

func checkCredentials(op, username, pass string) error {
	if err := checkUsername(op, username); err != nil {
		return err
	}
	return checkPassword(op, pass)
}

// Login implements [client.Store].
func (s *Store) Login(ctx context.Context, username, pass string, o client.LoginOptions) (client.LoginResult, error) {
	const op = "login"
	sent := time.Now()
	if err := checkCredentials(op, username, pass); err != nil {
		return client.LoginResult{}, err
	}
	r, err := s.newSession(op, client.OpenOptions{Idle: o.Idle, Payload: o.Payload, Origin: o.Origin})
	if err != nil {
		return client.LoginResult{}, err
	}
	unlock, err := s.begin(ctx, op)
	if err != nil {
		return client.LoginResult{}, err
	}
	defer unlock()
	now := time.Now()
	if outcome, wait := s.verify(username, pass, now); outcome != client.OK {
		return client.LoginResult{Outcome: outcome, RetryAfter: wait}, nil
	}
	token := client.NewToken(username)
	r.key, r.owner = token.Key(), s.users[username]
	r.owner.lastLogin, r.owner.lastHit = now, now
	s.insert(r, now)
	return client.LoginResult{Outcome: client.OK, Token: token, Session: s.answer(r, now, sent)}, nil
}

// verify checks a password. Who does not know it learns nothing of the user's status.
func (s *Store) verify(username, pass string, now time.Time) (client.Outcome, time.Duration) {
	if wait := s.attempts[username].wait(now, s.options.ThrottleFree); wait > 0 {
		return client.Throttled, wait
	}
	u := s.users[username]
	if u == nil || !u.password.matches(pass) {
		s.failed(username, now)
		return client.BadCredentials, 0
	}
	delete(s.attempts, username)
	switch u.status {
	case disabled:
		return client.Disabled, 0
	case pending:
		return client.Pending, 0
	}
	return client.OK, 0
}
