package client

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// SessionOpen implements [Store].
func (c *Client) SessionOpen(ctx context.Context, o OpenOptions) (Token, Session, error) {
	const op = "session_open"
	args, err := openArguments(op, o.Username, o.Idle, o.Payload, o.Origin)
	if err != nil {
		return Token{}, Session{}, err
	}
	var token Token
	var key Key
	if o.Key != nil {
		key = *o.Key
	} else {
		token = NewToken(o.Username)
		key = token.Key()
	}
	s, err := c.changed(ctx, op, key, c.sql.sessionOpen, textOrNull(o.Username), args.idle, args.payload, args.origin, key[:])
	if err != nil {
		return Token{}, Session{}, err
	}
	return token, s, nil
}

// openArgs are the arguments that opening and logging in share.
type openArgs struct {
	idle, payload, origin any
}

func openArguments(op, username string, idle time.Duration, payload, origin any) (openArgs, error) {
	if err := checkText(op, "username", username); err != nil {
		return openArgs{}, err
	}
	seconds, err := idleSeconds(op, idle)
	if err != nil {
		return openArgs{}, err
	}
	payloadText, err := marshalObject(op, "payload", payload)
	if err != nil {
		return openArgs{}, err
	}
	if payloadText == "" {
		payloadText = emptyObject
	}
	originText, err := marshalObject(op, "origin", origin)
	if err != nil {
		return openArgs{}, err
	}
	return openArgs{idle: seconds, payload: payloadText, origin: textOrNull(originText)}, nil
}

// changed runs a function that changes one session and returns it. Such an answer tells what the
// change did, however late it comes: it is not read again.
func (c *Client) changed(ctx context.Context, op string, key Key, sql string, args ...any) (Session, error) {
	var row sessionRow
	sent := time.Now()
	if err := row.scan(c.db.QueryRow(ctx, sql, args...)); err != nil {
		return Session{}, fail(ctx, op, err)
	}
	return row.session(key, sent), nil
}

// SessionGet implements [Store]. The client always asks the database, whose version replaces any floor.
// In a transaction of isolation level REPEATABLE READ or SERIALIZABLE the answer is as old as the
// transaction's snapshot.
func (c *Client) SessionGet(ctx context.Context, key Key, _ ...Floor) (Session, bool, error) {
	var s Session
	var found bool
	err := c.fresh(ctx, "session_get", func(db DB, sent time.Time) error {
		var row sessionRow
		err := row.scan(db.QueryRow(ctx, c.sql.sessionGet, key[:]))
		switch {
		case err == nil:
			s, found = row.session(key, sent), true
		case errors.Is(err, pgx.ErrNoRows):
			s, found, err = Session{}, false, nil
		}
		return err
	})
	if err != nil {
		return Session{}, false, err
	}
	return s, found, nil
}

// SessionSave implements [Store]. payload is marshalled by encoding/json, a json.RawMessage and a
// [Payload] are sent as they are, and nil is refused.
func (c *Client) SessionSave(ctx context.Context, key Key, payload any, version int64) (Floor, error) {
	const op = "session_save"
	text, err := marshalPayload(op, "payload", payload)
	if err != nil {
		return Floor{}, err
	}
	var floor Floor
	var epoch pgtype.UUID
	err = c.db.QueryRow(ctx, c.sql.sessionSave, key[:], text, versionOrNull(version)).Scan(&floor.Version, &epoch)
	if err != nil {
		return Floor{}, fail(ctx, op, err)
	}
	floor.Epoch = epoch.Bytes
	return floor, nil
}

// SessionMerge implements [Store]. patch is marshalled as SessionSave does.
func (c *Client) SessionMerge(ctx context.Context, key Key, patch any) (Session, error) {
	const op = "session_merge"
	text, err := marshalPayload(op, "patch", patch)
	if err != nil {
		return Session{}, err
	}
	return c.changed(ctx, op, key, c.sql.sessionMerge, key[:], text)
}

