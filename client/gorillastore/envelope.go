package gorillastore

import (
	"errors"
	"fmt"
	"time"

	"github.com/pgsession/pgsession/client"
)

// envelope is the payload of a session: what the serializer made, byte for byte, and when the cookie expires. A DBA reads it with
//
//	select decode(payload ->> 'gorilla', 'base64'), (payload ->> 'expires')::timestamptz from pgsession.sessions where payload ? 'gorilla';
type envelope struct {
	Data    []byte     `json:"gorilla"` // base64 in JSON
	Expires *time.Time `json:"expires"` // null: with the row
}

func newEnvelope(data []byte, maxAge int) envelope {
	if data == nil {
		data = []byte{} // which is not the same as no data
	}
	e := envelope{Data: data}
	if maxAge > 0 {
		expires := time.Now().Add(time.Duration(maxAge) * time.Second).UTC()
		e.Expires = &expires
	}
	return e
}

// decode opens a session's payload.
func decode(p client.Payload) (envelope, error) {
	var e envelope
	if err := p.Decode(&e); err != nil {
		return envelope{}, fmt.Errorf("the payload was changed, and cannot be read: %w", err)
	}
	if e.Data == nil {
		return envelope{}, errors.New(`the payload has no member "gorilla": another library opened the session, or somebody changed it`)
	}
	return e, nil
}

// expired reports whether the cookie has expired, by the clock of whoever saved and this one's.
func (e envelope) expired() bool { return e.Expires != nil && !e.Expires.After(time.Now()) }
