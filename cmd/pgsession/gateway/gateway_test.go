package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/cmd/pgsession/gateway"
	"github.com/pgsession/pgsession/listener"
)

// fake answers as it is told to; a method it was not told about must not be called.
type fake struct {
	client.Store
	login     func(username, password string, o client.LoginOptions) (client.LoginResult, error)
	lookup    func(client.Key) (client.Session, listener.Source, bool, error)
	merge     func(client.Key, any) (client.Session, error)
	save      func(key client.Key, payload any, version int64) (client.Floor, error)
	list      func(username string) ([]client.Session, error)
	close     func(client.Key) (bool, error)
	closeID   func(username string, id int64) (bool, error)
	closeUser func(username string, except ...client.Key) (int64, error)
	revoke    func() error // what is to be revoked is not called: it wants a database
	ready     bool
}

func (f *fake) Login(_ context.Context, username, password string, o client.LoginOptions) (client.LoginResult, error) {
	return f.login(username, password, o)
}

func (f *fake) Lookup(_ context.Context, key client.Key, _ ...client.Floor) (client.Session, listener.Source, bool, error) {
	return f.lookup(key)
}

func (f *fake) SessionMerge(_ context.Context, key client.Key, patch any) (client.Session, error) {
	return f.merge(key, patch)
}

func (f *fake) SessionSave(_ context.Context, key client.Key, payload any, version int64) (client.Floor, error) {
	return f.save(key, payload, version)
}

func (f *fake) SessionList(_ context.Context, username string) ([]client.Session, error) {
	return f.list(username)
}
func (f *fake) SessionClose(_ context.Context, key client.Key) (bool, error) { return f.close(key) }

func (f *fake) SessionCloseID(_ context.Context, username string, id int64) (bool, error) {
	return f.closeID(username, id)
}

func (f *fake) SessionCloseUser(_ context.Context, username string, except ...client.Key) (int64, error) {
	return f.closeUser(username, except...)
}
func (f *fake) RevokeWait(context.Context, func(*client.Client) error) error { return f.revoke() }
func (f *fake) Ready() bool                                                  { return f.ready }

// request is what is asked and what must come back.
type request struct {
	name, method, path, body string
	headers                  map[string]string

	status  int
	code    string // of the error; empty: no error
	exact   string // the whole body; empty: not compared
	returns map[string]string
}

func (q request) run(t *testing.T, handler http.Handler) {
	t.Helper()
	r := httptest.NewRequest(q.method, q.path, strings.NewReader(q.body))
	for name, value := range q.headers {
		r.Header.Set(name, value)
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, r)
	response := recorder.Result()
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	if response.StatusCode != q.status {
		t.Errorf("status %d, wanted %d: %s", response.StatusCode, q.status, body)
	}
	if q.exact != "" && strings.TrimSpace(string(body)) != q.exact {
		t.Errorf("body %s, wanted %s", body, q.exact)
	}
	if q.code != "" || response.StatusCode >= 400 {
		var problem struct {
			Error struct{ Code, Message string }
		}
		if err := json.Unmarshal(body, &problem); err != nil || problem.Error.Code != q.code || problem.Error.Message == "" {
			t.Errorf("error %s, wanted code %q", body, q.code)
		}
	}
	if len(body) > 0 && response.Header.Get("Content-Type") != "application/json" {
		t.Errorf("content type %q", response.Header.Get("Content-Type"))
	}
	if response.Header.Get("Cache-Control") != "no-store" || !strings.Contains(strings.Join(response.Header.Values("Vary"), ","), "Cookie") {
		t.Errorf("an answer may be stored: %v", response.Header)
	}
	for name, value := range q.returns {
		if got := response.Header.Get(name); got != value {
			t.Errorf("header %s: %q, wanted %q", name, got, value)
		}
	}
}

func newHandler(t *testing.T, s gateway.Sessions, o gateway.Options) http.Handler {
	t.Helper()
	handler, err := gateway.New(s, o)
	if err != nil {
		t.Fatal(err)
	}
	return handler
}

func bearer(token client.Token) map[string]string {
	return map[string]string{"Authorization": "Bearer " + token.Reveal()}
}

func with(headers map[string]string, more ...string) map[string]string {
	all := map[string]string{}
	for name, value := range headers {
		all[name] = value
	}
	for i := 0; i < len(more); i += 2 {
		all[more[i]] = more[i+1]
	}
	return all
}

