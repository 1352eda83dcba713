package conformance

import (
	"encoding/json"

	"github.com/pgsession/pgsession/client"
)

func listCases() map[string]func(*trial) {
	return map[string]func(*trial){
		"Fields":  listFields,
		"Own":     listOwn,
		"Expired": listExpired,
	}
}

// list lists a user's sessions.
func (x *trial) list(username string) []client.Session {
	x.Helper()
	sessions, err := x.Store.SessionList(x.Context(), username)
	if err != nil {
		x.Fatalf("SessionList: %v", err)
	}
	return sessions
}

func listFields(x *trial) {
	username := x.user()
	_, want := x.open(client.OpenOptions{
		Username: username, Idle: idle, Payload: json.RawMessage(`{"secret": 1}`), Origin: map[string]string{"address": "::1", "agent": "ä😀"},
	})
	_, endless := x.open(client.OpenOptions{Username: username})
	sessions := x.list(username)
	if len(sessions) != 2 || sessions[0].ID != endless.ID {
		x.Fatalf("listed %d sessions, or not the newest first: %+v", len(sessions), sessions)
	}
	if _, ends := sessions[0].TTL(); ends || sessions[0].Origin != nil {
		x.Errorf("a session without deadline and origin is listed as %+v", sessions[0])
	}
	got := sessions[1]
	if got.Key != (client.Key{}) || got.Payload.String() != "{}" {
		x.Errorf("a listed session tells its key or its payload: %+v", got)
	}
	if !sameJSON(x, string(got.Origin), `{"address": "::1", "agent": "ä😀"}`) {
		x.Errorf("the origin is %s", got.Origin)
	}
	if got.Floor() != want.Floor() {
		x.Errorf("listed with %+v, opened with %+v", got.Floor(), want.Floor())
	}
	if ttl, ends := got.TTL(); !ends || ttl <= 0 || ttl > idle || got.Sent.IsZero() {
		x.Errorf("time to live %v, %v", ttl, ends)
	}
	want.Key, want.Payload = got.Key, got.Payload
	x.same("listed", got, want)
}

func listOwn(x *trial) {
	username, other := x.user(), x.user()
	if sessions := x.list(username); len(sessions) != 0 {
		x.Errorf("a new user has %d sessions", len(sessions))
	}
	var ids []int64
	for range 5 {
		ids = append(ids, x.opened(username).ID)
		x.opened(other)
		x.opened("")
	}
	sessions := x.list(username)
	if len(sessions) != len(ids) {
		x.Fatalf("listed %d sessions of %d", len(sessions), len(ids))
	}
	for i, session := range sessions {
		if session.ID != ids[len(ids)-1-i] || session.Username != username {
			x.Errorf("session %d of the list is %+v, want ID %d", i, session, ids[len(ids)-1-i])
		}
	}
	for _, nobody := range []string{"", x.prefix + "nobody"} {
		if sessions := x.list(nobody); len(sessions) != 0 {
			x.Errorf("user %q has %d sessions", nobody, len(sessions))
		}
	}
}

func listExpired(x *trial) {
	username := x.user()
	expired, closed, live := x.opened(username), x.opened(username), x.opened(username)
	x.expire(expired.Key)
	if _, err := x.Store.SessionClose(x.Context(), closed.Key); err != nil {
		x.Fatal(err)
	}
	if sessions := x.list(username); len(sessions) != 1 || sessions[0].ID != live.ID {
		x.Errorf("listed %+v, want the live session only", sessions)
	}
}
