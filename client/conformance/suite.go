package conformance

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pgsession/pgsession/client"
)

// Run runs the suite as subtests of t, one after the other. newFixture is called once a subtest; the
// fixtures may share one database.
func Run(t *testing.T, newFixture func(t *testing.T) Fixture) {
	t.Helper()
	for _, group := range []struct {
		name  string
		cases map[string]func(*trial)
	}{
		{"Open", openCases()},
		{"Get", getCases()},
		{"Save", saveCases()},
		{"Merge", mergeCases()},
		{"Touch", touchCases()},
		{"Rotate", rotateCases()},
		{"Close", closeCases()},
		{"List", listCases()},
		{"Login", loginCases()},
		{"Username", usernameCases()},
		{"Payload", payloadCases()},
		{"Context", contextCases()},
		{"Race", raceCases()},
	} {
		for name, run := range group.cases {
			t.Run(group.name+"/"+name, func(t *testing.T) {
				run(newTrial(t, newFixture(t)))
			})
		}
	}
}

// trial is one test of the suite.
type trial struct {
	*testing.T
	Fixture
	prefix string // of the names of this trial's users
	users  int
}

func newTrial(t *testing.T, f Fixture) *trial {
	t.Helper()
	if f.Store == nil || f.CreateUser == nil {
		t.Fatal("conformance: the fixture has no Store or no CreateUser")
	}
	return &trial{T: t, Fixture: f, prefix: "c-" + strings.ToLower(rand.Text()[:12]) + "-"}
}

// password is that of all users of the suite.
const password = "correct horse battery staple"

// idle is long enough for no test to see it pass.
const idle = time.Hour

// user makes a user.
func (x *trial) user() string {
	x.Helper()
	x.users++
	return x.userNamed(strconv.Itoa(x.users))
}

// userNamed makes a user of a given name, behind the trial's prefix.
func (x *trial) userNamed(name string) string {
	x.Helper()
	username := x.prefix + name
	if err := x.CreateUser(x.Context(), username, password); err != nil {
		x.Fatalf("create user %q: %v", username, err)
	}
	return username
}

// open opens a session.
func (x *trial) open(o client.OpenOptions) (client.Token, client.Session) {
	x.Helper()
	token, session, err := x.Store.SessionOpen(x.Context(), o)
	if err != nil {
		x.Fatalf("SessionOpen: %v", err)
	}
	return token, session
}

// opened opens a session of a user, "" for an anonymous one, that has an idle lifetime and a payload.
func (x *trial) opened(username string) client.Session {
	x.Helper()
	_, session := x.open(client.OpenOptions{Username: username, Idle: idle, Payload: json.RawMessage(`{"n": 1}`)})
	return session
}

// get reads a session that has to be there.
func (x *trial) get(key client.Key, floor ...client.Floor) client.Session {
	x.Helper()
	session, ok, err := x.Store.SessionGet(x.Context(), key, floor...)
	if err != nil || !ok {
		x.Fatalf("SessionGet: found %v, %v; want the session", ok, err)
	}
	return session
}

// missing checks that there is no session, by reading and by every way to bring one back.
func (x *trial) missing(key client.Key) {
	x.Helper()
	session, ok, err := x.Store.SessionGet(x.Context(), key)
	if err != nil || ok || !reflect.DeepEqual(session, client.Session{}) {
		x.Errorf("SessionGet of a session that is gone: %+v, %v, %v; want none, and no error", session, ok, err)
	}
	if n, err := x.Store.SessionTouch(x.Context(), key); n != 0 || err != nil {
		x.Errorf("SessionTouch of a session that is gone: %d, %v", n, err)
	}
	if _, ok, err := x.Store.SessionGet(x.Context(), key); ok || err != nil {
		x.Errorf("SessionGet after touching a session that is gone: %v, %v", ok, err)
	}
}

// gone checks that a session that has ended is refused, and not brought back, by all that changes one.
func (x *trial) gone(key client.Key) {
	x.Helper()
	x.missing(key)
	_, err := x.Store.SessionSave(x.Context(), key, json.RawMessage(`{"back": true}`), 0)
	x.refused("SessionSave of a session that is gone", err, client.ErrGone)
	_, err = x.Store.SessionSave(x.Context(), key, json.RawMessage(`{"back": true}`), 1)
	x.refused("SessionSave of a version of a session that is gone", err, client.ErrGone)
	session, err := x.Store.SessionMerge(x.Context(), key, json.RawMessage(`{"back": true}`))
	x.refused("SessionMerge of a session that is gone", err, client.ErrGone)
	x.empty("SessionMerge of a session that is gone", session)
	token, session, err := x.Store.SessionRotate(x.Context(), key, "")
	x.refused("SessionRotate of a session that is gone", err, client.ErrGone)
	x.empty("SessionRotate of a session that is gone", session)
	if !token.IsZero() {
		x.Error("SessionRotate of a session that is gone returned a token")
	}
	if closed, err := x.Store.SessionClose(x.Context(), key); closed || err != nil {
		x.Errorf("SessionClose of a session that is gone: %v, %v", closed, err)
	}
	x.missing(key)
}

// refused checks an error.
func (x *trial) refused(what string, err, want error) {
	x.Helper()
	if !errors.Is(err, want) {
		x.Errorf("%s: error %v, want %v", what, err, want)
	}
}

// empty checks that an error came with no session.
func (x *trial) empty(what string, session client.Session) {
	x.Helper()
	if !reflect.DeepEqual(session, client.Session{}) {
		x.Errorf("%s returned a session: %+v", what, session)
	}
}

// holds checks a session's payload.
func (x *trial) holds(session client.Session, want string) {
	x.Helper()
	if got := session.Payload.String(); !sameJSON(x, got, want) {
		x.Errorf("the payload is %.200s, want %.200s", got, want)
	}
}

// same checks that two answers tell of the same session in the same state. Deadlines may have moved on.
func (x *trial) same(what string, got, want client.Session) {
	x.Helper()
	if got.ID != want.ID || got.Key != want.Key || got.Username != want.Username || got.Version != want.Version ||
		got.ExpireSecs != want.ExpireSecs || !got.Created.Equal(want.Created) || got.Expires.Before(want.Expires) ||
		got.Expires.IsZero() != want.Expires.IsZero() || got.Deadline.IsZero() != want.Deadline.IsZero() {
		x.Errorf("%s: got %+v\nwant %+v", what, got, want)
	}
	x.holds(got, want.Payload.String())
}

// expire lets a session's deadline pass, or skips the test.
func (x *trial) expire(key client.Key) {
	x.Helper()
	if x.Expire == nil {
		x.Skip("the fixture cannot make a session expire")
	}
	if err := x.Expire(x.Context(), key); err != nil {
		x.Fatalf("expire: %v", err)
	}
}

// setStatus changes a user's status, or skips the test.
func (x *trial) setStatus(username, status string) {
	x.Helper()
	if x.SetStatus == nil {
		x.Skip("the fixture cannot change a user's status")
	}
	if err := x.SetStatus(x.Context(), username, status); err != nil {
		x.Fatalf("set status: %v", err)
	}
}

// sameJSON reports whether two texts are the same JSON value, numbers digit by digit.
func sameJSON(x *trial, a, b string) bool {
	x.Helper()
	value := func(s string) (v any) {
		d := json.NewDecoder(strings.NewReader(s))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			x.Fatalf("no JSON: %v: %.200s", err, s)
		}
		return v
	}
	return reflect.DeepEqual(value(a), value(b))
}
