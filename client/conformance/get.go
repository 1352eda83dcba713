package conformance

import (
	"encoding/json"

	"github.com/pgsession/pgsession/client"
)

func getCases() map[string]func(*trial) {
	return map[string]func(*trial){
		"Missing":  getMissing,
		"NearMiss": getNearMiss,
		"Expired":  getExpired,
		"Repeated": getRepeated,
		"Floor":    getFloor,
	}
}

func getMissing(x *trial) {
	for what, key := range map[string]client.Key{
		"zero key":    {},
		"new token":   client.NewToken(x.user()).Key(),
		"anonymous":   client.NewToken("").Key(),
		"foreign key": client.KeyOf(x.prefix),
		"zero token":  client.Token{}.Key(),
	} {
		x.Log(what)
		x.gone(key)
	}
}

// getNearMiss reads keys that differ from a session's in one bit.
func getNearMiss(x *trial) {
	session := x.opened("")
	for bit := range 8 * len(session.Key) {
		key := session.Key
		key[bit/8] ^= 1 << (bit % 8)
		if _, ok, err := x.Store.SessionGet(x.Context(), key); ok || err != nil {
			x.Errorf("with bit %d of the key flipped: %v, %v", bit, ok, err)
		}
	}
	x.same("the session itself", x.get(session.Key), session)
}

func getExpired(x *trial) {
	for _, username := range []string{"", x.user()} {
		session := x.opened(username)
		x.get(session.Key)
		x.expire(session.Key)
		x.gone(session.Key)
	}
}

func getRepeated(x *trial) {
	session := x.opened(x.user())
	for range 5 {
		x.same("read again", x.get(session.Key), session)
	}
}

// getFloor checks that a caller is never served an older version than the floor it was given, and that a
// floor that cannot be kept does no harm.
func getFloor(x *trial) {
	session := x.opened(x.user())
	for i := range 5 {
		x.get(session.Key)
		floor, err := x.Store.SessionSave(x.Context(), session.Key, map[string]int{"n": i}, 0)
		if err != nil {
			x.Fatal(err)
		}
		got := x.get(session.Key, floor)
		if got.Version < floor.Version || got.Floor() != floor {
			x.Errorf("floor %+v, served %+v", floor, got.Floor())
		}
	}
	now := x.get(session.Key)
	for what, floor := range map[string]client.Floor{
		"zero":                {},
		"current":             now.Floor(),
		"another epoch":       {Epoch: client.Epoch{1, 2, 3}, Version: now.Version + 100},
		"version of later on": {Epoch: now.Epoch, Version: now.Version + 100},
		"version of long ago": {Epoch: now.Epoch, Version: 1},
	} {
		got := x.get(session.Key, floor)
		if got.Floor() != now.Floor() {
			x.Errorf("floor of %s: served %+v, want %+v", what, got.Floor(), now.Floor())
		}
	}
	missing := client.KeyOf(x.prefix)
	if _, ok, err := x.Store.SessionGet(x.Context(), missing, now.Floor()); ok || err != nil {
		x.Errorf("a floor for a session that is not there: %v, %v", ok, err)
	}
	if _, err := x.Store.SessionMerge(x.Context(), session.Key, json.RawMessage(`{"m": 1}`)); err != nil {
		x.Fatal(err)
	}
	if got := x.get(session.Key, now.Floor()); got.Version <= now.Version {
		x.Errorf("after a merge, version %d is served, and it was %d before", got.Version, now.Version)
	}
}
