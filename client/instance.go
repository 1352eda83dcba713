package client

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// Instance names a process that may serve sessions from memory, in the register that a revocation goes
// by. It is random. The zero value is none.
type Instance [16]byte

// NewInstance returns the name of a new instance.
func NewInstance() Instance {
	var id Instance
	_, _ = rand.Read(id[:]) // never fails
	return id
}

// String returns the name as PostgreSQL writes a uuid.
func (id Instance) String() string { return Epoch(id).String() }

func (id Instance) uuid() pgtype.UUID { return pgtype.UUID{Bytes: id, Valid: id != Instance{}} }

// Member is a registered instance.
type Member struct {
	Instance Instance
	Polls    int64    // rises with every poll: who stands still for longer than the lease holds none
	Applied  Snapshot // the cursor up to which it has applied all changes; zero before its first poll
}

// ChangeJoin registers an instance, or registers it anew. It has to be committed before the instance
// sends its first poll.
func (c *Client) ChangeJoin(ctx context.Context, id Instance) error {
	return c.perform(ctx, "change_join", c.sql.changeJoin, id.uuid())
}

// ChangeLeave ends a registration: the instance serves nothing from memory any more.
func (c *Client) ChangeLeave(ctx context.Context, id Instance) error {
	return c.perform(ctx, "change_leave", c.sql.changeLeave, id.uuid())
}

// ChangeAck reports that an instance has applied all changes up to a cursor, at once and not with its
// next poll. It returns false if the instance is not registered.
func (c *Client) ChangeAck(ctx context.Context, id Instance, cursor Snapshot) (bool, error) {
	return scalar[bool](ctx, c, "change_ack", c.sql.changeAck, id.uuid(), textOrNull(cursor.text))
}

// ChangeExpel ends the registration of an instance that has not polled since polls was read, and
// reports whether it did. Only who has seen it stand still for longer than the lease may call it.
func (c *Client) ChangeExpel(ctx context.Context, id Instance, polls int64) (bool, error) {
	return scalar[bool](ctx, c, "change_expel", c.sql.changeExpel, id.uuid(), polls)
}

// ChangeMembers returns the registered instances.
func (c *Client) ChangeMembers(ctx context.Context) ([]Member, error) {
	const op = "change_members"
	rows, err := c.db.Query(ctx, c.sql.changeMembers)
	if err != nil {
		return nil, fail(ctx, op, err)
	}
	members, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Member, error) {
		var id pgtype.UUID
		var m Member
		var applied pgtype.Text
		err := row.Scan(&id, &m.Polls, &applied)
		m.Instance = id.Bytes
		if err == nil && applied.Valid {
			m.Applied, err = ParseSnapshot(applied.String)
		}
		return m, err
	})
	if err != nil {
		return nil, fail(ctx, op, err)
	}
	return members, nil
}

// ChangeApplied reports whether every registered instance has applied what a transaction changed; to be
// asked after its commit. It is false in an epoch that is younger than the lease: wait that long.
func (c *Client) ChangeApplied(ctx context.Context, xid uint64) (bool, error) {
	return scalar[bool](ctx, c, "change_applied", c.sql.changeApplied, strconv.FormatUint(xid, 10))
}

// ChangeWait returns how long a revoker has to wait, from its question on, until no process serves what it
// ended, whoever does not answer: T(1+ρ)+F, T being the longest lease that can be held, F the setting
// fencing, or the one given where that is longer. It is to be asked after the commit. [ErrPollRefused] on
// a standby.
func (c *Client) ChangeWait(ctx context.Context, fencing time.Duration) (time.Duration, error) {
	wait, err := scalar[int64](ctx, c, "change_wait", c.sql.changeWait, fencing.Microseconds())
	return microseconds(wait), err
}

// ringMost is how many changes fit into one notification.
const ringMost = 600

// ChangeRing notifies all processes of changes that have been committed without a notification. With
// none, it has every process poll now.
func (c *Client) ChangeRing(ctx context.Context, changes ...Change) error {
	if len(changes) == 0 {
		return c.perform(ctx, "change_ring", c.sql.changeRing, "!")
	}
	for len(changes) > 0 {
		batch := changes[:min(len(changes), ringMost)]
		if err := c.perform(ctx, "change_ring", c.sql.changeRing, items(batch)); err != nil {
			return err
		}
		changes = changes[len(batch):]
	}
	return nil
}

// items writes changes as a notification does.
func items(changes []Change) string {
	var b strings.Builder
	for _, change := range changes {
		if change.Kind == ChangedAll {
			return "*" // covers the others
		}
		b.WriteByte(byte(change.Kind))
		//nolint:gosec // the sign becomes the top bit, as in SQL's int8send
		tag := binary.BigEndian.AppendUint64(nil, uint64(change.Tag))
		b.WriteString(base64.RawURLEncoding.EncodeToString(tag))
	}
	return b.String()
}
