package gateway_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/cmd/pgsession/gateway"
)

func TestLoginOutcomes(t *testing.T) {
	t.Parallel()
	token := client.NewToken("anna")
	handler := newHandler(t, &fake{login: func(username, _ string, o client.LoginOptions) (client.LoginResult, error) {
		switch username {
		case "bad":
			return client.LoginResult{Outcome: client.BadCredentials}, nil
		case "off":
			return client.LoginResult{Outcome: client.Disabled}, nil
		case "new":
			return client.LoginResult{Outcome: client.Pending}, nil
		case "guess":
			return client.LoginResult{Outcome: client.Throttled, RetryAfter: 1500 * time.Millisecond}, nil
		case "soon":
			return client.LoginResult{Outcome: client.Throttled}, nil
		case "":
			return client.LoginResult{}, fmt.Errorf("login: %w", client.ErrInvalid)
		}
		s := client.Session{ID: 1, Username: username, Version: 1}
		if o.Idle > 0 {
			s.Deadline = time.Now().Add(o.Idle + 500*time.Millisecond)
		}
		return client.LoginResult{Outcome: client.OK, Token: token, Session: s}, nil
	}}, gateway.Options{MaxBody: 1000})
	ok := `{"token":"` + token.Reveal() + `","session":{"id":1,"username":"anna","payload":{},"version":1,"ttl":%s,"source":"database"}}`
	for _, q := range []request{
		{name: "ok", body: `{"username": "anna", "password": "x"}`, status: 200, exact: fmt.Sprintf(ok, "null"),
			returns: map[string]string{"Set-Cookie": gateway.CookieName + "=" + token.Reveal() + "; Path=/; HttpOnly; Secure; SameSite=Lax", "X-Session-User": "anna", "Etag": `"1.1.00000000"`}},
		{name: "idle lifetime", body: `{"username": "anna", "password": "x", "expiresecs": 60}`, status: 200, exact: fmt.Sprintf(ok, "60")},
		{name: "no idle lifetime", body: `{"username": "anna", "password": "x", "expiresecs": null}`, status: 200, exact: fmt.Sprintf(ok, "null")},
		{name: "wrong", body: `{"username": "bad", "password": "x"}`, status: 401, code: "bad_credentials", returns: map[string]string{"Set-Cookie": ""}},
		{name: "disabled", body: `{"username": "off", "password": "x"}`, status: 403, code: "disabled"},
		{name: "pending", body: `{"username": "new", "password": "x"}`, status: 403, code: "pending"},
		{name: "throttled", body: `{"username": "guess", "password": "x"}`, status: 429, code: "throttled", returns: map[string]string{"Retry-After": "2"}},
		{name: "throttled for no time", body: `{"username": "soon", "password": "x"}`, status: 429, code: "throttled", returns: map[string]string{"Retry-After": "1"}},
		{name: "no username", body: `{"password": "x"}`, status: 400, code: "bad_request"},
		{name: "no password", body: `{"username": "anna"}`, status: 400, code: "bad_request"},
		{name: "unknown member", body: `{"username": "anna", "password": "x", "remember": true}`, status: 400, code: "bad_request"},
		{name: "no object", body: `["anna"]`, status: 400, code: "bad_request"},
		{name: "null", body: `null`, status: 400, code: "bad_request"},
		{name: "no JSON", body: `{`, status: 400, code: "bad_request"},
		{name: "two values", body: `{"username": "anna", "password": "x"} {}`, status: 400, code: "bad_request"},
		{name: "empty", body: ``, status: 400, code: "bad_request"},
		{name: "not UTF-8", body: "{\"username\": \"ann\xff\", \"password\": \"x\"}", status: 400, code: "bad_request"},
		{name: "half a character", body: `{"username": "ann\ud800", "password": "x"}`, status: 400, code: "bad_request"},
		{name: "half a character, the second one", body: `{"username": "ann\udc00\ud800", "password": "x"}`, status: 400, code: "bad_request"},
		{name: "half a character before another escape", body: `{"username": "ann\ud83d\n\ude00", "password": "x"}`, status: 400, code: "bad_request"},
		{name: "two halves", body: `{"username": "anna", "password": "\ud83D\uDE00"}`, status: 200},
		{name: "what only looks like an escape", body: `{"username": "anna", "password": "\\ud800 \"\\\\"}`, status: 200},
		{name: "zero lifetime", body: `{"username": "anna", "password": "x", "expiresecs": 0}`, status: 400, code: "bad_request"},
		{name: "huge lifetime", body: `{"username": "anna", "password": "x", "expiresecs": 2147483648}`, status: 400, code: "bad_request"},
		{name: "half a second", body: `{"username": "anna", "password": "x", "expiresecs": 0.5}`, status: 400, code: "bad_request"},
		{name: "too large", body: `{"username": "` + strings.Repeat("a", 1000) + `", "password": "x"}`, status: 413, code: "body_too_large"},
		{name: "form", body: `username=anna`, headers: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, status: 415, code: "unsupported_media_type"},
		{name: "merge patch", body: `{}`, headers: map[string]string{"Content-Type": "application/merge-patch+json"}, status: 415, code: "unsupported_media_type"},
		{name: "no media type", body: `{}`, headers: map[string]string{"Content-Type": ""}, status: 415, code: "unsupported_media_type"},
		{name: "charset", body: `{"username": "anna", "password": "x"}`, headers: map[string]string{"Content-Type": "Application/JSON; charset=utf-8"}, status: 200},
	} {
		t.Run(q.name, func(t *testing.T) {
			t.Parallel()
			q.method, q.path = http.MethodPost, "/v1/login"
			if q.headers == nil {
				q.headers = map[string]string{"Content-Type": "application/json"}
			}
			q.run(t, handler)
		})
	}
}
