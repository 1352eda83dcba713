package client

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// SessionScan returns live sessions, of users and anonymous, in the order of their IDs: up to limit of them (0: the server's default
// of 1,000), from the first after an ID. To go through all of them, give the last one's ID until fewer than limit come. It tells every
// session's payload: grant_app does not give the right to it.
func (c *Client) SessionScan(ctx context.Context, after int64, limit int) ([]Session, error) {
	const op = "session_scan"
	if limit == 0 {
		limit = scanLimit
	}
	var sessions []Session
	err := c.fresh(ctx, op, func(db DB, sent time.Time) error {
		rows, err := db.Query(ctx, c.sql.sessionScan, after, int64(limit))
		if err != nil {
			return err
		}
		sessions, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (Session, error) {
			var r sessionRow
			var key []byte
			err := row.Scan(&key, &r.id, &r.username, &r.payload, &r.version, &r.created, &r.expires, &r.expireSecs, &r.ttl, &r.epoch)
			if err != nil {
				return Session{}, err
			}
			return r.session(Key(key), sent), nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return sessions, nil
}

const scanLimit = 1000
