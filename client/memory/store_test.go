package memory_test

import (
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/client/memory"
)

const password = "correct horse battery staple"

// filled makes a store with one user, ann.
func filled(t *testing.T, o memory.Options) *memory.Store {
	t.Helper()
	store := memory.New(o)
	if _, err := store.UserCreate(t.Context(), "ann", password, client.UserOptions{}); err != nil {
		t.Fatal(err)
	}
	return store
}

func open(t *testing.T, store *memory.Store, o client.OpenOptions) client.Session {
	t.Helper()
	_, session, err := store.SessionOpen(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return session
}

func found(t *testing.T, store *memory.Store, key client.Key) bool {
	t.Helper()
	_, ok, err := store.SessionGet(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func TestIdleDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := filled(t, memory.Options{})
		session := open(t, store, client.OpenOptions{Username: "ann", Idle: time.Minute})
		use := map[string]func() error{
			"touch": func() error { _, err := store.SessionTouch(t.Context(), session.Key); return err },
			"save":  func() error { _, err := store.SessionSave(t.Context(), session.Key, map[string]int{}, 0); return err },
			"merge": func() error { _, err := store.SessionMerge(t.Context(), session.Key, map[string]int{}); return err },
		}
		for what, use := range use {
			time.Sleep(59 * time.Second)
			if err := use(); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
		}
		time.Sleep(59 * time.Second)
		got, ok, err := store.SessionGet(t.Context(), session.Key)
		if ttl, ends := got.TTL(); err != nil || !ok || !ends || ttl != time.Second {
			t.Errorf("a second before the deadline: %v, %v, %v left", ok, err, ttl)
		}
		time.Sleep(time.Second) // reading was no use
		if found(t, store, session.Key) {
			t.Error("the session outlives its deadline")
		}
		if sessions, err := store.SessionList(t.Context(), "ann"); len(sessions) != 0 || err != nil {
			t.Errorf("an expired session is listed: %v, %v", sessions, err)
		}
		if n, err := store.SessionSweep(t.Context(), 0); n != 1 || err != nil {
			t.Errorf("swept %d, %v", n, err)
		}
	})
}

func TestAbsoluteDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := filled(t, memory.Options{AbsoluteLifetime: 90 * time.Second})
		idle := open(t, store, client.OpenOptions{Idle: time.Minute})
		endless := open(t, store, client.OpenOptions{})
		time.Sleep(50 * time.Second)
		if n, err := store.SessionTouch(t.Context(), idle.Key, endless.Key); n != 1 || err != nil {
			t.Errorf("touched %d, %v", n, err)
		}
		time.Sleep(39 * time.Second)
		if n, err := store.SessionTouch(t.Context(), idle.Key); n != 0 || err != nil {
			t.Errorf("a touch moved a deadline past the absolute one: %d, %v", n, err)
		}
		if !found(t, store, idle.Key) || !found(t, store, endless.Key) {
			t.Error("a session ended before its absolute deadline")
		}
		time.Sleep(time.Second)
		if found(t, store, idle.Key) || found(t, store, endless.Key) {
			t.Error("a session outlives its absolute deadline")
		}
	})
}

func TestThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := filled(t, memory.Options{})
		login := func(pass string) client.LoginResult {
			t.Helper()
			result, err := store.Login(t.Context(), "ann", pass, client.LoginOptions{})
			if err != nil {
				t.Fatal(err)
			}
			return result
		}
		for i := range 5 {
			if got := login("wrong").Outcome; got != client.BadCredentials {
				t.Fatalf("failure %d: %s", i, got)
			}
		}
		last := time.Duration(0)
		for range 4 {
			refused := login(password)
			if refused.Outcome != client.Throttled || refused.RetryAfter <= last {
				t.Fatalf("after a wait of %v: %+v", last, refused)
			}
			last = refused.RetryAfter
			time.Sleep(last)
			if got := login("wrong").Outcome; got != client.BadCredentials {
				t.Fatalf("after waiting: %s", got)
			}
		}
		if _, err := store.UserSetPassword(t.Context(), "ann", password); err != nil {
			t.Fatal(err)
		}
		if got := login(password).Outcome; got != client.OK {
			t.Errorf("after the password was set anew: %s", got)
		}

		for range 200 {
			time.Sleep(15 * time.Minute)
			login("wrong")
		}
		time.Sleep(24 * time.Hour)
		if got := login(password); got.Outcome != client.Throttled || got.RetryAfter != 15*time.Minute {
			t.Errorf("after a hundred failures: %+v", got)
		}

		never := filled(t, memory.Options{ThrottleFree: -1})
		for range 50 {
			if result, err := never.Login(t.Context(), "ann", "wrong", client.LoginOptions{}); result.Outcome != client.BadCredentials {
				t.Fatalf("throttling is off: %+v, %v", result, err)
			}
		}
	})
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	store := memory.New(memory.Options{PasswordMin: 8})
	acknowledgement, err := store.UserCreate(t.Context(), "ann", password, client.UserOptions{Pending: true, Payload: map[string]int{"a": 1}})
	if err != nil || acknowledgement == "" {
		t.Fatalf("UserCreate: %q, %v", acknowledgement, err)
	}
	yes := func(what string, want bool) func(bool, error) {
		t.Helper()
		return func(got bool, err error) {
			t.Helper()
			if got != want || err != nil {
				t.Errorf("%s: %v, %v; want %v", what, got, err, want)
			}
		}
	}
	outcome := func(username, pass string, want client.Outcome) {
		t.Helper()
		if result, err := store.Login(t.Context(), username, pass, client.LoginOptions{}); result.Outcome != want || err != nil {
			t.Errorf("Login: %s, %v; want %s", result.Outcome, err, want)
		}
	}
	outcome("ann", password, client.Pending)
	yes("activating with a wrong key", false)(store.UserActivate(t.Context(), "ann", "x"))
	yes("activating with no key", false)(store.UserActivate(t.Context(), "ann", ""))
	yes("activating", true)(store.UserActivate(t.Context(), "ann", acknowledgement))
	yes("activating again", false)(store.UserActivate(t.Context(), "ann", acknowledgement))

	session := open(t, store, client.OpenOptions{Username: "ann"})
	yes("renaming", true)(store.UserRename(t.Context(), "ann", "anna"))
	yes("renaming nobody", false)(store.UserRename(t.Context(), "ann", "anna"))
	if got, ok, err := store.SessionGet(t.Context(), session.Key); !ok || err != nil || got.Username != "anna" || got.Version <= session.Version {
		t.Errorf("after renaming: %+v, %v, %v", got, ok, err)
	}
	outcome("ann", password, client.BadCredentials)

	if got, err := store.UserChangePassword(t.Context(), "anna", "wrong", "a new one", client.PasswordOptions{}); got != client.BadCredentials || err != nil {
		t.Errorf("UserChangePassword with a wrong password: %s, %v", got, err)
	}
	other := open(t, store, client.OpenOptions{Username: "anna"})
	if got, err := store.UserChangePassword(t.Context(), "anna", password, "a new one", client.PasswordOptions{Keep: &session.Key}); got != client.OK || err != nil {
		t.Errorf("UserChangePassword: %s, %v", got, err)
	}
	if !found(t, store, session.Key) || found(t, store, other.Key) {
		t.Error("changing a password ended the session to keep, or not the other")
	}
	outcome("anna", "a new one", client.OK)

	yes("disabling", true)(store.UserDisable(t.Context(), "anna"))
	if found(t, store, session.Key) {
		t.Error("a disabled user has a session")
	}
	outcome("anna", "a new one", client.Disabled)
	yes("enabling", true)(store.UserEnable(t.Context(), "anna"))

	version, err := store.UserSave(t.Context(), "anna", map[string]int{"b": 2}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.UserSave(t.Context(), "anna", map[string]int{}, version-1); !errors.Is(err, client.ErrConflict) {
		t.Errorf("UserSave of an old version: %v", err)
	}
	if _, err := store.UserSave(t.Context(), "nobody", map[string]int{}, 0); !errors.Is(err, client.ErrNoUser) {
		t.Errorf("UserSave of nobody: %v", err)
	}
	if _, err := store.UserCreate(t.Context(), "bob", "1234567", client.UserOptions{}); !errors.Is(err, client.ErrInvalid) {
		t.Errorf("UserCreate with a short password: %v", err)
	}
	if _, err := store.UserCreate(t.Context(), "anna", password, client.UserOptions{}); !errors.Is(err, client.ErrExists) {
		t.Errorf("UserCreate of a name that is taken: %v", err)
	}
	user, ok, err := store.UserGet(t.Context(), "anna")
	if err != nil || !ok || user.Payload.String() != `{"b": 2}` || user.LastLogin.IsZero() || user.Status != "active" {
		t.Errorf("UserGet: %+v, %v, %v", user, ok, err)
	}
	if users, err := store.UserList(t.Context(), "", 0); err != nil || len(users) != 1 || users[0].Username != "anna" {
		t.Errorf("UserList: %+v, %v", users, err)
	}
	if users, err := store.UserList(t.Context(), "anna", 0); err != nil || len(users) != 0 {
		t.Errorf("UserList after the last: %+v, %v", users, err)
	}
	yes("deleting", true)(store.UserDelete(t.Context(), "anna"))
	yes("deleting again", false)(store.UserDelete(t.Context(), "anna"))
}

// TestErrorsAreTheClients has errors that a program may look into as it does into the client's.
func TestErrorsAreTheClients(t *testing.T) {
	t.Parallel()
	store := memory.New(memory.Options{})
	_, err := store.SessionSave(t.Context(), client.Key{}, json.RawMessage(`{}`), 0)
	var raised *client.Error
	if !errors.Is(err, client.ErrGone) || !errors.As(err, &raised) || raised.Code != "SE001" || raised.Hint == "" {
		t.Errorf("%v", err)
	}
	if want := "pgsession: session_save: the session is gone (SE001): It was closed, has expired, or never was. Open a new one."; err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
}
