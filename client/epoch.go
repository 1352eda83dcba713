package client

import (
	"encoding/hex"
)

// Epoch names a stretch of the database's life in which no acknowledged commit was lost. A crash, a
// failover, a restore or a clone starts a new one. The zero value is unknown (null in SQL): before
// change_start, and on a standby.
type Epoch [16]byte

// IsZero reports whether the epoch is unknown.
func (e Epoch) IsZero() bool { return e == Epoch{} }

// String returns the epoch as PostgreSQL writes a uuid.
func (e Epoch) String() string {
	var b [36]byte
	hex.Encode(b[0:8], e[0:4])
	hex.Encode(b[9:13], e[4:6])
	hex.Encode(b[14:18], e[6:8])
	hex.Encode(b[19:23], e[8:10])
	hex.Encode(b[24:36], e[10:16])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}

// Floor is a version of a session below which a caller need not be served: what a write returned, or
// [Session.Floor] of the last answer. The zero value is no floor.
type Floor struct {
	Epoch   Epoch
	Version int64
}