func TestReading(t *testing.T) {
	t.Parallel()
	anna, nobody, long, hurried := client.NewToken("änna"), client.NewToken(""), client.NewToken("x"), client.NewToken("y")
	sessions := map[client.Key]client.Session{
		anna.Key(): {ID: 7, Username: "änna %1", Payload: client.RawPayload([]byte(`{"a": "<&>\u2028", "n": 1.50, "big": 12345678901234567890}`)), Version: 3,
			Epoch: client.Epoch{10, 11, 12, 13, 14}},
		nobody.Key():  {ID: 8, Version: 1, ExpireSecs: 60, Deadline: time.Now().Add(time.Minute + 900*time.Millisecond)},
		hurried.Key(): {ID: 9, Version: 1, ExpireSecs: 60, Deadline: time.Now().Add(-time.Second)},
	}
	handler := newHandler(t, &fake{lookup: func(key client.Key) (client.Session, listener.Source, bool, error) {
		s, ok := sessions[key]
		if s.Username == "" {
			return s, listener.FromDatabase, ok, nil
		}
		return s, listener.FromCache, ok, nil
	}}, gateway.Options{})

	fromCache := `{"id":7,"username":"änna %1","payload":{"a":"<&>\u2028","n":1.50,"big":12345678901234567890},"version":3,"ttl":null,"source":"cache"}`
	for _, q := range []request{
		{name: "bearer", headers: bearer(anna), status: 200, exact: fromCache,
			returns: map[string]string{"X-Session-User": "%C3%A4nna%20%251", "Etag": `"7.3.0a0b0c0d"`}},
		{name: "any case of the scheme", headers: map[string]string{"Authorization": "bEARER  " + anna.Reveal()}, status: 200, exact: fromCache},
		{name: "cookie", headers: map[string]string{"Cookie": "a=b; " + gateway.CookieName + "=" + anna.Reveal()}, status: 200, exact: fromCache},
		{name: "another scheme beside the cookie", headers: map[string]string{"Authorization": "Basic YTpi", "Cookie": gateway.CookieName + "=" + anna.Reveal()}, status: 200},
		{name: "bearer wins over the cookie", headers: with(bearer(long), "Cookie", gateway.CookieName+"="+anna.Reveal()), status: 401, code: "no_session"},
		{name: "anonymous, with a deadline", headers: bearer(nobody), status: 200,
			exact: `{"id":8,"username":null,"payload":{},"version":1,"ttl":60,"source":"database"}`, returns: map[string]string{"X-Session-User": ""}},
		{name: "deadline just passed", headers: bearer(hurried), status: 200, exact: `{"id":9,"username":null,"payload":{},"version":1,"ttl":0,"source":"database"}`},
		{name: "HEAD", method: "HEAD", headers: bearer(anna), status: 200, returns: map[string]string{"Etag": `"7.3.0a0b0c0d"`}},
		{name: "seen already", headers: with(bearer(anna), "If-None-Match", `"7.3.0a0b0c0d"`), status: 304, returns: map[string]string{"Etag": `"7.3.0a0b0c0d"`, "X-Session-User": "%C3%A4nna%20%251"}},
		{name: "seen already, compared weakly", headers: with(bearer(anna), "If-None-Match", `"1", W/"7.3.0a0b0c0d"`), status: 304},
		{name: "seen whatever", headers: with(bearer(anna), "If-None-Match", `*`), status: 304},
		{name: "another version seen", headers: with(bearer(anna), "If-None-Match", `"7.2.0a0b0c0d"`), status: 200},
		{name: "another session seen", headers: with(bearer(anna), "If-None-Match", `"8.3.0a0b0c0d"`), status: 200},
		{name: "another epoch seen", headers: with(bearer(anna), "If-None-Match", `"7.3.ffffffff"`), status: 200},
		{name: "seen what", headers: with(bearer(anna), "If-None-Match", `7.3.0a0b0c0d`), status: 200, exact: fromCache},
		{name: "seen before it ended", headers: with(bearer(long), "If-None-Match", `*`), status: 401, code: "no_session"},
		{name: "no token", status: 401, code: "no_session", returns: map[string]string{"Www-Authenticate": "Bearer"}},
		{name: "unknown token", headers: bearer(long), status: 401, code: "no_session"},
		{name: "malformed token", headers: map[string]string{"Authorization": "Bearer " + anna.Reveal()[1:]}, status: 401, code: "no_session"},
		{name: "empty bearer", headers: map[string]string{"Authorization": "Bearer"}, status: 401, code: "no_session"},
		{name: "empty cookie", headers: map[string]string{"Cookie": gateway.CookieName + "="}, status: 401, code: "no_session"},
	} {
		t.Run(q.name, func(t *testing.T) {
			t.Parallel()
			q.path = "/v1/session"
			if q.method == "" {
				q.method = http.MethodGet
			}
			q.run(t, handler)
		})
	}
}

