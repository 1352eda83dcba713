package memory

import (
	"context"
	"encoding/json"
	"time"

	"github.com/pgsession/pgsession/client"
)

// session is a row.
type session struct {
	id      int64
	key     client.Key
	owner   *user // nil: anonymous
	payload client.Payload
	version int64
	created time.Time
	idle    time.Duration // 0: none
	expires time.Time     // zero: never
	ends    time.Time     // zero: never
	origin  json.RawMessage
}

// live reports whether a session has not expired.
func (r *session) live(now time.Time) bool { return r.expires.IsZero() || r.expires.After(now) }

// touch moves the idle deadline, never back, and reports whether it did.
func (r *session) touch(now time.Time) bool {
	next := now.Add(r.idle)
	capped := !r.ends.IsZero() && !next.Before(r.ends)
	if capped {
		next = r.ends
	}
	if r.idle == 0 || next.Before(r.expires) || capped && next.Equal(r.expires) {
		return false
	}
	r.expires = next
	return true
}

// answer is what the database would answer now to a query that was sent then.
func (s *Store) answer(r *session, now, sent time.Time) client.Session {
	a := client.Session{
		ID:         r.id,
		Key:        r.key,
		Payload:    r.payload,
		Version:    r.version,
		Created:    wall(r.created),
		Expires:    wall(r.expires),
		ExpireSecs: int32(r.idle / time.Second), //nolint:gosec // checked when it was opened
		Sent:       sent,
		Epoch:      s.epoch,
	}
	if r.owner != nil {
		a.Username = r.owner.name
	}
	if !r.expires.IsZero() {
		a.Deadline = sent.Add(r.expires.Sub(now))
	}
	return a
}

// wall is a time as PostgreSQL tells it: of the wall clock, in microseconds.
func wall(t time.Time) time.Time { return t.Round(0).Truncate(time.Microsecond) }

// SessionOpen implements [client.Store].
func (s *Store) SessionOpen(ctx context.Context, o client.OpenOptions) (client.Token, client.Session, error) {
	const op = "session_open"
	sent := time.Now()
	r, err := s.newSession(op, o)
	if err != nil {
		return client.Token{}, client.Session{}, err
	}
	unlock, err := s.begin(ctx, op)
	if err != nil {
		return client.Token{}, client.Session{}, err
	}
	defer unlock()
	now := time.Now()
	if o.Username != "" {
		if r.owner, err = s.activeUser(op, o.Username); err != nil {
			return client.Token{}, client.Session{}, err
		}
	}
	var token client.Token
	if o.Key != nil {
		r.key = *o.Key
	} else {
		token = client.NewToken(o.Username)
		r.key = token.Key()
	}
	if taken := s.sessions[r.key]; taken != nil && taken.live(now) {
		return client.Token{}, client.Session{}, exists(op, "a session with this key exists", "Make a new token.")
	}
	s.insert(r, now)
	return token, s.answer(r, now, sent), nil
}

// newSession checks what a session is to be opened with.
func (s *Store) newSession(op string, o client.OpenOptions) (*session, error) {
	if o.Username != "" {
		if err := checkUsername(op, o.Username); err != nil {
			return nil, err
		}
	}
	if err := checkIdle(op, o.Idle); err != nil {
		return nil, err
	}
	members, err := objectOr(op, "payload", o.Payload, map[string]any{})
	if err != nil {
		return nil, err
	}
	r := &session{idle: o.Idle, version: 1}
	if r.payload, err = s.payload(op, members); err != nil {
		return nil, err
	}
	r.origin, err = origin(op, o.Origin)
	return r, err
}

