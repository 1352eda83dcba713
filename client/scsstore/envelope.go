package scsstore

import (
	"fmt"
	"time"

	"github.com/pgsession/pgsession/client"
)

// envelope is the payload of a session: what scs's codec made, byte for byte, and when scs wants it to expire. A DBA reads it with
//
//	select decode(payload ->> 'scs', 'base64'), (payload ->> 'expires')::timestamptz from pgsession.sessions where payload ? 'scs';
type envelope struct {
	Data    []byte    `json:"scs"` // base64 in JSON
	Expires time.Time `json:"expires"`
}

func newEnvelope(b []byte, expiry time.Time) envelope {
	if b == nil {
		b = []byte{} // which is not the same as no data
	}
	return envelope{Data: b, Expires: expiry.UTC()}
}

// decode opens a session's payload.
func decode(p client.Payload) (envelope, error) {
	var e envelope
	if err := p.Decode(&e); err != nil {
		return envelope{}, fmt.Errorf("scsstore: a session's payload was changed, and cannot be read: %w", err)
	}
	if e.Data == nil {
		return envelope{}, fmt.Errorf("scsstore: a session's payload has no member \"scs\": another library opened it, or somebody changed it")
	}
	return e, nil
}

// expired reports whether scs's expiry has passed. The wall clock of whoever committed is compared with this one's, as every store of
// scs does; the row's own deadline compares no clocks.
func (e envelope) expired() bool { return !e.Expires.After(time.Now()) }
