package client

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// User is an account.
type User struct {
	ID       int64
	Username string
	Status   string // "pending", "active" or "disabled"
	Payload  Payload
	Version  int64

	Created   time.Time
	LastLogin time.Time // zero: never
	LastHit   time.Time // about when last seen; zero: never
}

// UserOptions are the parameters of UserCreate. The zero value makes an active user with an empty
// payload.
type UserOptions struct {
	Payload any  // JSON object, marshalled as SessionSave does; nil: {}
	Pending bool // the user cannot log in before the account is activated
}

// UserCreate makes a user. For a pending one it returns the acknowledgement key that activates the
// account, else "". [ErrExists] where the username is taken; [ErrInvalid] for a username that is not 1
// to 255 characters without control characters, and a password that is not 1 to 72 bytes.
func (c *Client) UserCreate(ctx context.Context, username, pass string, o UserOptions) (string, error) {
	const op = "user_create"
	if err := checkCredentials(op, username, pass); err != nil {
		return "", err
	}
	payload, err := marshalObject(op, "payload", o.Payload)
	if err != nil {
		return "", err
	}
	if payload == "" {
		payload = emptyObject
	}
	acknowledgement, err := scalar[pgtype.Text](ctx, c, op, c.sql.userCreate, username, password(pass), payload, o.Pending)
	return acknowledgement.String, err
}

// UserActivate activates a pending user by the acknowledgement key that [Client.UserCreate] returned. It
// is true once, and false for a wrong, used or expired key and for a user who is not pending.
// [ErrIsolation] in a transaction of REPEATABLE READ and above.
func (c *Client) UserActivate(ctx context.Context, username, acknowledgement string) (bool, error) {
	const op = "user_activate"
	if err := checkText(op, "username", username); err != nil {
		return false, err
	}
	if err := checkText(op, "acknowledgement key", acknowledgement); err != nil {
		return false, err
	}
	return scalar[bool](ctx, c, op, c.sql.userActivate, username, password(acknowledgement))
}

// UserGet returns a user. A missing one is (User{}, false, nil).
func (c *Client) UserGet(ctx context.Context, username string) (User, bool, error) {
	const op = "user_get"
	if err := checkText(op, "username", username); err != nil {
		return User{}, false, err
	}
	var user User
	var found bool
	err := c.fresh(ctx, op, func(db DB, _ time.Time) error {
		var err error
		user, err = scanUser(db.QueryRow(ctx, c.sql.userGet, username))
		found = err == nil
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil {
		return User{}, false, err
	}
	return user, found, nil
}

func scanUser(row pgx.Row) (User, error) {
	var u User
	var lastLogin, lastHit pgtype.Timestamptz
	err := row.Scan(&u.ID, &u.Username, &u.Status, &u.Payload.json, &u.Version, &u.Created, &lastLogin, &lastHit)
	if err != nil {
		return User{}, err
	}
	u.LastLogin, u.LastHit = lastLogin.Time, lastHit.Time
	return u, nil
}

// UserSave replaces a user's payload and returns the new version. A version other than 0 has to be the
// current one ([ErrConflict]). [ErrNoUser] where there is none.
func (c *Client) UserSave(ctx context.Context, username string, payload any, version int64) (int64, error) {
	const op = "user_save"
	if err := checkText(op, "username", username); err != nil {
		return 0, err
	}
	text, err := marshalPayload(op, "payload", payload)
	if err != nil {
		return 0, err
	}
	return scalar[int64](ctx, c, op, c.sql.userSave, username, text, versionOrNull(version))
}

// UserSetPassword sets a user's password and ends the user's sessions, but for at most one to keep, in
// the same transaction. It returns how many it ended. [ErrNoUser] where there is no such user,
// [ErrIsolation] in a transaction of REPEATABLE READ and above.
func (c *Client) UserSetPassword(ctx context.Context, username, pass string, keep ...Key) (int, error) {
	const op = "user_set_password"
	if err := checkCredentials(op, username, pass); err != nil {
		return 0, err
	}
	key, err := keyOrNull(op, keep)
	if err != nil {
		return 0, err
	}
	return scalar[int](ctx, c, op, c.sql.userSetPassword, username, password(pass), key)
}

// PasswordOptions are the parameters of UserChangePassword. The zero value ends all of the user's sessions.
type PasswordOptions struct {
	Keep   *Key // the session to keep; nil: none
	Origin any  // JSON object that says where the call comes from, as in [LoginOptions]; nil: none
}

// UserChangePassword sets a user's password for who knows the present one, and ends the user's sessions but
// for the one to keep, in the same transaction. The answer is a login's: unless it is [OK], nothing was
// changed. Failures count like those of logins, so give the same Origin. Slow, like [Client.Login], and like
// that best called in a transaction of its own. [ErrInvalid] for a new password that is too short,
// [ErrIsolation] in a transaction of REPEATABLE READ and above.
func (c *Client) UserChangePassword(ctx context.Context, username, old, pass string, o PasswordOptions) (Outcome, error) {
	const op = "user_change_password"
	if err := checkCredentials(op, username, old); err != nil {
		return "", err
	}
	if err := checkText(op, "password", pass); err != nil {
		return "", err
	}
	origin, err := marshalObject(op, "origin", o.Origin)
	if err != nil {
		return "", err
	}
	var keep any
	if o.Keep != nil {
		keep = o.Keep[:]
	}
	return scalar[Outcome](ctx, c, op, c.sql.userChangePassword, username, password(old), password(pass), keep, textOrNull(origin))
}

// UserDelete deletes a user with all sessions and reports whether there was one.
func (c *Client) UserDelete(ctx context.Context, username string) (bool, error) {
	const op = "user_delete"
	if err := checkText(op, "username", username); err != nil {
		return false, err
	}
	return scalar[bool](ctx, c, op, c.sql.userDelete, username)
}

func checkCredentials(op, username, pass string) error {
	if err := checkText(op, "username", username); err != nil {
		return err
	}
	return checkText(op, "password", pass)
}
