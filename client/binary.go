package client

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// binaryRow decodes values that the server sent in PostgreSQL's binary formats. Each method returns the
// value, whether it is there (false: null), and whether it could be read: if not, pgx has to.
type binaryRow struct {
	values [][]byte
	fields []pgconn.FieldDescription
}

// fixed returns a value of a fixed size, nil where it is null.
func (r binaryRow) fixed(i, size int) (value []byte, ok bool) {
	value = r.values[i]
	return value, value == nil || r.fields[i].Format == pgtype.BinaryFormatCode && len(value) == size
}

func (r binaryRow) int64(i int) (n int64, valid, ok bool) {
	value, ok := r.fixed(i, 8)
	if value == nil || !ok {
		return 0, false, ok
	}
	return int64(binary.BigEndian.Uint64(value)), true, true //nolint:gosec // two's complement
}

func (r binaryRow) int32(i int) (n int32, valid, ok bool) {
	value, ok := r.fixed(i, 4)
	if value == nil || !ok {
		return 0, false, ok
	}
	return int32(binary.BigEndian.Uint32(value)), true, true //nolint:gosec // two's complement
}

func (r binaryRow) uuid(i int) (id [16]byte, valid, ok bool) {
	value, ok := r.fixed(i, 16)
	if value == nil || !ok {
		return id, false, ok
	}
	return [16]byte(value), true, true
}

// time decodes a timestamptz, microseconds since 2000-01-01 UTC.
func (r binaryRow) time(i int) (at time.Time, valid, ok bool) {
	const epoch = 946_684_800 // of PostgreSQL, in Unix's
	n, valid, ok := r.int64(i)
	if !valid || !ok || n == math.MinInt64 || n == math.MaxInt64 { // the latter are infinities
		return time.Time{}, false, ok && !valid
	}
	return time.Unix(epoch+n/1e6, n%1e6*1e3), true, true
}

// text returns a text, which is the same in both formats.
func (r binaryRow) text(i int) pgtype.Text {
	return pgtype.Text{String: string(r.values[i]), Valid: r.values[i] != nil}
}
