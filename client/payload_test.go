package client_test

import (
	"encoding/json"
	"testing"

	"github.com/pgsession/pgsession/client"
)

func TestPayloadIsReadOnly(t *testing.T) {
	t.Parallel()
	source := []byte(`{"a":1}`)
	payload := client.RawPayload(source)
	source[2] = 'b'
	payload.Bytes()[2] = 'c'
	var raw json.RawMessage
	if err := payload.Decode(&raw); err != nil {
		t.Fatal(err)
	}
	raw[2] = 'd'
	if err := payload.Decode(&mutator{}); err != nil {
		t.Fatal(err)
	}
	if got := payload.String(); got != `{"a":1}` {
		t.Errorf("the payload was changed: %s", got)
	}
}

// mutator writes over what it is given to read, which a json.Unmarshaler should not and could.
type mutator struct{}

func (*mutator) UnmarshalJSON(b []byte) error {
	for i := range b {
		b[i] = 'x'
	}
	return nil
}

func TestPayloadZeroValueReadsAsEmptyObject(t *testing.T) {
	t.Parallel()
	for name, payload := range map[string]client.Payload{"zero": {}, "no bytes": client.RawPayload(nil)} {
		var v map[string]any
		if err := payload.Decode(&v); err != nil || v == nil || len(v) != 0 {
			t.Errorf("%s: decodes as %v, %v", name, v, err)
		}
		if payload.String() != "{}" || string(payload.Bytes()) != "{}" || payload.Len() != 2 || !payload.IsZero() {
			t.Errorf("%s: reads as %s", name, payload)
		}
		if b, err := json.Marshal(payload); err != nil || string(b) != "{}" {
			t.Errorf("%s: marshals as %s, %v", name, b, err)
		}
	}
}

func TestPayloadMarshalsAsItself(t *testing.T) {
	t.Parallel()
	payload := client.RawPayload([]byte(`{"n":123456789012345678901234567890}`))
	b, err := json.Marshal(struct{ P client.Payload }{payload})
	if err != nil || string(b) != `{"P":{"n":123456789012345678901234567890}}` {
		t.Errorf("marshals as %s, %v", b, err)
	}
}