func TestMerging(t *testing.T) {
	t.Parallel()
	anna, gone := client.NewToken("anna"), client.NewToken("gone")
	handler := newHandler(t, &fake{merge: func(key client.Key, patch any) (client.Session, error) {
		if key == gone.Key() {
			return client.Session{}, fmt.Errorf("session_merge: %w", client.ErrGone)
		}
		if raw := string(patch.(json.RawMessage)); raw != `{"a":  null,"b":"<"}` {
			t.Errorf("the patch arrived as %s", raw)
		}
		return client.Session{ID: 1, Username: "anna", Payload: client.RawPayload([]byte(`{"b": "<"}`)), Version: 2}, nil
	}}, gateway.Options{})
	const patch = `{"a":  null,"b":"<"}`
	merged := `{"id":1,"username":"anna","payload":{"b":"<"},"version":2,"ttl":null,"source":"database"}`
	for _, q := range []request{
		{name: "merge patch", headers: with(bearer(anna), "Content-Type", "application/merge-patch+json"), body: patch, status: 200, exact: merged, returns: map[string]string{"Etag": `"1.2.00000000"`}},
		{name: "whatever is there", headers: with(bearer(anna), "Content-Type", "application/json", "If-Match", "*"), body: patch, status: 200, exact: merged},
		{name: "JSON", headers: with(bearer(anna), "Content-Type", "application/json"), body: patch, status: 200, exact: merged},
		{name: "no session", headers: with(bearer(gone), "Content-Type", "application/json"), body: patch, status: 401, code: "no_session"},
		{name: "no token", headers: with(nil, "Content-Type", "application/json"), body: patch, status: 401, code: "no_session"},
		{name: "no JSON", headers: with(bearer(anna), "Content-Type", "application/json"), body: `{"a"`, status: 400, code: "bad_request"},
		{name: "text", headers: with(bearer(anna), "Content-Type", "text/plain"), body: patch, status: 415, code: "unsupported_media_type"},
		{name: "half a character", headers: with(bearer(anna), "Content-Type", "application/json"), body: `{"a": "\ud800"}`, status: 400, code: "bad_request"},
		{name: "unless it is there", headers: with(bearer(anna), "Content-Type", "application/json", "If-None-Match", "*"), body: patch, status: 400, code: "bad_request"},
	} {
		t.Run(q.name, func(t *testing.T) {
			t.Parallel()
			q.method, q.path = http.MethodPatch, "/v1/session"
			q.run(t, handler)
		})
	}
}

