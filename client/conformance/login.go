package conformance

import (
	"crypto/sha256"
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"github.com/pgsession/pgsession/client"
)

func loginCases() map[string]func(*trial) {
	return map[string]func(*trial){
		"OK":               loginOK,
		"BadCredentials":   loginBadCredentials,
		"Inactive":         loginInactive,
		"Invalid":          loginInvalid,
		"PasswordChange":   loginPasswordChange,
		"AwkwardPasswords": loginAwkwardPasswords,
	}
}

// login logs in and checks the outcome. What fails opens nothing.
func (x *trial) login(username, password string, want client.Outcome) client.LoginResult {
	x.Helper()
	result, err := x.Store.Login(x.Context(), username, password, client.LoginOptions{Idle: idle})
	if err != nil || result.Outcome != want {
		x.Fatalf("Login: %q, %v; want %q", result.Outcome, err, want)
	}
	if want != client.OK && !reflect.DeepEqual(result, client.LoginResult{Outcome: want}) {
		x.Errorf("a login that failed (%s) returned %+v", want, result)
	}
	return result
}

func loginOK(x *trial) {
	username := x.user()
	result, err := x.Store.Login(x.Context(), username, password, client.LoginOptions{
		Idle: idle, Payload: json.RawMessage(`{"a": 1}`), Origin: json.RawMessage(`{"from": "here"}`),
	})
	if err != nil || result.Outcome != client.OK || result.RetryAfter != 0 {
		x.Fatalf("Login: %+v, %v", result, err)
	}
	session := result.Session
	slot := sha256.Sum256([]byte(username))
	if session.Key != result.Token.Key() || session.Key[0] != slot[0] || session.Username != username {
		x.Errorf("logged in: %+v", session)
	}
	if ttl, ends := session.TTL(); !ends || ttl > idle || ttl < idle-time.Minute {
		x.Errorf("time to live %v, %v", ttl, ends)
	}
	x.holds(session, `{"a": 1}`)
	x.same("read back", x.get(session.Key), session)
	if sessions := x.list(username); len(sessions) != 1 || !sameJSON(x, string(sessions[0].Origin), `{"from": "here"}`) {
		x.Errorf("listed: %+v", sessions)
	}
	second := x.login(username, password, client.OK)
	if second.Token == result.Token || second.Session.ID == session.ID {
		x.Error("two logins share a session")
	}
	x.get(session.Key)
}

func loginBadCredentials(x *trial) {
	username := x.user()
	for _, wrong := range []string{"wrong", password + " ", " " + password, strings.ToUpper(password), password[1:], "x"} {
		x.login(x.user(), wrong, client.BadCredentials) // each a user's own: a store may throttle
	}
	x.login(username, "wrong", client.BadCredentials)
	x.login(x.prefix+"nobody", password, client.BadCredentials)
	x.login(strings.ToUpper(username), password, client.BadCredentials)
	x.login(username+" ", password, client.BadCredentials)
	if sessions := x.list(username); len(sessions) != 0 {
		x.Errorf("failed logins opened %d sessions", len(sessions))
	}
}

// loginInactive checks that who does not know the password does not learn the status either.
func loginInactive(x *trial) {
	username := x.user()
	for status, outcome := range map[string]client.Outcome{"disabled": client.Disabled, "pending": client.Pending} {
		x.setStatus(username, status)
		x.login(username, password, outcome)
		x.login(username, "wrong", client.BadCredentials)
	}
	x.setStatus(username, "active")
	x.login(username, password, client.OK)
}

func loginInvalid(x *trial) {
	username := x.user()
	for what, c := range map[string]struct {
		username, password string
		o                  client.LoginOptions
	}{
		"empty username":      {password: password},
		"long username":       {username: strings.Repeat("x", 256), password: password},
		"control character":   {username: "a\nb", password: password},
		"NUL in username":     {username: "a\x00b", password: password},
		"username not UTF-8":  {username: "a\xffb", password: password},
		"empty password":      {username: username},
		"73 bytes":            {username: username, password: strings.Repeat("x", 73)},
		"73 bytes of two":     {username: username, password: strings.Repeat("ä", 37)},
		"NUL in password":     {username: username, password: password + "\x00"},
		"password not UTF-8":  {username: username, password: "\xff"},
		"negative lifetime":   {username: username, password: password, o: client.LoginOptions{Idle: -time.Second}},
		"fraction of seconds": {username: username, password: password, o: client.LoginOptions{Idle: time.Millisecond}},
		"payload no object":   {username: username, password: password, o: client.LoginOptions{Payload: []int{}}},
		"origin no object":    {username: username, password: password, o: client.LoginOptions{Origin: 1}},
	} {
		result, err := x.Store.Login(x.Context(), c.username, c.password, c.o)
		x.refused("Login: "+what, err, client.ErrInvalid)
		if !reflect.DeepEqual(result, client.LoginResult{}) {
			x.Errorf("Login: %s: returned %+v", what, result)
		}
		if err != nil && c.password != "" && strings.Contains(err.Error(), c.password) {
			x.Errorf("Login: %s: the error quotes the password: %v", what, err)
		}
	}
}

func loginPasswordChange(x *trial) {
	if x.SetPassword == nil {
		x.Skip("the fixture cannot change a password")
	}
	username := x.user()
	session := x.login(username, password, client.OK).Session
	other := x.opened(x.user())
	if err := x.SetPassword(x.Context(), username, "another password"); err != nil {
		x.Fatal(err)
	}
	x.gone(session.Key)
	x.login(username, password, client.BadCredentials)
	x.get(x.login(username, "another password", client.OK).Session.Key)
	x.get(other.Key)
}

func loginAwkwardPasswords(x *trial) {
	for i, awkward := range []string{
		"xxxxxxxx", "        ", strings.Repeat("x", 72), strings.Repeat("ä", 36), strings.Repeat("😀", 18),
		`'; drop table users; --`, `\\\\\\\\`, `\x00\x00`, "tab\tand\nnewline", "$1 and $2", "$2a$04$......................", "\u202eright to left",
	} {
		username := x.prefix + "pw" + string(rune('a'+i))
		if err := x.CreateUser(x.Context(), username, awkward); err != nil {
			x.Fatalf("create user with password %q: %v", awkward, err)
		}
		x.login(username, awkward, client.OK)
		x.login(username, password, client.BadCredentials)
	}
}
