package conformance

import (
	"math"

	"github.com/pgsession/pgsession/client"
)

func closeCases() map[string]func(*trial) {
	return map[string]func(*trial){
		"Once":        closeOnce,
		"Expired":     closeExpired,
		"ByID":        closeByID,
		"ByIDOfOther": closeByIDOfOther,
		"User":        closeUser,
		"UserExcept":  closeUserExcept,
		"UserNobody":  closeUserNobody,
	}
}

// closed checks what closing by ID, by key or of all a user's sessions answered.
func closed[T comparable](x *trial, what string, want T) func(T, error) {
	x.Helper()
	return func(got T, err error) {
		x.Helper()
		if got != want || err != nil {
			x.Errorf("%s: %v, %v; want %v", what, got, err, want)
		}
	}
}

func closeOnce(x *trial) {
	username := x.user()
	for _, owner := range []string{"", username} {
		session, neighbour := x.opened(owner), x.opened(owner)
		x.get(session.Key)
		closed(x, "SessionClose", true)(x.Store.SessionClose(x.Context(), session.Key))
		closed(x, "SessionClose again", false)(x.Store.SessionClose(x.Context(), session.Key))
		x.gone(session.Key)
		x.same("the neighbour", x.get(neighbour.Key), neighbour)
	}
}

func closeExpired(x *trial) {
	username := x.user()
	session, other := x.opened(username), x.opened(username)
	x.expire(session.Key)
	x.expire(other.Key)
	closed(x, "SessionClose of an expired session", false)(x.Store.SessionClose(x.Context(), session.Key))
	closed(x, "SessionCloseID of an expired session", false)(x.Store.SessionCloseID(x.Context(), username, other.ID))
	third := x.opened(username)
	x.expire(third.Key)
	x.opened(username)
	closed(x, "SessionCloseUser with an expired session", int64(1))(x.Store.SessionCloseUser(x.Context(), username))
}

func closeByID(x *trial) {
	username := x.user()
	session, neighbour := x.opened(username), x.opened(username)
	x.get(session.Key)
	closed(x, "SessionCloseID", true)(x.Store.SessionCloseID(x.Context(), username, session.ID))
	closed(x, "SessionCloseID again", false)(x.Store.SessionCloseID(x.Context(), username, session.ID))
	x.gone(session.Key)
	x.same("the neighbour", x.get(neighbour.Key), neighbour)
}

// closeByIDOfOther checks that nobody ends another's session by guessing an ID.
func closeByIDOfOther(x *trial) {
	username, other := x.user(), x.user()
	session, anonymous := x.opened(other), x.opened("")
	for what, id := range map[string]int64{"another user's": session.ID, "an anonymous session's": anonymous.ID, "no": 0, "negative": -1, "greatest": math.MaxInt64} {
		closed(x, "SessionCloseID with "+what+" ID", false)(x.Store.SessionCloseID(x.Context(), username, id))
	}
	closed(x, "SessionCloseID of nobody", false)(x.Store.SessionCloseID(x.Context(), "", anonymous.ID))
	x.same("another user's session", x.get(session.Key), session)
	x.same("an anonymous session", x.get(anonymous.Key), anonymous)
}

func closeUser(x *trial) {
	username, other := x.user(), x.user()
	var keys []client.Key
	for range 5 {
		keys = append(keys, x.opened(username).Key)
	}
	for _, key := range keys {
		x.get(key)
	}
	neighbour, anonymous := x.opened(other), x.opened("")
	closed(x, "SessionCloseUser", int64(5))(x.Store.SessionCloseUser(x.Context(), username))
	closed(x, "SessionCloseUser again", int64(0))(x.Store.SessionCloseUser(x.Context(), username))
	for _, key := range keys {
		x.gone(key)
	}
	x.same("another user's session", x.get(neighbour.Key), neighbour)
	x.same("an anonymous session", x.get(anonymous.Key), anonymous)
	x.opened(username)
}

func closeUserExcept(x *trial) {
	username := x.user()
	first, kept, last := x.opened(username), x.opened(username), x.opened(username)
	other := x.opened(x.user())
	closed(x, "SessionCloseUser but for one", int64(2))(x.Store.SessionCloseUser(x.Context(), username, kept.Key))
	x.gone(first.Key)
	x.gone(last.Key)
	x.same("the excepted session", x.get(kept.Key), kept)

	_, err := x.Store.SessionCloseUser(x.Context(), username, kept.Key, other.Key)
	x.refused("SessionCloseUser with two exceptions", err, client.ErrInvalid)
	x.same("after a refused call", x.get(kept.Key), kept)

	closed(x, "SessionCloseUser but for another's", int64(1))(x.Store.SessionCloseUser(x.Context(), username, other.Key))
	x.gone(kept.Key)
	x.same("another user's session", x.get(other.Key), other)
}

func closeUserNobody(x *trial) {
	anonymous := x.opened("")
	closed(x, "SessionCloseUser of an unknown user", int64(0))(x.Store.SessionCloseUser(x.Context(), x.prefix+"nobody"))
	closed(x, "SessionCloseUser of the empty name", int64(0))(x.Store.SessionCloseUser(x.Context(), ""))
	x.same("an anonymous session", x.get(anonymous.Key), anonymous)
}