func TestEnding(t *testing.T) {
	t.Parallel()
	anna, gone := client.NewToken("anna"), client.NewToken("gone")
	var waited, closed int
	handler := newHandler(t, &fake{
		close:  func(key client.Key) (bool, error) { closed++; return key == anna.Key(), nil },
		revoke: func() error { waited++; return nil },
	}, gateway.Options{})
	cleared := gateway.CookieName + "=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"
	for _, q := range []request{
		{name: "with a cookie", path: "/v1/session", headers: map[string]string{"Cookie": gateway.CookieName + "=" + anna.Reveal()}, status: 204, returns: map[string]string{"Set-Cookie": cleared}},
		{name: "bearer", path: "/v1/session?wait=false", headers: bearer(anna), status: 204, returns: map[string]string{"Set-Cookie": ""}},
		{name: "and wait", path: "/v1/session?wait=true", headers: bearer(anna), status: 204},
		{name: "what is not there", path: "/v1/session?wait=1", headers: bearer(gone), status: 204},
		{name: "no token", path: "/v1/session?wait=true", status: 204},
		{name: "malformed cookie", path: "/v1/session", headers: map[string]string{"Cookie": gateway.CookieName + "=x"}, status: 204, returns: map[string]string{"Set-Cookie": cleared}},
		{name: "wait for what", path: "/v1/session?wait=please", headers: bearer(anna), status: 400, code: "bad_request"},
	} {
		t.Run(q.name, func(t *testing.T) {
			q.method = http.MethodDelete
			q.run(t, handler)
		})
	}
	if closed != 2 || waited != 2 {
		t.Errorf("%d closed, %d closed and waited", closed, waited)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	token := client.NewToken("anna")
	_, invalid := client.New(nil).SessionMerge(t.Context(), token.Key(), nil)
	for _, tt := range []struct {
		name   string
		err    error
		status int
		code   string
	}{
		{"invalid", invalid, 400, "invalid"},
		{"gone", client.ErrGone, 401, "no_session"},
		{"conflict", fmt.Errorf("save: %w", client.ErrConflict), 412, "precondition_failed"},
		{"over a limit", &client.Error{Code: "SE005", Message: "payload too large", Detail: "It has 9 bytes.", Limit: "payload_max"}, 413, "payload_too_large"},
		{"no connection", fmt.Errorf("session_get: %w", &net.OpError{Op: "dial", Err: errors.New("connection refused")}), 503, "unavailable"},
		{"connection lost", io.ErrUnexpectedEOF, 503, "unavailable"},
		{"too slow", context.DeadlineExceeded, 503, "unavailable"},
		{"shutting down", &pgconn.PgError{Code: "57P01"}, 503, "unavailable"},
		{"starting up", &pgconn.PgError{Code: "57P03"}, 503, "unavailable"},
		{"too many connections", &pgconn.PgError{Code: "53300"}, 503, "unavailable"},
		{"deadlock", &pgconn.PgError{Code: "40P01"}, 503, "unavailable"},
		{"read-only", &pgconn.PgError{Code: "25006"}, 503, "unavailable"},
		{"no rights", &pgconn.PgError{Code: "42501"}, 500, "internal"},
		{"a bug", &pgconn.PgError{Code: "42703", Message: "secret"}, 500, "internal"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			handler := newHandler(t, &fake{lookup: func(client.Key) (client.Session, listener.Source, bool, error) {
				return client.Session{}, 0, false, tt.err
			}}, gateway.Options{})
			request{method: "GET", path: "/v1/session", headers: bearer(token), status: tt.status, code: tt.code}.run(t, handler)
		})
	}
}

func TestSlowDatabase(t *testing.T) {
	t.Parallel()
	handler := newHandler(t, hung{&fake{}}, gateway.Options{Timeout: time.Millisecond})
	request{method: "GET", path: "/v1/session", headers: bearer(client.NewToken("anna")), status: 503, code: "unavailable",
		returns: map[string]string{"Retry-After": "1"}}.run(t, handler)
}

// hung never answers.
type hung struct{ *fake }

func (hung) Lookup(ctx context.Context, _ client.Key, _ ...client.Floor) (client.Session, listener.Source, bool, error) {
	<-ctx.Done()
	return client.Session{}, 0, false, ctx.Err()
}

