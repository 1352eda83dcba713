package gorillastore

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"

	"github.com/pgsession/pgsession/client"
)

const (
	defaultMaxAge      = 30 * 24 * 60 * 60 // seconds
	defaultBrowserIdle = 24 * time.Hour
)

// Store is a sessions.Store. Its fields may be changed before it is used; then it is safe for concurrent use. It starts no goroutine
// and needs no closing. Get, New and Save block as the client.Store below does.
type Store struct {
	// Codecs sign, and may encrypt, the cookie.
	Codecs []securecookie.Codec

	// Options are those of new sessions. New sets Path "/", 30 days, HttpOnly, Secure and SameSite=Lax. Use [Store.MaxAge] to change
	// how long they last.
	Options *sessions.Options

	// Serializer turns a session's Values into bytes. nil: securecookie's gob encoder.
	Serializer securecookie.Serializer

	// BrowserIdle is how long after its last use a session ends whose MaxAge is 0. 0: 24 hours.
	BrowserIdle time.Duration

	store client.Store
}

var _ sessions.Store = (*Store)(nil)

// New makes a store for gorilla's sessions over a client or a listener.Cache, which it borrows and never closes. Key pairs are those
// of gorilla's own stores: an authentication key of 32 or 64 bytes, and nil or an encryption key of 16, 24 or 32; further pairs are old
// ones whose cookies are still read.
func New(store client.Store, keyPairs ...[]byte) *Store {
	s := &Store{
		Codecs:  securecookie.CodecsFromPairs(keyPairs...),
		Options: &sessions.Options{Path: "/", HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode},
		store:   store,
	}
	s.MaxAge(defaultMaxAge)
	return s
}

// MaxAge sets how many seconds new sessions and their cookies last.
func (s *Store) MaxAge(age int) {
	s.Options.MaxAge = age
	for _, codec := range s.Codecs {
		if c, ok := codec.(*securecookie.SecureCookie); ok {
			c.MaxAge(age)
		}
	}
}

// Get returns the request's session of a name, the same one at each call, a new one where there is none. See New about errors.
func (s *Store) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(s, name)
}

// New returns the session that the request's cookie of a name opens, read anew at each call, or a new one. With an error, too, it
// returns a new one.
func (s *Store) New(r *http.Request, name string) (*sessions.Session, error) {
	session := sessions.NewSession(s, name)
	options := *s.Options
	session.Options = &options
	session.IsNew = true
	cookies := r.CookiesNamed(name)
	if len(cookies) == 0 {
		return session, nil
	}
	var id string
	if err := securecookie.DecodeMulti(name, cookies[0].Value, &id, s.Codecs...); err != nil {
		return session, err
	}
	found, err := s.load(r.Context(), id, &session.Values)
	if err != nil {
		clear(session.Values)
		return session, fmt.Errorf("gorillastore: reading a session: %w", err)
	}
	if found {
		session.ID, session.IsNew = id, false
	}
	return session, nil
}

// load reads the values of a live session.
func (s *Store) load(ctx context.Context, id string, values *map[any]any) (bool, error) {
	token, ok := client.ParseToken(id)
	if !ok {
		return false, nil
	}
	row, found, err := s.store.SessionGet(ctx, token.Key())
	if err != nil || !found {
		return false, err
	}
	e, err := decode(row.Payload)
	if err != nil || e.expired() {
		return false, err
	}
	return true, s.serializer().Deserialize(e.Data, values)
}

func (s *Store) serializer() securecookie.Serializer {
	if s.Serializer == nil {
		return securecookie.GobEncoder{}
	}
	return s.Serializer
}

// Save stores a session and sets its cookie; a session with a negative Options.MaxAge is ended, and its cookie removed. A session that
// was ended meanwhile is not brought back: its cookie is removed, and the error wraps [client.ErrGone]. An error that wraps
// [client.ErrInvalid] tells of values that are too large.
func (s *Store) Save(r *http.Request, w http.ResponseWriter, session *sessions.Session) error {
	if session.Options.MaxAge < 0 {
		return s.end(r.Context(), w, session)
	}
	err := s.save(r.Context(), w, session)
	if errors.Is(err, client.ErrGone) {
		removeCookie(w, session)
	}
	return err
}

// end ends a session. What is saved in its place is a new one.
func (s *Store) end(ctx context.Context, w http.ResponseWriter, session *sessions.Session) error {
	if token, ok := client.ParseToken(session.ID); ok {
		if _, err := s.store.SessionClose(ctx, token.Key()); err != nil {
			return fmt.Errorf("gorillastore: ending a session: %w", err)
		}
	}
	session.ID, session.IsNew = "", true
	removeCookie(w, session)
	return nil
}

