package memory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/pgsession/pgsession/client"
)

// SessionClose implements [client.Store].
func (s *Store) SessionClose(ctx context.Context, key client.Key) (bool, error) {
	unlock, err := s.begin(ctx, "session_close")
	if err != nil {
		return false, err
	}
	defer unlock()
	return s.end(s.sessions[key], time.Now()), nil
}

// end removes a session and reports whether it was live.
func (s *Store) end(r *session, now time.Time) bool {
	if r == nil {
		return false
	}
	s.remove(r)
	return r.live(now)
}

// Logout ends the session of a token and reports whether there was one.
func (s *Store) Logout(ctx context.Context, token client.Token) (bool, error) {
	return s.SessionClose(ctx, token.Key())
}

// SessionCloseID implements [client.Store].
func (s *Store) SessionCloseID(ctx context.Context, username string, id int64) (bool, error) {
	const op = "session_close_id"
	if err := checkText(op, "username", username); err != nil {
		return false, err
	}
	unlock, err := s.begin(ctx, op)
	if err != nil {
		return false, err
	}
	defer unlock()
	for r := range s.sessionsOf(username) {
		if r.id == id {
			return s.end(r, time.Now()), nil
		}
	}
	return false, nil
}

// SessionCloseUser implements [client.Store].
func (s *Store) SessionCloseUser(ctx context.Context, username string, except ...client.Key) (int64, error) {
	const op = "session_close_user"
	if err := checkText(op, "username", username); err != nil {
		return 0, err
	}
	if err := checkExcept(op, except); err != nil {
		return 0, err
	}
	unlock, err := s.begin(ctx, op)
	if err != nil {
		return 0, err
	}
	defer unlock()
	return int64(s.endAll(s.sessionsOf(username), except)), nil
}

// SessionCloseAll ends every session and returns how many there were.
func (s *Store) SessionCloseAll(ctx context.Context) (int64, error) {
	unlock, err := s.begin(ctx, "session_close_all")
	if err != nil {
		return 0, err
	}
	defer unlock()
	all := map[*session]struct{}{}
	for _, r := range s.sessions {
		all[r] = struct{}{}
	}
	return int64(s.endAll(all, nil)), nil
}

// endAll ends sessions but for those to keep, and returns how many live ones.
func (s *Store) endAll(sessions map[*session]struct{}, keep []client.Key) int {
	now := time.Now()
	ended := 0
	for r := range sessions {
		if !slices.Contains(keep, r.key) && s.end(r, now) {
			ended++
		}
	}
	return ended
}

// SessionList implements [client.Store].
func (s *Store) SessionList(ctx context.Context, username string) ([]client.Session, error) {
	const op = "session_list"
	sent := time.Now()
	if err := checkText(op, "username", username); err != nil {
		return nil, err
	}
	unlock, err := s.begin(ctx, op)
	if err != nil {
		return nil, err
	}
	defer unlock()
	now := time.Now()
	var listed []client.Session
	for r := range s.sessionsOf(username) {
		if !r.live(now) {
			continue
		}
		a := s.answer(r, now, sent)
		a.Key, a.Payload, a.Origin = client.Key{}, client.Payload{}, slices.Clone(r.origin)
		listed = append(listed, a)
	}
	slices.SortFunc(listed, func(a, b client.Session) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(b.ID, a.ID))
	})
	return listed, nil
}

// SessionSweep forgets expired sessions, up to limit of them (0: 1,000), and returns how many. Nothing needs it but a test that
// opens very many.
func (s *Store) SessionSweep(ctx context.Context, limit int) (int, error) {
	const op = "session_sweep"
	if limit < 0 {
		return 0, invalid(op, "invalid limit", "The limit is a positive number of rows.")
	}
	unlock, err := s.begin(ctx, op)
	if err != nil {
		return 0, err
	}
	defer unlock()
	now := time.Now()
	swept := 0
	for _, r := range s.sessions {
		if swept == cmp.Or(limit, 1000) {
			break
		}
		if !r.live(now) {
			s.remove(r)
			swept++
		}
	}
	return swept, nil
}

// Expire makes a session's deadline pass, for a test that does not run in a bubble of testing/synctest. It reports whether there was
// a live session.
func (s *Store) Expire(key client.Key) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	r := s.find(key, now)
	if r == nil {
		return false
	}
	r.expires = now
	return true
}

// SessionScan returns live sessions in the order of their IDs: up to limit of them (0: 1,000), from the first after an ID.
func (s *Store) SessionScan(ctx context.Context, after int64, limit int) ([]client.Session, error) {
	const op = "session_scan"
	sent := time.Now()
	if limit < 0 {
		return nil, invalid(op, "invalid range", "Give a positive number of sessions.")
	}
	unlock, err := s.begin(ctx, op)
	if err != nil {
		return nil, err
	}
	defer unlock()
	now := time.Now()
	var scanned []client.Session
	for _, r := range s.sessions {
		if r.id > after && r.live(now) {
			scanned = append(scanned, s.answer(r, now, sent))
		}
	}
	slices.SortFunc(scanned, func(a, b client.Session) int { return cmp.Compare(a.ID, b.ID) })
	return scanned[:min(cmp.Or(limit, 1000), len(scanned))], nil
}