func TestPathsAndMethods(t *testing.T) {
	t.Parallel()
	handler := newHandler(t, &fake{ready: true}, gateway.Options{})
	for _, q := range []request{
		{method: "GET", path: "/healthz", status: 200, exact: `{"status":"ok"}`},
		{method: "GET", path: "/readyz", status: 200, exact: `{"status":"ready"}`},
		{method: "HEAD", path: "/readyz", status: 200},
		{method: "GET", path: "/", status: 404, code: "not_found"},
		{method: "GET", path: "/v1/session/", status: 404, code: "not_found"},
		{method: "POST", path: "/v1/nothing", status: 404, code: "not_found"},
		{method: "GET", path: "//v1/session", status: 404, code: "not_found"},
		{method: "GET", path: "/v1//session", status: 404, code: "not_found"},
		{method: "GET", path: "/v1/./session", status: 404, code: "not_found"},
		{method: "GET", path: "/v1/x/../session", status: 404, code: "not_found"},
		{method: "DELETE", path: "/v1/sessions/", status: 404, code: "not_found"},
		{method: "DELETE", path: "/v1/sessions/%2e%2e", status: 404, code: "not_found"},
		{method: "DELETE", path: "/v1/sessions/1/2", status: 404, code: "not_found"},
		{method: "POST", path: "/v1/sessions", status: 405, code: "method_not_allowed", returns: map[string]string{"Allow": "DELETE, GET, HEAD"}},
		{method: "GET", path: "/v1/sessions/1", status: 405, code: "method_not_allowed", returns: map[string]string{"Allow": "DELETE"}},
		{method: "GET", path: "/v1/login", status: 405, code: "method_not_allowed", returns: map[string]string{"Allow": "POST"}},
		{method: "POST", path: "/v1/session", status: 405, code: "method_not_allowed", returns: map[string]string{"Allow": "DELETE, GET, HEAD, PATCH"}},
		{method: "PUT", path: "/v1/session", status: 405, code: "method_not_allowed", returns: map[string]string{"Allow": "DELETE, GET, HEAD, PATCH"}},
		{method: "POST", path: "/healthz", status: 405, code: "method_not_allowed", returns: map[string]string{"Allow": "GET, HEAD"}},
	} {
		t.Run(q.method+" "+q.path, func(t *testing.T) {
			t.Parallel()
			q.run(t, handler)
		})
	}
	request{method: "GET", path: "/readyz", status: 503, code: "not_ready"}.run(t, newHandler(t, &fake{}, gateway.Options{}))
}

func TestOtherOrigins(t *testing.T) {
	t.Parallel()
	anna := client.NewToken("anna")
	handler := newHandler(t, &fake{
		close:  func(client.Key) (bool, error) { return true, nil },
		lookup: func(client.Key) (client.Session, listener.Source, bool, error) { return client.Session{}, 0, true, nil },
	}, gateway.Options{TrustedOrigins: []string{"https://app.example.com"}})
	cookie := map[string]string{"Cookie": gateway.CookieName + "=" + anna.Reveal()}
	for _, q := range []request{
		{name: "no browser", method: "DELETE", headers: cookie, status: 204},
		{name: "own page", method: "DELETE", headers: with(cookie, "Sec-Fetch-Site", "same-origin"), status: 204},
		{name: "own page of an old browser", method: "DELETE", headers: with(cookie, "Origin", "https://example.com"), status: 204},
		{name: "another site", method: "DELETE", headers: with(cookie, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"), status: 403, code: "cross_origin"},
		{name: "another site, old browser", method: "DELETE", headers: with(cookie, "Origin", "https://evil.example"), status: 403, code: "cross_origin"},
		{name: "trusted", method: "DELETE", headers: with(cookie, "Sec-Fetch-Site", "cross-site", "Origin", "https://app.example.com"), status: 204},
		{name: "bearer", method: "DELETE", headers: with(bearer(anna), "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"), status: 204},
		{name: "reading", method: "GET", headers: with(cookie, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"), status: 200},
	} {
		t.Run(q.name, func(t *testing.T) {
			t.Parallel()
			q.path = "/v1/session"
			q.run(t, handler)
		})
	}
	if _, err := gateway.New(&fake{}, gateway.Options{TrustedOrigins: []string{"not an origin"}}); err == nil {
		t.Error("a trusted origin that is none was accepted")
	}
}

func TestNothingSecretIsLogged(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	token := client.NewToken("anna")
	away := errors.New("connection refused")
	handler := newHandler(t, &fake{
		login: func(string, string, client.LoginOptions) (client.LoginResult, error) {
			return client.LoginResult{}, away
		},
		lookup: func(client.Key) (client.Session, listener.Source, bool, error) {
			return client.Session{}, 0, false, away
		},
	}, gateway.Options{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	request{method: "POST", path: "/v1/login?x=" + token.Reveal(), body: `{"username": "anna", "password": "hunter2"}`, status: 503, code: "unavailable",
		headers: map[string]string{"Content-Type": "application/json"}}.run(t, handler)
	request{method: "GET", path: "/v1/session?x=" + token.Reveal(), headers: bearer(token), status: 503, code: "unavailable"}.run(t, handler)
	if text := log.String(); !strings.Contains(text, "connection refused") || strings.Contains(text, token.Reveal()) || strings.Contains(text, "hunter2") {
		t.Errorf("log: %s", text)
	}
}
