package client

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// The methods of this file are an administrator's: grant_app does not give the right to them.

// UserList returns up to limit users in the order of their names, beginning after the name after ("": with
// the first), for a page at a time. 0 is the server's default of 100; a negative limit is [ErrInvalid].
func (c *Client) UserList(ctx context.Context, after string, limit int) ([]User, error) {
	const op = "user_list"
	if err := checkText(op, "username", after); err != nil {
		return nil, err
	}
	if limit == 0 {
		limit = listLimit
	}
	var users []User
	err := c.fresh(ctx, op, func(db DB, _ time.Time) error {
		rows, err := db.Query(ctx, c.sql.userList, after, int64(limit))
		if err != nil {
			return err
		}
		users, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (User, error) { return scanUser(row) })
		return err
	})
	if err != nil {
		return nil, err
	}
	return users, nil
}

const listLimit = 100

// UserRename gives a user another name, which the sessions follow, and reports whether there was such a
// user. [ErrExists] where the new name is taken, [ErrInvalid] where it can be none.
func (c *Client) UserRename(ctx context.Context, username, renamed string) (bool, error) {
	const op = "user_rename"
	for _, name := range []string{username, renamed} {
		if err := checkText(op, "username", name); err != nil {
			return false, err
		}
	}
	return scalar[bool](ctx, c, op, c.sql.userRename, username, renamed)
}

// UserDisable disables a user, which ends all sessions of the user, and reports whether there was such a
// user. [ErrIsolation] in a transaction of REPEATABLE READ and above.
func (c *Client) UserDisable(ctx context.Context, username string) (bool, error) {
	const op = "user_disable"
	if err := checkText(op, "username", username); err != nil {
		return false, err
	}
	return scalar[bool](ctx, c, op, c.sql.userDisable, username)
}

// UserEnable makes a user active, whether disabled or pending, and reports whether there was such a user.
// [ErrIsolation] in a transaction of REPEATABLE READ and above.
func (c *Client) UserEnable(ctx context.Context, username string) (bool, error) {
	const op = "user_enable"
	if err := checkText(op, "username", username); err != nil {
		return false, err
	}
	return scalar[bool](ctx, c, op, c.sql.userEnable, username)
}

// SessionExplain says why a token is accepted or not, in words for a human. It is the one method that
// shows the database a token, for which reason it takes its text: it is what an administrator was given.
func (c *Client) SessionExplain(ctx context.Context, token string) (string, error) {
	const op = "session_explain"
	if err := checkText(op, "token", token); err != nil {
		return "", err
	}
	return scalar[string](ctx, c, op, c.sql.sessionExplain, password(token))
}
