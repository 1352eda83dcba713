package client

import (
	"context"
	"time"
)

// Outcome is the answer to a login, or to a change of password.
type Outcome string

// The outcomes of a login. Disabled and pending are told only to who knows the password.
const (
	OK             Outcome = "ok"
	BadCredentials Outcome = "bad_credentials" // wrong password, or no such user
	Throttled      Outcome = "throttled"       // too many failures; LoginResult.RetryAfter says how long to wait
	Disabled       Outcome = "disabled"
	Pending        Outcome = "pending" // signed up and not yet activated
)

// LoginOptions are the parameters of the session that a login opens. The zero value is a session
// without a deadline and with an empty payload.
type LoginOptions struct {
	Idle    time.Duration // idle lifetime in whole seconds; 0: none
	Payload any           // JSON object, marshalled as SessionSave does; nil: {}
	Origin  any           // JSON object that says where the login comes from; nil: none. See [Client.Login] for its member address.
}

// LoginResult is the answer to a login. Token and Session are zero unless Outcome is [OK].
type LoginResult struct {
	Outcome    Outcome
	RetryAfter time.Duration // only with Throttled
	Token      Token
	Session    Session
}

// Login implements [Store]. It is slow on purpose: checking a password takes the server a fraction of a
// second. After a few failures it answers [Throttled]; who logs in from an address (the client's IP address
// as text, the member "address" of the origin) that the user has logged in from before is not made to wait
// for what strangers have failed. Call it in a transaction of its own: a failure that is rolled back is not
// counted. [ErrIsolation] in a transaction of REPEATABLE READ and above. A username or a password that no
// user can have is [ErrInvalid]. The password travels as a parameter: a server that logs statements with
// their parameters logs it.
func (c *Client) Login(ctx context.Context, username, pass string, o LoginOptions) (LoginResult, error) {
	const op = "login"
	args, err := openArguments(op, username, o.Idle, o.Payload, o.Origin)
	if err != nil {
		return LoginResult{}, err
	}
	if err := checkText(op, "password", pass); err != nil {
		return LoginResult{}, err
	}
	token := NewToken(username)
	key := token.Key()
	sent := time.Now()
	var r loginRow
	err = c.db.QueryRow(ctx, c.sql.login, username, password(pass), args.idle, args.payload, args.origin, key[:]).Scan(
		&r.outcome, &r.retryAfter,
		&r.id, &r.username, &r.payload, &r.version, &r.created, &r.expires, &r.expireSecs, &r.ttl, &r.epoch)
	if err != nil {
		return LoginResult{}, fail(ctx, op, err)
	}
	result := LoginResult{Outcome: r.outcome, RetryAfter: microseconds(r.retryAfter)}
	if r.outcome == OK {
		result.Token = token
		result.Session = r.session(key, sent)
	}
	return result, nil
}

type loginRow struct {
	outcome    Outcome
	retryAfter int64 // microseconds
	sessionRow
}

// Logout ends the session of a token and reports whether there was one.
func (c *Client) Logout(ctx context.Context, token Token) (bool, error) {
	return c.SessionClose(ctx, token.Key())
}
