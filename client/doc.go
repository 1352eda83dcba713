// Package client calls pgsession's stored functions: users and sessions that live in PostgreSQL.
//
// # Over what
//
// [New] makes a client over a *pgxpool.Pool, a *pgx.Conn or a pgx.Tx. Over a transaction, a change to a
// session commits or rolls back with the application's own changes:
//
//	tx, err := pool.Begin(ctx)
//	…
//	_, err = sessions.With(tx).SessionMerge(ctx, key, map[string]any{"cart": cart})
//	…
//	err = tx.Commit(ctx)
//
// An error from PostgreSQL aborts the transaction, as any does. Where the application wants to go on
// after, say, [ErrGone], it makes the call in a nested transaction (tx.Begin).
//
// The stored functions hold every rule about users and sessions. The client adds types, makes tokens,
// and reads again what was too long under way (see [WithLease]). It caches nothing; package listener
// does, behind the same interface, [Store].
//
// # Tokens and keys
//
// A [Token] is what the browser holds: 33 bytes from a CSPRNG, 44 characters. The client makes it, and
// sends its [Key], a hash, to the database, which never sees a usable token. A Token prints as
// "[redacted token]" however it is logged; [Token.Reveal] is the only way to its text. A session id that
// another library made has a key too, by [KeyOf].
//
// # Answers and errors
//
// A session that is missing, has ended or has expired is an answer: (Session{}, false, nil). So is a
// login that fails: its [Outcome] says why. What a stored function refuses is an [*Error], which unwraps
// to one sentinel a code ([ErrGone], [ErrConflict], [ErrInvalid] and so on) and to the *pgconn.PgError:
//
//	switch floor, err := store.SessionSave(ctx, key, payload, version); {
//	case errors.Is(err, client.ErrGone): // logged out meanwhile: nothing brings the session back
//	case errors.Is(err, client.ErrConflict): // somebody else saved first: read again
//	}
//
// Other errors (a context that ended, a connection that broke) wrap what pgx returned. No error's text
// holds a token, a password or a payload.
//
// # Time
//
// A session's remaining time runs on the local monotonic clock from the moment the query was sent:
// [Session.TTL]. Two machines' wall clocks are never compared. Reading a session does not move its
// deadline; SessionTouch does, for many sessions in one call, off the request path.
package client
