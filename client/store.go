package client

import (
	"context"
)

// Store is what the middleware and the adapters need of a session store. A *[Client] is one, and so is
// a listener.Cache, which answers from memory when it may. Package conformance tests that a Store keeps
// what is promised here.
//
// A session that is missing, has ended or has expired is an answer and never an error. Errors are those
// of errors.go, tested for with errors.Is; after any error, nothing has been changed, unless the answer
// itself was lost (a context that ended, a connection that broke).
type Store interface {
	// Login checks a username and a password and opens a session. A login that fails is a result whose
	// Outcome is not OK, and no error.
	Login(ctx context.Context, username, password string, o LoginOptions) (LoginResult, error)

	// SessionOpen opens a session: ErrNoUser, ErrNotActive, or ErrExists where the key is taken. With
	// o.Key the session has no token, and the zero Token is returned.
	SessionOpen(ctx context.Context, o OpenOptions) (Token, Session, error)

	// SessionGet returns the live session of a key. A missing one is (Session{}, false, nil). What it
	// returns is never of an older version than a floor of the same epoch, unless the database itself
	// is: the answer's own floor then replaces the caller's.
	SessionGet(ctx context.Context, key Key, floor ...Floor) (Session, bool, error)

	// SessionSave replaces the payload. A version other than 0 has to be the current one (ErrConflict).
	// A session that has ended is not brought back: ErrGone. Saving moves the idle deadline.
	SessionSave(ctx context.Context, key Key, payload any, version int64) (Floor, error)

	// SessionMerge applies a JSON merge patch (RFC 7396: null removes a member) to the payload, so that
	// two who change different members do not undo each other. ErrGone as in SessionSave. Merging moves
	// the idle deadline.
	SessionMerge(ctx context.Context, key Key, patch any) (Session, error)

	// SessionTouch moves the idle deadlines of live sessions, and returns how many it moved: sessions
	// that have ended, have no idle lifetime or are locked by somebody else's change stay as they are.
	SessionTouch(ctx context.Context, keys ...Key) (int, error)

	// SessionRotate gives a session a new token, and a user where username is not "". The old token is
	// dead at once, the payload stays. It is to be called whenever privileges change. ErrGone,
	// ErrNoUser, ErrNotActive; ErrInvalid for the session of another user.
	SessionRotate(ctx context.Context, key Key, username string) (Token, Session, error)

	// SessionClose ends a session and reports whether there was one.
	SessionClose(ctx context.Context, key Key) (bool, error)

	// SessionCloseID ends one of a user's sessions by the ID that SessionList shows, and reports whether
	// there was one.
	SessionCloseID(ctx context.Context, username string, id int64) (bool, error)

	// SessionCloseUser ends all sessions of a user, but for at most one, and returns how many.
	SessionCloseUser(ctx context.Context, username string, except ...Key) (int64, error)

	// SessionList returns a user's live sessions, the newest first, without their keys and payloads, with
	// their origins.
	SessionList(ctx context.Context, username string) ([]Session, error)
}
