// Package gorillastore keeps the sessions of github.com/gorilla/sessions in pgsession. A site that uses gorilla changes one line:
//
//	store := gorillastore.New(sessions, []byte("32 or 64 bytes that authenticate"))
//
// over a *client.Client or, to have sessions read from memory and yet be ended everywhere within milliseconds, over a
// listener.Cache. Handlers stay as they are. client/scsstore/README.md sets both side by side.
//
// # Tokens
//
// A session's ID is a token of pgsession's own, which travels in the cookie, signed by securecookie. What is stored is its key, a
// hash, which opens nothing; psql's session_close(token) and the rest know the token.
//
// # Data
//
// Values are serialized by securecookie's gob encoder, or another [Store].Serializer, and kept byte for byte, in base64, in a payload
// {"gorilla": …, "expires": …} of an anonymous session. Other members that somebody adds stay there. The setting payload_max bounds
// the payload, 65,536 bytes by default, so that the values may have some 49,000; a Save beyond fails with an error that says so.
//
// # Ended is ended
//
// Other stores save by "insert or overwrite", so that a session which was ended while a request was under way is back at the request's
// end. Here it is not. A session with an ID is saved if it is there; only one without is opened, under a new ID; and a cookie whose
// session is not there gives no ID. A Save of a session that has been ended, by whichever process and however (another window's
// logout, session_close, a DBA's DELETE), changes nothing, removes the cookie, and returns an error that wraps [client.ErrGone].
//
// # How long a session lives
//
// As long after its last Save as the cookie: Options.MaxAge seconds. MaxAge 0, a cookie until the browser is closed, has the session
// end [Store].BrowserIdle after its last use. A negative MaxAge ends the session. A Save that wants more time than the session was
// opened with moves it to a new ID.
//
// # Errors of Get
//
// As with gorilla's own stores, Get and New return a new session along with an error, for a cookie that was tampered with or a database
// that is away. Who ignores the error and saves that session gives the user a new one; the old one stays as it was.
package gorillastore
