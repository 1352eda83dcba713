package client

import (
	"database/sql/driver"
	"fmt"
	"io"
	"math"
	"time"
)

// password is a password, or what else is as secret, on its way to PostgreSQL. pgx hands its arguments to tracers and quotes them
// in encoding errors: this one reads "[redacted password]" there, and is itself only on the wire.
type password string

// Value gives pgx the password to send.
func (p password) Value() (driver.Value, error) { return string(p), nil }

// Format writes "[redacted password]" for every verb.
func (password) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[redacted password]") }

// MarshalText returns "[redacted password]".
func (password) MarshalText() ([]byte, error) { return []byte("[redacted password]"), nil }

// textOrNull is s as an argument, null where it is "".
func textOrNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// versionOrNull is an expected version as an argument, null where there is none.
func versionOrNull(version int64) any {
	if version == 0 {
		return nil
	}
	return version
}

// keyOrNull is the optional key of a variadic parameter as an argument. There is at most one.
func keyOrNull(op string, keys []Key) (any, error) {
	switch len(keys) {
	case 0:
		return nil, nil
	case 1:
		return keys[0][:], nil
	}
	return nil, invalid(op, "at most one session can be excepted")
}

// idleSeconds is an idle lifetime as an argument, null where there is none.
func idleSeconds(op string, idle time.Duration) (any, error) {
	switch {
	case idle == 0:
		return nil, nil
	case idle%time.Second != 0:
		return nil, invalid(op, "idle lifetime is not a whole number of seconds")
	case idle/time.Second > math.MaxInt32:
		return nil, invalid(op, "idle lifetime is too long")
	}
	return int64(idle / time.Second), nil // PostgreSQL refuses what is negative
}
