package conformance

import (
	"crypto/sha256"
	"encoding/json"
	"time"

	"github.com/pgsession/pgsession/client"
)

func openCases() map[string]func(*trial) {
	return map[string]func(*trial){
		"OfUser":       openOfUser,
		"Anonymous":    openAnonymous,
		"Foreign":      openForeign,
		"UnknownUser":  openUnknownUser,
		"InactiveUser": openInactiveUser,
		"Invalid":      openInvalid,
		"PayloadKinds": openPayloadKinds,
	}
}

func openOfUser(x *trial) {
	username := x.user()
	before := time.Now()
	token, session := x.open(client.OpenOptions{Username: username, Idle: idle, Payload: json.RawMessage(`{"a": {"b": [1]}}`)})
	after := time.Now()

	slot := sha256.Sum256([]byte(username))
	if key := token.Key(); session.Key != key || key[0] != slot[0] {
		x.Errorf("the session's key is %x, its token's %x, the user's slot %02x", session.Key[:], key[:], slot[0])
	}
	x.opensFor(session, username)
	if session.Sent.Before(before) || session.Sent.After(after) {
		x.Errorf("sent at %v, between %v and %v", session.Sent, before, after)
	}
	x.holds(session, `{"a": {"b": [1]}}`)
	x.same("read back", x.get(session.Key), session)
	if other, _ := x.open(client.OpenOptions{Username: username}); other == token {
		x.Error("two sessions have one token")
	}
}

// opensFor checks what an answer to opening a session of a user says, deadlines included.
func (x *trial) opensFor(session client.Session, username string) {
	x.Helper()
	if session.Username != username || session.ID == 0 || session.Version == 0 || session.Created.IsZero() || session.Origin != nil {
		x.Errorf("opened: %+v", session)
	}
	if session.ExpireSecs != int32(idle/time.Second) || !session.Expires.After(session.Created) {
		x.Errorf("opened for an hour: expires %v after creation, in %d seconds", session.Expires.Sub(session.Created), session.ExpireSecs)
	}
	if ttl, ends := session.TTL(); !ends || ttl > idle || ttl < idle-time.Minute {
		x.Errorf("time to live %v, %v", ttl, ends)
	}
	if session.Deadline.After(session.Sent.Add(idle)) {
		x.Errorf("the deadline is %v after sending", session.Deadline.Sub(session.Sent))
	}
}

func openAnonymous(x *trial) {
	token, session := x.open(client.OpenOptions{})
	if token.IsZero() || session.Key != token.Key() || session.Username != "" {
		x.Errorf("opened: %+v", session)
	}
	if ttl, ends := session.TTL(); ends || ttl != 0 || session.ExpireSecs != 0 || !session.Expires.IsZero() || !session.Deadline.IsZero() {
		x.Errorf("a session without an idle lifetime ends: %v, %v, %+v", ttl, ends, session)
	}
	x.holds(session, `{}`)
	x.same("read back", x.get(session.Key), session)
}

func openForeign(x *trial) {
	key := client.KeyOf(x.prefix + "foreign")
	for _, username := range []string{"", x.user()} {
		key[31]++
		token, session := x.open(client.OpenOptions{Username: username, Idle: idle, Key: &key})
		if !token.IsZero() || session.Key != key || session.Username != username {
			x.Errorf("opened under a foreign key: %v, %+v", token.IsZero(), session)
		}
		x.same("read back", x.get(key), session)

		token, again, err := x.Store.SessionOpen(x.Context(), client.OpenOptions{Key: &key, Payload: json.RawMessage(`{"other": 1}`)})
		x.refused("opening under a key that is taken", err, client.ErrExists)
		x.empty("opening under a key that is taken", again)
		if !token.IsZero() {
			x.Error("opening under a key that is taken returned a token")
		}
		x.same("after the second opening", x.get(key), session)
	}
}

func openUnknownUser(x *trial) {
	token, session, err := x.Store.SessionOpen(x.Context(), client.OpenOptions{Username: x.prefix + "nobody"})
	x.refused("SessionOpen of an unknown user", err, client.ErrNoUser)
	x.empty("SessionOpen of an unknown user", session)
	if !token.IsZero() {
		x.Error("SessionOpen of an unknown user returned a token")
	}
}

func openInactiveUser(x *trial) {
	username := x.user()
	session := x.opened(username)
	for _, status := range []string{"disabled", "pending"} {
		x.setStatus(username, status)
		_, _, err := x.Store.SessionOpen(x.Context(), client.OpenOptions{Username: username})
		x.refused("SessionOpen of a "+status+" user", err, client.ErrNotActive)
		x.missing(session.Key)
	}
	x.setStatus(username, "active")
	x.missing(session.Key)
	x.opened(username)
}

func openInvalid(x *trial) {
	object := json.RawMessage(`{}`)
	for what, o := range map[string]client.OpenOptions{
		"negative idle lifetime": {Idle: -time.Second},
		"fraction of a second":   {Idle: 1500 * time.Millisecond},
		"less than a second":     {Idle: time.Millisecond},
		"idle beyond 32 bits":    {Idle: 1 << 32 * time.Second},
		"payload is an array":    {Payload: []int{1}},
		"payload is a string":    {Payload: "text"},
		"payload is a number":    {Payload: 1},
		"payload is null":        {Payload: json.RawMessage(`null`)},
		"payload is no JSON":     {Payload: json.RawMessage(`{"a"`)},
		"payload is a channel":   {Payload: make(chan int)},
		"origin is an array":     {Payload: object, Origin: []int{1}},
		"origin is a string":     {Payload: object, Origin: "text"},
		"origin is no JSON":      {Payload: object, Origin: json.RawMessage(`}`)},
	} {
		token, session, err := x.Store.SessionOpen(x.Context(), o)
		x.refused(what, err, client.ErrInvalid)
		x.empty(what, session)
		if !token.IsZero() {
			x.Errorf("%s: a token was returned", what)
		}
	}
}

func openPayloadKinds(x *trial) {
	type data struct {
		Cart []string `json:"cart"`
	}
	var noMap map[string]any
	for what, c := range map[string]struct {
		payload any
		want    string
	}{
		"nil":                {nil, `{}`},
		"empty map":          {map[string]any{}, `{}`},
		"map":                {map[string]any{"cart": []string{"x"}}, `{"cart": ["x"]}`},
		"struct":             {data{Cart: []string{"x"}}, `{"cart": ["x"]}`},
		"pointer":            {&data{}, `{"cart": null}`},
		"json.RawMessage":    {json.RawMessage(` {"cart": ["x"]} `), `{"cart": ["x"]}`},
		"client.Payload":     {client.RawPayload([]byte(`{"cart": ["x"]}`)), `{"cart": ["x"]}`},
		"zero Payload":       {client.Payload{}, `{}`},
		"no json.RawMessage": {json.RawMessage(nil), `{}`},
	} {
		_, session := x.open(client.OpenOptions{Payload: c.payload})
		if !sameJSON(x, session.Payload.String(), c.want) {
			x.Errorf("%s: the payload is %s, want %s", what, session.Payload, c.want)
		}
	}
	_, _, err := x.Store.SessionOpen(x.Context(), client.OpenOptions{Payload: noMap})
	x.refused("a nil map, which marshals as null", err, client.ErrInvalid)
}