// SessionTouch implements [Store]. Without keys it asks nothing.
func (c *Client) SessionTouch(ctx context.Context, keys ...Key) (int, error) {
	if len(keys) == 0 {
		return 0, nil
	}
	array := make([][]byte, len(keys))
	for i := range keys {
		array[i] = keys[i][:]
	}
	return scalar[int](ctx, c, "session_touch", c.sql.sessionTouch, array)
}

// SessionRotate implements [Store]. A session that keeps its owner keeps its key's slot too.
func (c *Client) SessionRotate(ctx context.Context, key Key, username string) (Token, Session, error) {
	const op = "session_rotate"
	if err := checkText(op, "username", username); err != nil {
		return Token{}, Session{}, err
	}
	token := newToken(key.slot())
	if username != "" {
		token = NewToken(username)
	}
	newKey := token.Key()
	s, err := c.changed(ctx, op, newKey, c.sql.sessionRotate, key[:], newKey[:], textOrNull(username))
	if err != nil {
		return Token{}, Session{}, err
	}
	return token, s, nil
}

// SessionClose implements [Store].
func (c *Client) SessionClose(ctx context.Context, key Key) (bool, error) {
	return scalar[bool](ctx, c, "session_close", c.sql.sessionClose, key[:])
}

// SessionCloseID implements [Store].
func (c *Client) SessionCloseID(ctx context.Context, username string, id int64) (bool, error) {
	const op = "session_close_id"
	if err := checkText(op, "username", username); err != nil {
		return false, err
	}
	return scalar[bool](ctx, c, op, c.sql.sessionCloseID, username, id)
}

// SessionCloseUser implements [Store]. More than one exception is [ErrInvalid].
func (c *Client) SessionCloseUser(ctx context.Context, username string, except ...Key) (int64, error) {
	const op = "session_close_user"
	if err := checkText(op, "username", username); err != nil {
		return 0, err
	}
	key, err := keyOrNull(op, except)
	if err != nil {
		return 0, err
	}
	return scalar[int64](ctx, c, op, c.sql.sessionCloseUser, username, key)
}

// SessionCloseAll ends every session and returns how many there were. It is an administrator's: grant_app
// does not give the right to it.
func (c *Client) SessionCloseAll(ctx context.Context) (int64, error) {
	return scalar[int64](ctx, c, "session_close_all", c.sql.sessionCloseAll)
}

// SessionList implements [Store].
func (c *Client) SessionList(ctx context.Context, username string) ([]Session, error) {
	const op = "session_list"
	if err := checkText(op, "username", username); err != nil {
		return nil, err
	}
	var sessions []Session
	err := c.fresh(ctx, op, func(db DB, sent time.Time) error {
		rows, err := db.Query(ctx, c.sql.sessionList, username)
		if err != nil {
			return err
		}
		sessions, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (Session, error) {
			return scanListed(row, sent)
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return sessions, nil
}

func scanListed(row pgx.Row, sent time.Time) (Session, error) {
	var r sessionRow
	var origin pgtype.Text
	err := row.Scan(&r.id, &r.username, &r.payload, &r.version, &r.created, &r.expires, &r.expireSecs, &r.ttl, &r.epoch, &origin)
	if err != nil {
		return Session{}, err
	}
	s := r.session(Key{}, sent)
	if origin.Valid {
		s.Origin = json.RawMessage(origin.String)
	}
	return s, nil
}

// SessionSweep removes expired sessions, up to limit of them (0: the server's default of 1,000), purges
// the change log, and returns how many sessions it removed. Any number of processes may sweep at once.
func (c *Client) SessionSweep(ctx context.Context, limit int) (int, error) {
	if limit == 0 {
		limit = sweepLimit
	}
	return scalar[int](ctx, c, "session_sweep", c.sql.sessionSweep, int64(limit))
}

const sweepLimit = 1000
