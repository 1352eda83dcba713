package client

import (
	"encoding/json"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// Session is a live session as the database answered. It is a value: changing it changes nothing
// elsewhere, and its Payload cannot be changed.
type Session struct {
	ID       int64
	Key      Key    // zero in SessionList, which tells no keys
	Username string // "" is an anonymous session
	Payload  Payload
	Version  int64 // grows with every change, not with a touch

	Created    time.Time
	Expires    time.Time // next deadline by the server's wall clock, for display; zero: never
	ExpireSecs int32     // idle lifetime in seconds; 0: none

	// Deadline is when this answer's time has run out on the local monotonic clock: Sent and the time that
	// was left. The session itself may live longer, if it is used meanwhile. Zero: never.
	Deadline time.Time
	Sent     time.Time // when the query was sent, with a monotonic reading

	Epoch  Epoch
	Origin json.RawMessage // where it was opened from; nil: unknown. Only SessionList tells it.
}

// TTL returns the time left by the local monotonic clock, 0 when it has run out, and false for a
// session that does not expire.
func (s *Session) TTL() (time.Duration, bool) {
	if s.Deadline.IsZero() {
		return 0, false
	}
	return max(0, time.Until(s.Deadline)), true
}

// Floor returns the version floor that this answer sets.
func (s *Session) Floor() Floor { return Floor{Epoch: s.Epoch, Version: s.Version} }

// OpenOptions are the parameters of SessionOpen. The zero value opens an anonymous session without a
// deadline and with an empty payload.
type OpenOptions struct {
	Username string        // "": anonymous
	Idle     time.Duration // idle lifetime in whole seconds; 0: none
	Payload  any           // JSON object, marshalled as SessionSave does; nil: {}
	Origin   any           // JSON object of at most 4,096 bytes that says where the session is opened from; nil: none
	Key      *Key          // key of a foreign identifier ([KeyOf]); then no token is made. nil: a new token
}

// sessionRow receives the columns of one session, in the order of sessionColumns.
type sessionRow struct {
	id         int64
	username   pgtype.Text
	payload    string
	version    int64
	created    time.Time
	expires    pgtype.Timestamptz
	expireSecs pgtype.Int4
	ttl        pgtype.Int8 // microseconds
	epoch      pgtype.UUID
}

func (r *sessionRow) scan(row pgx.Row) error { return row.Scan(r) }

// ScanRow implements pgx.RowScanner. Reading a session is what this package does all day, and most of the
// time that pgx takes for it goes into finding out how to scan each column. In the query modes that
// answer in binary, that is known.
func (r *sessionRow) ScanRow(rows pgx.Rows) error {
	if r.decode(binaryRow{rows.RawValues(), rows.FieldDescriptions()}) {
		return nil
	}
	return rows.Scan(&r.id, &r.username, &r.payload, &r.version, &r.created, &r.expires, &r.expireSecs, &r.ttl, &r.epoch)
}

// decode reads a row of binary values, and returns false for any other.
func (r *sessionRow) decode(row binaryRow) bool {
	if len(row.values) != 9 {
		return false
	}
	var ok [7]bool
	r.id, _, ok[0] = row.int64(0)
	r.username = row.text(1)
	r.payload = string(row.values[2])
	r.version, _, ok[1] = row.int64(3)
	r.created, _, ok[2] = row.time(4)
	r.expires.Time, r.expires.Valid, ok[3] = row.time(5)
	r.expireSecs.Int32, r.expireSecs.Valid, ok[4] = row.int32(6)
	r.ttl.Int64, r.ttl.Valid, ok[5] = row.int64(7)
	r.epoch.Bytes, r.epoch.Valid, ok[6] = row.uuid(8)
	return ok == [7]bool{true, true, true, true, true, true, true}
}

// session makes the answer to a query that was sent then.
func (r *sessionRow) session(key Key, sent time.Time) Session {
	s := Session{
		ID:         r.id,
		Key:        key,
		Username:   r.username.String,
		Payload:    Payload{json: r.payload},
		Version:    r.version,
		Created:    r.created,
		Expires:    r.expires.Time,
		ExpireSecs: r.expireSecs.Int32,
		Sent:       sent,
		Epoch:      Epoch(r.epoch.Bytes),
	}
	if r.ttl.Valid {
		s.Deadline = sent.Add(microseconds(r.ttl.Int64))
	}
	return s
}

// microseconds converts what SQL counts, and takes what a Duration cannot hold for the longest one.
func microseconds(n int64) time.Duration {
	const most = math.MaxInt64 / int64(time.Microsecond)
	return time.Duration(max(-most, min(most, n))) * time.Microsecond
}
