package conformance

import (
	"encoding/json"

	"github.com/pgsession/pgsession/client"
)

func mergeCases() map[string]func(*trial) {
	return map[string]func(*trial){
		"RFC7396":          mergeRFC7396,
		"ReturnsSession":   mergeReturnsSession,
		"DifferentMembers": mergeDifferentMembers,
		"Invalid":          mergeInvalid,
	}
}

// mergeRFC7396 tries the examples of the RFC's appendix A whose target and patch are objects, and some
// more of what its pseudo-code says.
func mergeRFC7396(x *trial) {
	for _, c := range []struct{ target, patch, want string }{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`{"e":null}`, `{"a":1}`, `{"e":null,"a":1}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},

		{`{"a":1}`, `{}`, `{"a":1}`},
		{`{}`, `{"a":null}`, `{}`},
		{`{"a":1,"b":2}`, `{"a":null,"b":null}`, `{}`},
		{`{"a":{"b":1,"c":{"d":2}}}`, `{"a":{"c":{"d":null,"e":3}}}`, `{"a":{"b":1,"c":{"e":3}}}`},
		{`{"a":1}`, `{"a":{"b":{"c":null,"d":1}}}`, `{"a":{"b":{"d":1}}}`},
		{`{"a":[1]}`, `{"a":{"b":null}}`, `{"a":{}}`},
		{`{"a":{"b":1}}`, `{"a":[null,{"c":null}]}`, `{"a":[null,{"c":null}]}`},
		{`{"":1}`, `{"":{"":2}}`, `{"":{"":2}}`},
		{`{"a":true}`, `{"a":false,"A":0}`, `{"a":false,"A":0}`},
		{`{"a":1}`, `{"a":2,"a":3}`, `{"a":3}`},
	} {
		_, session := x.open(client.OpenOptions{Payload: json.RawMessage(c.target)})
		merged, err := x.Store.SessionMerge(x.Context(), session.Key, json.RawMessage(c.patch))
		if err != nil {
			x.Errorf("%s into %s: %v", c.patch, c.target, err)
			continue
		}
		if !sameJSON(x, merged.Payload.String(), c.want) {
			x.Errorf("%s into %s is %s, want %s", c.patch, c.target, merged.Payload, c.want)
		}
		x.holds(x.get(session.Key), c.want)
	}
}

func mergeReturnsSession(x *trial) {
	session := x.opened(x.user())
	x.get(session.Key)
	merged, err := x.Store.SessionMerge(x.Context(), session.Key, map[string]any{"m": 2})
	if err != nil {
		x.Fatal(err)
	}
	x.holds(merged, `{"n": 1, "m": 2}`)
	if merged.Version <= session.Version {
		x.Errorf("merging left version %d at %d", session.Version, merged.Version)
	}
	x.same("read back", x.get(session.Key), merged)
	merged.Version, merged.Payload = session.Version, session.Payload
	x.same("but for payload and version", merged, session)
}

func mergeDifferentMembers(x *trial) {
	session := x.opened("")
	for _, patch := range []string{`{"a": 1}`, `{"b": {"c": 1}}`, `{"b": {"d": 2}}`, `{"a": null}`} {
		if _, err := x.Store.SessionMerge(x.Context(), session.Key, json.RawMessage(patch)); err != nil {
			x.Fatal(err)
		}
	}
	x.holds(x.get(session.Key), `{"n": 1, "b": {"c": 1, "d": 2}}`)
}

func mergeInvalid(x *trial) {
	session := x.opened(x.user())
	for what, patch := range invalidPayloads() {
		merged, err := x.Store.SessionMerge(x.Context(), session.Key, patch)
		x.refused("SessionMerge: "+what, err, client.ErrInvalid)
		x.empty("SessionMerge: "+what, merged)
	}
	x.same("after refused merges", x.get(session.Key), session)
}
