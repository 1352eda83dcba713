package sessionhttp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"unicode/utf8"

	"github.com/pgsession/pgsession/client"
)

// saveTries is how often a change is applied anew to what others have saved meanwhile. Each try that
// fails is one of theirs that did not.
const saveTries = 32

// Get decodes a member of the payload into v, by encoding/json's rules, and reports whether there is one;
// [ErrValue] where it does not fit. It sees what this request has changed.
func (s *Session) Get(name string, v any) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(); err != nil {
		return false, err
	}
	value, changed := s.changes[name]
	if !changed {
		members, err := s.stored()
		if err != nil {
			return false, err
		}
		value = members[name]
	}
	if value == nil {
		return false, nil
	}
	if err := json.Unmarshal(value, v); err != nil {
		return true, fmt.Errorf("sessionhttp: get %q: %w: %w", name, ErrValue, err)
	}
	return true, nil
}

// Set replaces a member of the payload by v, marshalled now by encoding/json's rules ([ErrValue]). It is saved with
// the request's other changes when the response's header goes out, or by [Session.Save]; a visitor without
// a session gets one then. Other members stay as they are in the store, whoever changes them at the same
// time; of two that change the same member, the last to be saved wins.
func (s *Session) Set(name string, v any) error {
	if !storable(name) {
		return fmt.Errorf("sessionhttp: set %q: PostgreSQL cannot store that name: %w", name, client.ErrInvalid)
	}
	value, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("sessionhttp: set %q: %w: %w", name, ErrValue, err)
	}
	return s.put(name, value)
}

// Delete removes a member of the payload, if there is one, as [Session.Set] changes one.
func (s *Session) Delete(name string) error { return s.put(name, nil) }

// storable reports whether a member can have that name in PostgreSQL.
func storable(name string) bool { return utf8.ValidString(name) && !strings.Contains(name, "\x00") }

// put notes a member's new value; nil removes it.
func (s *Session) put(name string, value json.RawMessage) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.change(); err != nil || !storable(name) { // no member has such a name: none is to be removed
		return err
	}
	if s.changes == nil {
		s.changes = changes{}
	}
	s.changes[name] = value
	return nil
}

// Save saves the changes of the payload now, for a handler that wants to know what comes of it:
// client.ErrGone where the session has been ended meanwhile, which nothing brings back; client.ErrInvalid
// where the payload has become too large, or holds what PostgreSQL cannot store (\u0000). After an error
// the changes are forgotten, and not tried again at the end of the request.
func (s *Session) Save(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.change(); err != nil {
		return err
	}
	return s.save(ctx)
}

// save writes the changes, if there are any. The caller holds s.mu.
func (s *Session) save(ctx context.Context) error {
	pending := s.changes
	s.changes = nil
	if len(pending) == 0 {
		return nil
	}
	if !s.live {
		return s.open(ctx, pending)
	}
	var err error
	if pending.mergeable() {
		err = s.merge(ctx, pending)
	} else {
		err = s.replace(ctx, pending)
	}
	if errors.Is(err, client.ErrGone) {
		s.leave()
	}
	return err
}

// open gives a visitor a session, unless there is nothing to keep in it.
func (s *Session) open(ctx context.Context, pending changes) error {
	payload := pending.apply(nil)
	if len(payload) == 0 {
		return nil
	}
	ctx, cancel := s.mw.bound(ctx)
	defer cancel()
	config := &s.mw.config
	token, session, err := s.mw.store.SessionOpen(ctx, client.OpenOptions{
		Idle: config.Idle, Payload: payload, Origin: config.origin(s.request),
	})
	if err == nil {
		s.enter(token, session)
	}
	return err
}

// merge has the store apply the changes to whatever the payload is by now.
func (s *Session) merge(ctx context.Context, pending changes) error {
	ctx, cancel := s.mw.bound(ctx)
	defer cancel()
	session, err := s.mw.store.SessionMerge(ctx, s.current.Key, pending)
	if err == nil {
		s.saw(session)
	}
	return err
}

// replace applies the changes here, and anew where the payload has been changed meanwhile.
func (s *Session) replace(ctx context.Context, pending changes) error {
	ctx, cancel := s.mw.bound(ctx)
	defer cancel()
	store, key := s.mw.store, s.current.Key
	for try := 1; ; try++ {
		members, err := s.stored()
		if err != nil {
			return err
		}
		payload, err := json.Marshal(pending.apply(members))
		if err != nil {
			return fmt.Errorf("sessionhttp: save: %w", err)
		}
		floor, err := store.SessionSave(ctx, key, json.RawMessage(payload), s.current.Version)
		if err == nil {
			s.saw(saved(s.current, payload, floor))
			return nil
		}
		if !errors.Is(err, client.ErrConflict) || try == saveTries {
			return err
		}
		newer, found, err := store.SessionGet(ctx, key, client.Floor{Epoch: s.current.Epoch, Version: s.current.Version + 1})
		if err != nil {
			return err
		}
		if !found {
			return client.ErrGone
		}
		s.saw(newer)
	}
}

// saved returns a session as it is once a payload has been saved.
func saved(session client.Session, payload []byte, floor client.Floor) client.Session {
	session.Payload, session.Version, session.Epoch = client.RawPayload(payload), floor.Version, floor.Epoch
	return session
}

// stored returns the members of the payload as the store has it. They are not to be changed.
func (s *Session) stored() (map[string]json.RawMessage, error) {
	if s.members == nil {
		if err := s.current.Payload.Decode(&s.members); err != nil {
			return nil, fmt.Errorf("sessionhttp: the payload is no JSON object: %w: %w", ErrValue, err)
		}
	}
	return s.members, nil
}

// changes are the new values of members; nil removes one.
type changes map[string]json.RawMessage

// mergeable reports whether the changes, as a JSON merge patch (RFC 7396), do just what they say. An
// object would not: it is merged into what is there, rather than put in its place, and loses its nulls. A
// null would remove the member.
func (c changes) mergeable() bool {
	for _, value := range c {
		if value != nil && (value[0] == '{' || string(value) == "null") {
			return false
		}
	}
	return true
}

// apply returns the members as they are after the changes.
func (c changes) apply(members map[string]json.RawMessage) map[string]json.RawMessage {
	changed := maps.Clone(members)
	if changed == nil {
		changed = map[string]json.RawMessage{}
	}
	for name, value := range c {
		if value == nil {
			delete(changed, name)
		} else {
			changed[name] = value
		}
	}
	return changed
}