// insert stores a session that is opened now. An expired one does not keep its key.
func (s *Store) insert(r *session, now time.Time) {
	s.remove(s.sessions[r.key])
	s.lastID++
	r.id, r.created = s.lastID, now
	if s.options.AbsoluteLifetime > 0 {
		r.ends = now.Add(s.options.AbsoluteLifetime)
		r.expires = r.ends
	}
	if r.idle > 0 {
		r.expires = now.Add(r.idle)
		if !r.ends.IsZero() && r.ends.Before(r.expires) {
			r.expires = r.ends
		}
	}
	s.sessions[r.key] = r
	if r.owner != nil {
		r.owner.sessions[r] = struct{}{}
	}
}

// remove ends a session; nil is none.
func (s *Store) remove(r *session) {
	if r == nil {
		return
	}
	delete(s.sessions, r.key)
	if r.owner != nil {
		delete(r.owner.sessions, r)
	}
}

// find returns the live session of a key, or nil.
func (s *Store) find(key client.Key, now time.Time) *session {
	if r := s.sessions[key]; r != nil && r.live(now) {
		return r
	}
	return nil
}

// SessionGet implements [client.Store]. There is but one copy, whose version replaces any floor.
func (s *Store) SessionGet(ctx context.Context, key client.Key, _ ...client.Floor) (client.Session, bool, error) {
	sent := time.Now()
	unlock, err := s.begin(ctx, "session_get")
	if err != nil {
		return client.Session{}, false, err
	}
	defer unlock()
	now := time.Now()
	r := s.find(key, now)
	if r == nil {
		return client.Session{}, false, nil
	}
	return s.answer(r, now, sent), true, nil
}

// SessionSave implements [client.Store].
func (s *Store) SessionSave(ctx context.Context, key client.Key, payload any, version int64) (client.Floor, error) {
	const op = "session_save"
	members, err := object(op, "payload", payload)
	if err != nil {
		return client.Floor{}, err
	}
	saved, err := s.payload(op, members)
	if err != nil {
		return client.Floor{}, err
	}
	unlock, err := s.begin(ctx, op)
	if err != nil {
		return client.Floor{}, err
	}
	defer unlock()
	now := time.Now()
	r := s.find(key, now)
	switch {
	case r == nil:
		return client.Floor{}, gone(op)
	case version != 0 && version != r.version:
		return client.Floor{}, conflict(op)
	}
	r.payload = saved
	r.version++
	r.touch(now)
	return client.Floor{Epoch: s.epoch, Version: r.version}, nil
}

// SessionMerge implements [client.Store].
func (s *Store) SessionMerge(ctx context.Context, key client.Key, patch any) (client.Session, error) {
	const op = "session_merge"
	sent := time.Now()
	members, err := object(op, "patch", patch)
	if err != nil {
		return client.Session{}, err
	}
	if depth(members) > patchDepth {
		return client.Session{}, invalid(op, "patch nested too deeply", "Objects may be nested 100 deep.")
	}
	unlock, err := s.begin(ctx, op)
	if err != nil {
		return client.Session{}, err
	}
	defer unlock()
	now := time.Now()
	r := s.find(key, now)
	if r == nil {
		return client.Session{}, gone(op)
	}
	target, err := object(op, "payload", r.payload)
	if err != nil {
		return client.Session{}, err
	}
	merge(target, members)
	merged, err := s.payload(op, target)
	if err != nil {
		return client.Session{}, err
	}
	r.payload = merged
	r.version++
	r.touch(now)
	return s.answer(r, now, sent), nil
}

// SessionTouch implements [client.Store].
func (s *Store) SessionTouch(ctx context.Context, keys ...client.Key) (int, error) {
	unlock, err := s.begin(ctx, "session_touch")
	if err != nil {
		return 0, err
	}
	defer unlock()
	now := time.Now()
	once := map[*session]struct{}{}
	moved := 0
	for _, key := range keys {
		r := s.find(key, now)
		if _, done := once[r]; r == nil || done {
			continue
		}
		once[r] = struct{}{}
		if r.touch(now) {
			moved++
			if r.owner != nil {
				r.owner.lastHit = now
			}
		}
	}
	return moved, nil
}
