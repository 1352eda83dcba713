package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/pgsession/pgsession/client"
)

// freeFailures is how many logins in a row may fail before a store may begin to throttle. Beyond, sequences do not go: how long a
// store throttles is not for Random to say.
const freeFailures = 5

// side is one of the two stores, with what its sequence of calls has made so far. The n-th key of one side corresponds to the n-th
// key of the other.
type side struct {
	Fixture
	ctx      context.Context //nolint:containedctx // of one run
	prefix   string          // of its users' names
	keys     []client.Key    // all that were ever given out
	sessions map[client.Key]*told
	opened   int
	failures map[string]int
}

// told is what a store has told of a session.
type told struct {
	number          int // in the order of opening
	id              int64
	created         time.Time
	version, before int64 // the current version, and the one before
	floor           client.Floor
}

func newSide(ctx context.Context, f Fixture, prefix string) *side {
	return &side{Fixture: f, ctx: ctx, prefix: prefix, sessions: map[client.Key]*told{}, failures: map[string]int{}}
}

func (s *side) createUsers() error {
	for _, username := range []string{ann, bob} {
		if err := s.CreateUser(s.ctx, s.named(username), password); err != nil {
			return fmt.Errorf("create user: %w", err)
		}
	}
	return nil
}

func (s *side) named(username string) string {
	if username == "" {
		return ""
	}
	return s.prefix + username
}

// key returns the key of a number, which wraps around; the one after the last was never given out.
func (s *side) key(n int) client.Key {
	if n %= len(s.keys) + 1; n < len(s.keys) {
		return s.keys[n]
	}
	return client.KeyOf(s.prefix)
}

// of returns what is known of the session that a key led to, however it has ended.
func (s *side) of(n int) *told {
	if known := s.sessions[s.key(n)]; known != nil {
		return known
	}
	return &told{}
}

func lifetime(idles bool) time.Duration {
	if idles {
		return idle
	}
	return 0
}

// began notes a session that was opened.
func (s *side) began(session client.Session) {
	s.keys = append(s.keys, session.Key)
	s.sessions[session.Key] = &told{
		number: s.opened, id: session.ID, created: session.Created, version: session.Version, floor: session.Floor(),
	}
	s.opened++
}

// changed notes a new version.
func (t *told) changed(floor client.Floor) string {
	grew := floor.Version > t.version
	t.before, t.version, t.floor = t.version, floor.Version, floor
	return fmt.Sprintf("a later version: %v", grew)
}

func (s *side) open(o client.OpenOptions) string {
	token, session, err := s.Store.SessionOpen(s.ctx, o)
	if err != nil {
		return refusal(err) + s.noSession(token, session)
	}
	s.began(session)
	return fmt.Sprintf("key %d, token %v: %s", len(s.keys)-1, s.opens(token, session), s.show(session))
}

// opens reports whether a token is the session's.
func (*side) opens(token client.Token, session client.Session) bool {
	return !token.IsZero() && token.Key() == session.Key
}

// noSession complains of what comes with an error.
func (*side) noSession(token client.Token, session client.Session) string {
	if !token.IsZero() || !reflect.DeepEqual(session, client.Session{}) {
		return ", and yet a token or a session"
	}
	return ""
}

func (s *side) login(username string, right bool) string {
	if s.failures[username] == freeFailures {
		return "not tried"
	}
	pass := password
	if !right {
		pass = "wrong " + password
	}
	result, err := s.Store.Login(s.ctx, s.named(username), pass, client.LoginOptions{Idle: idle})
	if err != nil {
		return refusal(err)
	}
	s.failures[username]++
	if result.Outcome != client.OK {
		return string(result.Outcome) + s.noSession(result.Token, result.Session)
	}
	s.failures[username] = 0
	s.began(result.Session)
	return fmt.Sprintf("key %d, token %v: %s", len(s.keys)-1, s.opens(result.Token, result.Session), s.show(result.Session))
}

