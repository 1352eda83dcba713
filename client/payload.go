package client

import (
	"encoding/json"
	"errors"
)

const emptyObject = "{}"

// Payload is a JSON object that belongs to the application. It cannot be changed: a cached session is
// shared by all who read it. To write, decode it, change the copy, and save or merge that. The zero
// value reads as {}. It is safe for concurrent use.
type Payload struct {
	json string
}

// RawPayload wraps a copy of json, which is not checked here: PostgreSQL refuses what is no JSON object.
func RawPayload(json []byte) Payload { return Payload{json: string(json)} }

// Decode unmarshals the payload into v, by encoding/json's rules.
func (p Payload) Decode(v any) error { return json.Unmarshal(p.Bytes(), v) }

// Bytes returns a copy of the payload's JSON.
func (p Payload) Bytes() []byte { return []byte(p.String()) }

// Len returns the length of the payload's JSON in bytes.
func (p Payload) Len() int { return len(p.String()) }

// IsZero reports whether p is the zero value.
func (p Payload) IsZero() bool { return p.json == "" }

// String returns the payload's JSON. It allocates nothing.
func (p Payload) String() string {
	if p.json == "" {
		return emptyObject
	}
	return p.json
}

// MarshalJSON returns the payload as it is.
func (p Payload) MarshalJSON() ([]byte, error) { return p.Bytes(), nil }

// marshalObject returns what v is as JSON text. nil is "" (the caller knows what that means), a
// [Payload] and a json.RawMessage are taken as they are, anything else is marshalled. what names the
// argument in the error.
func marshalObject(op, what string, v any) (string, error) {
	var text string
	switch v := v.(type) {
	case nil:
		return "", nil
	case Payload:
		text = v.String()
	case json.RawMessage:
		text = string(v)
	default:
		b, err := json.Marshal(v)
		if err != nil {
			return "", unmarshallable(op, what, err)
		}
		text = string(b)
	}
	return text, checkText(op, what, text)
}

// unmarshallable names the type that encoding/json refused. Other errors come from the application's
// own marshalling and may quote values: they are wrapped, not shown.
func unmarshallable(op, what string, err error) error {
	e := invalid(op, what+" cannot be marshalled")
	e.cause = err
	var unsupported *json.UnsupportedTypeError
	if errors.As(err, &unsupported) {
		e.Detail = unsupported.Error()
	}
	return e
}

// marshalPayload returns a payload or patch as JSON text, and refuses nil.
func marshalPayload(op, what string, v any) (string, error) {
	text, err := marshalObject(op, what, v)
	if err == nil && text == "" {
		err = invalid(op, what+" is nil: it has to be a JSON object")
	}
	return text, err
}