func removeCookie(w http.ResponseWriter, session *sessions.Session) {
	options := *session.Options
	options.MaxAge = -1
	http.SetCookie(w, sessions.NewCookie(session.Name(), "", &options))
}

func (s *Store) save(ctx context.Context, w http.ResponseWriter, session *sessions.Session) error {
	data, err := s.serializer().Serialize(session.Values)
	if err != nil {
		return fmt.Errorf("gorillastore: serializing a session: %w", err)
	}
	e := newEnvelope(data, session.Options.MaxAge)
	if session.ID == "" {
		return s.open(ctx, w, session, e, nil)
	}
	token, err := parseID(session)
	if err != nil {
		return err
	}
	cookie, err := s.cookie(session, token)
	if err != nil {
		return err
	}
	row, err := s.store.SessionMerge(ctx, token.Key(), e)
	if err != nil {
		return fmt.Errorf("gorillastore: saving %d bytes: %w", len(data), err)
	}
	if time.Duration(row.ExpireSecs)*time.Second < s.idle(session.Options.MaxAge) {
		key := token.Key()
		return s.open(ctx, w, session, row.Payload, &key) // it cannot live that long, another one can
	}
	http.SetCookie(w, cookie)
	return nil
}

// open opens a session under a new ID, in the place of an old one if that is given and was not ended since.
func (s *Store) open(ctx context.Context, w http.ResponseWriter, session *sessions.Session, payload any, old *client.Key) error {
	token := client.NewToken("")
	cookie, err := s.cookie(session, token)
	if err != nil {
		return err
	}
	key := token.Key()
	_, _, err = s.store.SessionOpen(ctx, client.OpenOptions{Key: &key, Payload: payload, Idle: s.idle(session.Options.MaxAge)})
	if err != nil {
		return fmt.Errorf("gorillastore: opening a session: %w", err)
	}
	if old != nil {
		if err := s.succeed(ctx, *old, key); err != nil {
			return err
		}
	}
	session.ID = token.Reveal()
	http.SetCookie(w, cookie)
	return nil
}

// succeed ends the session that another one has taken the place of. If somebody was faster, both are ended.
func (s *Store) succeed(ctx context.Context, old, successor client.Key) error {
	closed, err := s.store.SessionClose(ctx, old)
	if err == nil && closed {
		return nil
	}
	if err == nil {
		err = client.ErrGone
	}
	_, closeErr := s.store.SessionClose(ctx, successor)
	return fmt.Errorf("gorillastore: moving a session to a new ID: %w", errors.Join(err, closeErr))
}

// parseID reads the ID of a session that was saved.
func parseID(session *sessions.Session) (client.Token, error) {
	token, ok := client.ParseToken(session.ID)
	if !ok {
		return client.Token{}, errors.New("gorillastore: the session's ID was not made by this store: leave it empty to have one made")
	}
	return token, nil
}

// cookie makes the cookie of a session's token.
func (s *Store) cookie(session *sessions.Session, token client.Token) (*http.Cookie, error) {
	encoded, err := securecookie.EncodeMulti(session.Name(), token.Reveal(), s.Codecs...)
	if err != nil {
		return nil, fmt.Errorf("gorillastore: making the cookie: %w", err)
	}
	return sessions.NewCookie(session.Name(), encoded, session.Options), nil
}

// idle is the idle lifetime of a row.
func (s *Store) idle(maxAge int) time.Duration {
	switch {
	case maxAge > 0:
		return time.Duration(min(maxAge, math.MaxInt32)) * time.Second
	case s.BrowserIdle > 0:
		return max(time.Second, s.BrowserIdle.Truncate(time.Second))
	}
	return defaultBrowserIdle
}

// Renew gives a session a new ID; the old one is dead at once. Call it before Save whenever privileges change, at a login above all. A
// session that was never saved gets its ID then. [client.ErrGone] if the session has been ended.
func (s *Store) Renew(r *http.Request, session *sessions.Session) error {
	if session.ID == "" {
		return nil
	}
	old, err := parseID(session)
	if err != nil {
		return err
	}
	token, _, err := s.store.SessionRotate(r.Context(), old.Key(), "")
	if err != nil {
		return fmt.Errorf("gorillastore: renewing a session: %w", err)
	}
	session.ID = token.Reveal()
	return nil
}
