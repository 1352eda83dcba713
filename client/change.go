package client

import (
	"context"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// ChangeKind says what a tag in the change log stands for.
type ChangeKind byte

// The kinds of changes.
const (
	ChangedSession ChangeKind = 's' // a session: the tag of its key
	ChangedUser    ChangeKind = 'u' // all sessions of a user: the tag of the username
	ChangedAll     ChangeKind = '*' // everything; the tag is 0
)

// Change is one thing that processes must forget. Kinds that are not known here are to be taken for
// [ChangedAll].
type Change struct {
	Kind ChangeKind
	Tag  Tag
}

// Poll is the answer to ChangePoll: what has changed since the cursor, and all that is needed to judge
// what is cached, of one snapshot.
type Poll struct {
	Epoch    Epoch         // zero before change_start: nothing may be cached then
	LowWater uint64        // changes of transactions below may have been purged; 0 with a zero Epoch
	Snapshot Snapshot      // the new cursor
	Lease    time.Duration // for how long answers may be served from memory, from Sent on: T
	Interval time.Duration // how often to poll: P
	Fencing  time.Duration // how long a demoted server may go on answering: F
	Wait     time.Duration // how long a revoker waits for who does not answer, while the lease lasts; later: ChangeWait
	Notify   string        // the notify mode: "inline", "doorbell" or "none"
	Changes  []Change
	Member   bool      // the instance that polled is registered: without that, it may not answer from memory
	Sent     time.Time // when the query was sent, with a monotonic reading
}

// ChangePoll asks what has changed since a cursor, which is an earlier answer's Snapshot, or zero to
// begin with. It reports, for a registered instance, that it has applied everything up to the cursor;
// the zero Instance reports nothing. It works on a primary only, and not in a read-only or REPEATABLE
// READ transaction: [ErrPollRefused]. It is the listener's; applications need not call it.
func (c *Client) ChangePoll(ctx context.Context, cursor Snapshot, id Instance) (Poll, error) {
	const op = "change_poll"
	poll := Poll{Sent: time.Now()}
	rows, err := c.db.Query(ctx, c.sql.changePoll, textOrNull(cursor.text), id.uuid())
	if err != nil {
		return Poll{}, fail(ctx, op, err)
	}
	defer rows.Close()
	var row pollRow
	for first := true; rows.Next(); first = false {
		if err := row.scan(rows); err != nil {
			return Poll{}, fail(ctx, op, err)
		}
		if first {
			if err := row.head(&poll); err != nil {
				return Poll{}, fail(ctx, op, err)
			}
		}
		if row.kind.Valid && row.kind.String != "" {
			poll.Changes = append(poll.Changes, Change{Kind: ChangeKind(row.kind.String[0]), Tag: Tag(row.tag.Int64)})
		}
	}
	if err := rows.Err(); err != nil {
		return Poll{}, fail(ctx, op, err)
	}
	if poll.Snapshot.IsZero() {
		return Poll{}, fail(ctx, op, pgx.ErrNoRows)
	}
	return poll, nil
}

// pollRow receives one row of change_poll. All rows have the same values up to the kind.
type pollRow struct {
	epoch           pgtype.UUID
	lowWater        pgtype.Text
	snapshot        string
	lease, interval int64 // microseconds, as are fencing and wait
	notify          string
	kind            pgtype.Text
	tag             pgtype.Int8
	member          bool
	fencing, wait   int64
}

func (r *pollRow) scan(row pgx.Row) error {
	return row.Scan(&r.epoch, &r.lowWater, &r.snapshot, &r.lease, &r.interval, &r.notify, &r.kind, &r.tag, &r.member, &r.fencing, &r.wait)
}

// head fills in what all rows have in common.
func (r *pollRow) head(poll *Poll) error {
	var err error
	if poll.Snapshot, err = ParseSnapshot(r.snapshot); err != nil {
		return err
	}
	if poll.LowWater, err = parseXID(r.lowWater); err != nil {
		return err
	}
	poll.Epoch = r.epoch.Bytes
	poll.Lease = microseconds(r.lease)
	poll.Interval = microseconds(r.interval)
	poll.Notify = r.notify
	poll.Member = r.member
	poll.Fencing = microseconds(r.fencing)
	poll.Wait = microseconds(r.wait)
	return nil
}

// parseXID reads an xid8, 0 where it is null.
func parseXID(text pgtype.Text) (uint64, error) {
	if !text.Valid {
		return 0, nil
	}
	return strconv.ParseUint(text.String, 10, 64)
}

// ChangeStart begins an epoch where there is none: after the installation, a crash, a promotion, a
// restore. Otherwise it does nothing.
func (c *Client) ChangeStart(ctx context.Context) error {
	return c.perform(ctx, "change_start", c.sql.changeStart)
}

// Epoch returns the current epoch, zero before change_start and on a standby.
func (c *Client) Epoch(ctx context.Context) (Epoch, error) {
	epoch, err := scalar[pgtype.UUID](ctx, c, "epoch", c.sql.epoch)
	return epoch.Bytes, err
}