func (s *side) get(n int, floor bool) string {
	var floors []client.Floor
	if floor {
		floors = append(floors, s.of(n).floor)
	}
	session, ok, err := s.Store.SessionGet(s.ctx, s.key(n), floors...)
	if err != nil || !ok {
		return answer(err, "none") + s.noSession(client.Token{}, session)
	}
	return s.show(session)
}

// versions are the versions that a save is tried with.
func versions() []string { return []string{"any", "current", "the one before", "the next"} }

func (s *side) save(n int, payload json.RawMessage, version string) string {
	known := s.of(n)
	floor, err := s.Store.SessionSave(s.ctx, s.key(n), payload, map[string]int64{
		"any": 0, "current": known.version, "the one before": known.before, "the next": known.version + 1,
	}[version])
	if err != nil {
		return refusal(err)
	}
	return known.changed(floor)
}

func (s *side) merge(n int, patch json.RawMessage) string {
	session, err := s.Store.SessionMerge(s.ctx, s.key(n), patch)
	if err != nil {
		return refusal(err) + s.noSession(client.Token{}, session)
	}
	return s.of(n).changed(session.Floor()) + ", " + s.show(session)
}

func (s *side) rotate(n int, username string) string {
	old := s.key(n)
	token, session, err := s.Store.SessionRotate(s.ctx, old, s.named(username))
	if err != nil {
		return refusal(err) + s.noSession(token, session)
	}
	known := s.of(n)
	s.keys = append(s.keys, session.Key)
	s.sessions[session.Key] = known
	kept := username != "" || session.Key[0] == old[0]
	return fmt.Sprintf("key %d, token %v, slot kept %v, %s, %s",
		len(s.keys)-1, s.opens(token, session), kept, known.changed(session.Floor()), s.show(session))
}

func (s *side) list(username string) string {
	sessions, err := s.Store.SessionList(s.ctx, s.named(username))
	if err != nil {
		return refusal(err)
	}
	listed := []string{fmt.Sprintf("%q has %d", username, len(sessions))}
	for _, session := range sessions {
		if session.Key != (client.Key{}) || !session.Payload.IsZero() && session.Payload.String() != "{}" {
			listed = append(listed, "with key or payload:")
		}
		listed = append(listed, s.show(session))
	}
	return strings.Join(listed, "\n      ")
}

// everything reads all that there is.
func (s *side) everything() string {
	var lines []string
	for n := range s.keys {
		lines = append(lines, fmt.Sprintf("key %d: %s", n, s.get(n, false)))
	}
	for _, username := range []string{"", ann, bob} {
		lines = append(lines, s.list(username))
	}
	return strings.Join(lines, "\n    ")
}

// show is a session as text, without what may differ between stores.
func (s *side) show(session client.Session) string {
	number, facts := -1, ""
	for _, known := range s.sessions {
		if known.id == session.ID {
			number = known.number
			facts = fmt.Sprintf("its version %v, created then %v", session.Version == known.version, session.Created.Equal(known.created))
		}
	}
	ttl, ends := session.TTL()
	return fmt.Sprintf("session %d of %q, %s, %s, %d s idle, expires %v, deadline %v, within it %v, ends %v", number,
		strings.TrimPrefix(session.Username, s.prefix), canonical(session.Payload), facts,
		session.ExpireSecs, !session.Expires.IsZero(), !session.Deadline.IsZero(), ttl <= idle, ends)
}

// canonical is a payload's JSON in one way of writing it.
func canonical(p client.Payload) string {
	d := json.NewDecoder(strings.NewReader(p.String()))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return "no JSON: " + p.String()
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// refusal names an error's sentinel. Others are shown: they are not expected of either store.
func refusal(err error) string {
	sentinels := map[string]error{
		"ErrGone": client.ErrGone, "ErrConflict": client.ErrConflict, "ErrNoUser": client.ErrNoUser,
		"ErrExists": client.ErrExists, "ErrInvalid": client.ErrInvalid, "ErrNotActive": client.ErrNotActive,
	}
	for _, name := range slices.Sorted(maps.Keys(sentinels)) {
		if errors.Is(err, sentinels[name]) {
			return name
		}
	}
	return "error: " + err.Error()
}
