package conformance

import (
	"encoding/json"
	"math"

	"github.com/pgsession/pgsession/client"
)

func saveCases() map[string]func(*trial) {
	return map[string]func(*trial){
		"Replaces":  saveReplaces,
		"Version":   saveVersion,
		"Invalid":   saveInvalid,
		"AfterEnds": saveAfterEnds,
	}
}

func saveReplaces(x *trial) {
	session := x.opened(x.user())
	neighbour := x.opened("")
	version := session.Version
	for _, payload := range []string{`{"a": 1, "b": {"c": null}}`, `{"b": 2}`, `{}`, `{"b": 2}`} {
		floor, err := x.Store.SessionSave(x.Context(), session.Key, json.RawMessage(payload), 0)
		if err != nil {
			x.Fatalf("SessionSave: %v", err)
		}
		got := x.get(session.Key)
		x.holds(got, payload)
		if floor.Version <= version || got.Floor() != floor {
			x.Errorf("version %d, saved as %+v, read as %+v", version, floor, got.Floor())
		}
		if got.ID != session.ID || got.Username != session.Username || !got.Created.Equal(session.Created) {
			x.Errorf("saving a payload changed the session: %+v", got)
		}
		if got.Expires.Before(session.Expires) {
			x.Error("saving moved the deadline closer")
		}
		version = floor.Version
	}
	x.same("the neighbour", x.get(neighbour.Key), neighbour)
}

func saveVersion(x *trial) {
	session := x.opened("")
	floor, err := x.Store.SessionSave(x.Context(), session.Key, json.RawMessage(`{"a": 1}`), session.Version)
	if err != nil {
		x.Fatalf("SessionSave of the current version: %v", err)
	}
	for what, version := range map[string]int64{
		"before": session.Version, "after": floor.Version + 1, "negative": -1, "greatest": math.MaxInt64,
	} {
		failed, err := x.Store.SessionSave(x.Context(), session.Key, json.RawMessage(`{"b": 1}`), version)
		x.refused("SessionSave of another version: "+what, err, client.ErrConflict)
		if failed != (client.Floor{}) {
			x.Errorf("SessionSave of another version: %s: returned %+v", what, failed)
		}
	}
	got := x.get(session.Key)
	x.holds(got, `{"a": 1}`)
	if got.Version != floor.Version {
		x.Errorf("a refused save changed the version from %d to %d", floor.Version, got.Version)
	}
}

// invalidPayloads are refused by saving and merging alike.
func invalidPayloads() map[string]any {
	return map[string]any{
		"nil":               nil,
		"null":              json.RawMessage(`null`),
		"empty RawMessage":  json.RawMessage(``),
		"blank":             json.RawMessage(` `),
		"array":             json.RawMessage(`["a"]`),
		"string":            json.RawMessage(`"a"`),
		"number":            json.RawMessage(`1`),
		"true":              true,
		"truncated":         json.RawMessage(`{"a": `),
		"two values":        json.RawMessage(`{} {}`),
		"trailing comma":    json.RawMessage(`{"a": 1,}`),
		"single quotes":     json.RawMessage(`{'a': 1}`),
		"NaN":               map[string]float64{"a": math.NaN()},
		"function":          func() {},
		"channel inside":    map[string]any{"a": make(chan int)},
		`\u0000`:            json.RawMessage(`{"a": "\u0000"}`),
		`\u0000 in a key`:   json.RawMessage(`{"\u0000": 1}`),
		`\u0000 marshalled`: map[string]string{"a": "\x00"},
		"NUL byte":          json.RawMessage("{\"a\": \"\x00\"}"),
		"lone surrogate":    json.RawMessage(`{"a": "\ud800"}`),
		"swapped surrogate": json.RawMessage(`{"a": "\ude00\ud83d"}`),
		"invalid UTF-8":     json.RawMessage("{\"a\": \"\xff\"}"),
		"overlong UTF-8":    json.RawMessage("{\"a\": \"\xc0\x80\"}"),
		"UTF-8 surrogate":   json.RawMessage("{\"a\": \"\xed\xa0\x80\"}"),
		"number too large":  json.RawMessage(`{"a": 1e1000000}`),
		"SQL":               json.RawMessage(`'; drop table users; --`),
	}
}

func saveInvalid(x *trial) {
	session := x.opened(x.user())
	for what, payload := range invalidPayloads() {
		floor, err := x.Store.SessionSave(x.Context(), session.Key, payload, 0)
		x.refused("SessionSave: "+what, err, client.ErrInvalid)
		if floor != (client.Floor{}) {
			x.Errorf("SessionSave: %s: returned %+v", what, floor)
		}
	}
	x.same("after refused saves", x.get(session.Key), session)
}

// saveAfterEnds ends sessions in every way; none comes back.
func saveAfterEnds(x *trial) {
	username := x.user()
	ends := map[string]func(s client.Session) error{
		"SessionClose": func(s client.Session) error { _, err := x.Store.SessionClose(x.Context(), s.Key); return err },
		"SessionCloseID": func(s client.Session) error {
			_, err := x.Store.SessionCloseID(x.Context(), username, s.ID)
			return err
		},
		"SessionCloseUser": func(client.Session) error { _, err := x.Store.SessionCloseUser(x.Context(), username); return err },
		"SessionRotate":    func(s client.Session) error { _, _, err := x.Store.SessionRotate(x.Context(), s.Key, ""); return err },
	}
	if x.SetPassword != nil {
		ends["SetPassword"] = func(client.Session) error { return x.SetPassword(x.Context(), username, password) }
	}
	for what, end := range ends {
		session := x.opened(username)
		x.get(session.Key)
		if err := end(session); err != nil {
			x.Fatalf("%s: %v", what, err)
		}
		x.gone(session.Key)
	}
}
