package conformance

import (
	"github.com/pgsession/pgsession/client"
)

func touchCases() map[string]func(*trial) {
	return map[string]func(*trial){
		"Moves":          touchMoves,
		"NoKeys":         touchNoKeys,
		"NeverRevives":   touchNeverRevives,
		"ManyAtOnce":     touchManyAtOnce,
		"IsNoNewVersion": touchIsNoNewVersion,
	}
}

// touch touches sessions and checks how many were moved.
func (x *trial) touch(what string, want int, keys ...client.Key) {
	x.Helper()
	if n, err := x.Store.SessionTouch(x.Context(), keys...); n != want || err != nil {
		x.Errorf("SessionTouch of %s: %d, %v; want %d", what, n, err, want)
	}
}

func touchMoves(x *trial) {
	session := x.opened(x.user())
	_, endless := x.open(client.OpenOptions{})
	x.touch("a session with and one without an idle lifetime", 1, session.Key, endless.Key)
	x.touch("one key given twice", 1, session.Key, session.Key)
	if got := x.get(session.Key); got.Expires.Before(session.Expires) {
		x.Errorf("touching moved the deadline back by %v", session.Expires.Sub(got.Expires))
	}
	if got := x.get(endless.Key); !got.Expires.IsZero() {
		x.Errorf("touching gave a session without an idle lifetime a deadline: %v", got.Expires)
	}
}

func touchNoKeys(x *trial) {
	x.touch("nothing", 0)
	x.touch("unknown keys", 0, client.Key{}, client.KeyOf(x.prefix))
}

func touchNeverRevives(x *trial) {
	username := x.user()
	closed, rotated, live := x.opened(username), x.opened(username), x.opened(username)
	if _, err := x.Store.SessionClose(x.Context(), closed.Key); err != nil {
		x.Fatal(err)
	}
	if _, _, err := x.Store.SessionRotate(x.Context(), rotated.Key, ""); err != nil {
		x.Fatal(err)
	}
	x.touch("a closed, a rotated and a live session", 1, closed.Key, rotated.Key, live.Key)
	x.gone(closed.Key)
	x.gone(rotated.Key)
	x.get(live.Key)

	expired := x.opened(username)
	x.expire(expired.Key)
	x.touch("an expired session", 0, expired.Key)
	x.gone(expired.Key)
}

func touchManyAtOnce(x *trial) {
	const n = 50
	var keys []client.Key
	for range n {
		keys = append(keys, x.opened("").Key)
	}
	x.touch("many sessions", n, keys...)
}

func touchIsNoNewVersion(x *trial) {
	session := x.opened(x.user())
	x.touch("a session", 1, session.Key)
	x.same("touched", x.get(session.Key), session)
	if _, err := x.Store.SessionSave(x.Context(), session.Key, map[string]int{"n": 2}, session.Version); err != nil {
		x.Errorf("a touch made a save of the version read before fail: %v", err)
	}
}
