package conformance

import (
	"crypto/sha256"

	"github.com/pgsession/pgsession/client"
)

func rotateCases() map[string]func(*trial) {
	return map[string]func(*trial){
		"KillsOldToken":   rotateKillsOldToken,
		"AnonymousToUser": rotateAnonymousToUser,
		"SameUser":        rotateSameUser,
		"OtherUser":       rotateOtherUser,
		"UnknownUser":     rotateUnknownUser,
		"InactiveUser":    rotateInactiveUser,
		"Foreign":         rotateForeign,
	}
}

// rotate rotates a session that is there.
func (x *trial) rotate(key client.Key, username string) client.Session {
	x.Helper()
	token, session, err := x.Store.SessionRotate(x.Context(), key, username)
	if err != nil {
		x.Fatalf("SessionRotate: %v", err)
	}
	if token.IsZero() || session.Key != token.Key() || session.Key == key {
		x.Fatalf("rotated from %v: %+v", key, session)
	}
	return session
}

// rotatedFrom checks that nothing of a session was changed but key, version and owner.
func (x *trial) rotatedFrom(got, old client.Session) {
	x.Helper()
	if got.Version <= old.Version {
		x.Errorf("rotating left version %d at %d", old.Version, got.Version)
	}
	x.same("read back", x.get(got.Key), got)
	got.Key, got.Version, got.Username = old.Key, old.Version, old.Username
	x.same("rotated", got, old)
	x.gone(old.Key)
}

func rotateKillsOldToken(x *trial) {
	for _, username := range []string{"", x.user()} {
		session := x.opened(username)
		for range 3 {
			x.get(session.Key)
			rotated := x.rotate(session.Key, "")
			if rotated.Username != username {
				x.Errorf("rotating changed the owner from %q to %q", username, rotated.Username)
			}
			if rotated.Key[0] != session.Key[0] {
				x.Error("rotating within one owner changed the slot")
			}
			x.rotatedFrom(rotated, session)
			session = rotated
		}
	}
}

func rotateAnonymousToUser(x *trial) {
	username := x.user()
	session := x.opened("")
	x.get(session.Key)
	rotated := x.rotate(session.Key, username)
	slot := sha256.Sum256([]byte(username))
	if rotated.Username != username || rotated.Key[0] != slot[0] {
		x.Errorf("rotated into user %q of slot %02x: %+v, slot %02x", username, slot[0], rotated, rotated.Key[0])
	}
	x.rotatedFrom(rotated, session)
	if n, err := x.Store.SessionCloseUser(x.Context(), username); n != 1 || err != nil {
		x.Errorf("SessionCloseUser after rotating into a user: %d, %v", n, err)
	}
	x.gone(rotated.Key)
}

func rotateSameUser(x *trial) {
	username := x.user()
	session := x.opened(username)
	rotated := x.rotate(session.Key, username)
	if rotated.Username != username {
		x.Errorf("the owner is %q", rotated.Username)
	}
	x.rotatedFrom(rotated, session)
}

// notRotated checks that rotating is refused and leaves the session as it was.
func (x *trial) notRotated(what string, session client.Session, username string, want error) {
	x.Helper()
	token, rotated, err := x.Store.SessionRotate(x.Context(), session.Key, username)
	x.refused(what, err, want)
	x.empty(what, rotated)
	if !token.IsZero() {
		x.Errorf("%s: a token was returned", what)
	}
	x.same("after a refused rotation", x.get(session.Key), session)
}

func rotateOtherUser(x *trial) {
	x.notRotated("rotating into another user", x.opened(x.user()), x.user(), client.ErrInvalid)
}

func rotateUnknownUser(x *trial) {
	x.notRotated("rotating into an unknown user", x.opened(""), x.prefix+"nobody", client.ErrNoUser)
}

func rotateInactiveUser(x *trial) {
	username := x.user()
	x.setStatus(username, "disabled")
	x.notRotated("rotating into a disabled user", x.opened(""), username, client.ErrNotActive)
}

func rotateForeign(x *trial) {
	username := x.user()
	for i, into := range []string{"", username} {
		key := client.KeyOf(x.prefix + "foreign")
		key[31] ^= byte(i)
		_, session := x.open(client.OpenOptions{Idle: idle, Key: &key, Payload: map[string]int{"n": 1}})
		rotated := x.rotate(key, into)
		x.rotatedFrom(rotated, session)
	}
}
