// Package scsstore keeps the sessions of github.com/alexedwards/scs in pgsession. A site that uses scs changes one line:
//
//	sessionManager.Store = scsstore.New(store, scsstore.Options{})
//
// over a *client.Client or, to have sessions read from memory and yet be ended everywhere within milliseconds, over a
// listener.Cache. Handlers stay as they are. The README beside this file sets both side by side.
//
// # Tokens
//
// scs makes the tokens. A session's key is the SHA-256 of its token ([client.KeyOf]): the database sees no token, and what is stored
// opens nothing. That is so with scs.SessionManager's HashTokenInStore off, which saves a hash, and on.
//
// # Data
//
// What scs's codec makes, gob or any other, is kept byte for byte, in base64, in a payload {"scs": …, "expires": …} of an anonymous
// session. Other members that somebody adds stay there. The setting payload_max bounds the payload, 65,536 bytes by default, so
// that the data may have some 49,000; a commit beyond fails with an error that says so.
//
// # Ended is ended
//
// scs saves by "insert or overwrite": to it, a session that was ended while a request was under way looks like one that is new, and
// the commit at the request's end brings it back. Here it does not. A session is opened only for a token that this process has never
// found: while a request is under way, and longer, the Store remembers what it has found, and a commit of that saves what is there or
// does nothing ([Options].ReportGone: or returns [client.ErrGone]). Whichever process ended it and however (Destroy, another window's
// logout, session_close, a DBA's DELETE), the database has the last word. scs only ever commits a token that it has found or has just
// made, within the same process, so that nothing escapes this.
//
// RenewToken is a deletion and a commit of the same data under a new token. If the session that it deletes was ended by somebody else
// since the request found it, what the request commits afterwards is dropped too. A request is told by its context: this holds if
// RenewToken and the commit are given the request's own context or one that adds values to it, and not one with a deadline of its
// own. (A request that destroys a session which another has just destroyed, and then puts something into the new one, loses that.)
//
// # How long a session lives
//
// Each commit of scs has an expiry, which is kept in the payload: past it, Find finds nothing. The row's own idle lifetime, which has
// it swept, is set when the session is first committed: the time until that commit's expiry, a tenth and a minute. Each commit
// moves it. So sessions end when scs says, unless a later commit wants more than that: SetDeadline far beyond Lifetime, or an
// IdleTimeout that was raised since. Options.Lifetime is for that; without it such a session ends early if it is not used, and a
// warning is logged. As with all of scs's stores, expiries compare the clocks of the machines that set and read them.
//
// # Iterating
//
// scs.SessionManager's Iterate asks a store for the tokens of all sessions. The database has none: [Store.AllCtx] hands out handles,
// random texts that mean something to this Store only, and only to Delete and Commit, so that the callback may Destroy or Commit. A
// handle in a cookie opens nothing. Listing needs the right to call session_scan, which applications do not have by themselves:
// see [Options].Lister.
package scsstore
