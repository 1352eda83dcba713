// Package sessionhttp is net/http middleware that gives every request its session, over any
// [client.Store]: a *client.Client, or a listener.Cache, which answers from memory when it may.
//
// A handler asks [From] for the session of its request. Nothing is read before the handler asks for
// something, and nothing is written unless it changed something. Changes of the payload are made by
// member and saved together just before the response's header goes out, so that two requests that
// change different members at once do not undo each other, and a change that cannot be saved is told to
// the browser. What changes privileges (Login, Logout, Rotate and the ending of other sessions) happens
// at the call.
//
// # Tokens
//
// The token travels in a cookie that is Secure, HttpOnly, SameSite=Lax and bound to the host. A token
// that the store does not know is never adopted, and every login gives a new one, so that nobody can
// plant a session that somebody else then logs in to. A cookie that holds no token costs no query.
//
// A browser's cookie is taken away at a logout only. An answer that finds its session gone leaves it in
// place: the login that has just replaced it may have been sent to the same browser a moment before.
// A request that was sent with the token from before that login, and then sets a member, has a visitor's
// session of its own: if its answer is the last to arrive, the browser keeps that one, and its user has to
// log in again.
//
// # Errors
//
// When the store cannot answer, every accessor returns the error, and nobody is taken for logged in.
// [Fail] answers a request with an error, by default with a plain page: 503 where the store is away, 401
// where the session has ended or nobody is logged in. A change that could not be saved, because the
// session has been ended meanwhile or for any other reason, replaces the handler's answer by that one:
// the session does not come back.
//
// A handler that panics, and an answer of status 500 and above, save nothing.
//
// # Caches and browsers
//
// A response carries Vary: Cookie if its handler asked for the session; Cache-Control: no-store if there
// was one, unless the handler says otherwise; and no-store whatever the handler says if it carries a
// cookie of ours.
//
// Requests that a page of another origin makes a browser send are refused by
// [http.CrossOriginProtection] unless their method is safe (GET, HEAD, OPTIONS). So handlers of safe
// methods should change nothing that matters.
package sessionhttp
