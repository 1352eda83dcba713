package conformance

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf16"

	"github.com/pgsession/pgsession/client"
)

func payloadCases() map[string]func(*trial) {
	return map[string]func(*trial){
		"Kinds":    payloadKinds,
		"Unicode":  payloadUnicode,
		"Limit":    payloadLimit,
		"ReadOnly": payloadReadOnly,
	}
}

// travels checks that a payload comes back by each way it can be written.
func (x *trial) travels(what, payload string) {
	x.Helper()
	_, session := x.open(client.OpenOptions{Payload: json.RawMessage(payload)})
	x.holds(session, payload)
	x.holds(x.get(session.Key), payload)

	_, session = x.open(client.OpenOptions{})
	if _, err := x.Store.SessionSave(x.Context(), session.Key, json.RawMessage(payload), 0); err != nil {
		x.Errorf("%s: SessionSave: %v", what, err)
		return
	}
	x.holds(x.get(session.Key), payload)

	_, session = x.open(client.OpenOptions{})
	merged, err := x.Store.SessionMerge(x.Context(), session.Key, json.RawMessage(payload))
	if err != nil {
		x.Errorf("%s: SessionMerge: %v", what, err)
		return
	}
	x.holds(merged, payload)
}

func payloadKinds(x *trial) {
	for what, payload := range map[string]string{
		"empty":          `{}`,
		"empty members":  `{"": "", "a": {}, "b": []}`,
		"booleans":       `{"t": true, "f": false, "a": [null]}`,
		"numbers":        `{"i": -1, "big": 12345678901234567890123456789, "dec": 0.10, "zero": 0}`,
		"nested":         `{"a": ` + strings.Repeat(`[`, 500) + strings.Repeat(`]`, 500) + `}`,
		"escapes":        `{"a": "\"\\\/\b\f\n\r\t\u0001\u001f", "\"\\\n": 1}`,
		"HTML":           `{"a": "<script>&amp;</script>\u2028"}`,
		"quotes":         `{"o'brien": "''; drop table users; --", "$1": "$$ :name ?"}`,
		"backslashes":    `{"a": "\\x00 \\u0000 \\'"}`,
		"looks redacted": `{"a": "[redacted token]"}`,
		"1,024 bytes":    `{"a": "` + strings.Repeat("x", 1024) + `"}`,
		"many members":   manyMembers(500),
	} {
		x.travels(what, payload)
	}
}

func manyMembers(n int) string {
	members := make([]string, n)
	for i := range members {
		members[i] = fmt.Sprintf(`"member %d": %d`, i, i)
	}
	return "{" + strings.Join(members, ",") + "}"
}

// payloadUnicode stores code points from both ends and the middle of each of the 17 planes, written as
// they are and as escapes, in values and in names.
func payloadUnicode(x *trial) {
	for plane := range rune(17) {
		var points []rune
		for _, from := range []rune{0, 0x0300, 0x2000, 0x7ff0, 0xd7f0, 0xe000, 0xfff0} {
			for r := range rune(16) {
				if point := plane<<16 + from + r; point != 0 {
					points = append(points, point)
				}
			}
		}
		plain, err := json.Marshal(map[string]string{"text": string(points), string(points): "name"})
		if err != nil {
			x.Fatal(err)
		}
		x.travels(fmt.Sprintf("plane %d", plane), string(plain))

		var escaped strings.Builder
		for _, unit := range utf16.Encode(points) {
			fmt.Fprintf(&escaped, `\u%04x`, unit)
		}
		x.travels(fmt.Sprintf("plane %d, escaped", plane), `{"text": "`+escaped.String()+`", "`+escaped.String()+`": "name"}`)
	}
}

// payloadLimit stores a payload of as many bytes as are allowed, and fails to store one more.
func payloadLimit(x *trial) {
	if x.PayloadMax == 0 {
		x.Skip("the fixture does not tell how large a payload may be")
	}
	// As jsonb writes it.
	of := func(n int) json.RawMessage {
		return json.RawMessage(`{"a": "` + strings.Repeat("x", n-len(`{"a": ""}`)) + `"}`)
	}
	x.travels("the limit", string(of(x.PayloadMax)))

	session := x.opened("")
	tooLarge := of(x.PayloadMax + 1)
	_, _, err := x.Store.SessionOpen(x.Context(), client.OpenOptions{Payload: tooLarge})
	x.refused("opening beyond the limit", err, client.ErrInvalid)
	_, err = x.Store.SessionSave(x.Context(), session.Key, tooLarge, 0)
	x.refused("saving beyond the limit", err, client.ErrInvalid)
	_, err = x.Store.SessionMerge(x.Context(), session.Key, tooLarge)
	x.refused("merging beyond the limit", err, client.ErrInvalid)
	_, err = x.Store.SessionMerge(x.Context(), session.Key, of(x.PayloadMax)) // and the member that is there
	x.refused("merging what fits into what makes it too large", err, client.ErrInvalid)
	_, err = x.Store.SessionSave(x.Context(), session.Key, of(100*x.PayloadMax), 0)
	x.refused("saving far beyond the limit", err, client.ErrInvalid)
	if err != nil && len(err.Error()) > 1000 {
		x.Errorf("the error has %d bytes", len(err.Error()))
	}
	x.same("after refused changes", x.get(session.Key), session)
}

// payloadReadOnly changes what it was handed; the next reader must not see it.
func payloadReadOnly(x *trial) {
	session := x.opened("")
	for range 3 {
		got := x.get(session.Key)
		copied := got.Payload.Bytes()
		for i := range copied {
			copied[i] = 'x'
		}
		var decoded map[string]any
		if err := got.Payload.Decode(&decoded); err != nil || !reflect.DeepEqual(decoded, map[string]any{"n": 1.0}) {
			x.Errorf("decoded %v, %v", decoded, err)
		}
		decoded["n"] = 2
		x.holds(got, `{"n": 1}`)
	}
}
