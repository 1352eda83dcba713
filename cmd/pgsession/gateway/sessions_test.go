package gateway_test

import (
	"encoding/json"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/cmd/pgsession/gateway"
	"github.com/pgsession/pgsession/listener"
)

// family is a store with two users' sessions and an anonymous one, that notes what is ended.
type family struct {
	*fake
	anna, nobody, gone client.Token
	ended              []string
	waited             int
}

func newFamily() *family {
	f := &family{fake: &fake{}, anna: client.NewToken("anna"), nobody: client.NewToken(""), gone: client.NewToken("anna")}
	created := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	f.lookup = func(key client.Key) (client.Session, listener.Source, bool, error) {
		switch key {
		case f.anna.Key():
			return client.Session{ID: 7, Username: "anna", Version: 3, Created: created}, listener.FromCache, true, nil
		case f.nobody.Key():
			return client.Session{ID: 9, Version: 1, Created: created}, listener.FromCache, true, nil
		}
		return client.Session{}, listener.FromDatabase, false, nil
	}
	f.list = func(username string) ([]client.Session, error) {
		return []client.Session{
			{ID: 8, Username: username, Version: 1, Created: created.Add(time.Hour), Expires: created.Add(2 * time.Hour), ExpireSecs: 3600,
				Deadline: time.Now().Add(time.Minute + 900*time.Millisecond), Origin: json.RawMessage(`{"agent":"<b>"}`)},
			{ID: 7, Username: username, Version: 3, Created: created},
		}, nil
	}
	f.close = func(key client.Key) (bool, error) {
		f.ended = append(f.ended, map[client.Key]string{f.anna.Key(): "anna's", f.nobody.Key(): "nobody's"}[key])
		return true, nil
	}
	f.closeID = func(username string, id int64) (bool, error) {
		f.ended = append(f.ended, username+" "+strconv.FormatInt(id, 10))
		return id == 8, nil
	}
	f.closeUser = func(username string, except ...client.Key) (int64, error) {
		f.ended = append(f.ended, username+" all")
		if !slices.Equal(except, []client.Key{f.anna.Key()}) {
			f.ended = append(f.ended, "and the one that asks")
		}
		return 1, nil
	}
	f.revoke = func() error { f.waited++; return nil }
	return f
}

func TestListing(t *testing.T) {
	t.Parallel()
	f := newFamily()
	handler := newHandler(t, f, gateway.Options{})
	for _, q := range []request{
		{name: "a user's", headers: bearer(f.anna), status: 200, exact: `{"sessions":[` +
			`{"id":8,"current":false,"version":1,"createddate":"2026-01-02T04:04:05Z","expires":"2026-01-02T05:04:05Z","expiresecs":3600,"ttl":60,"origin":{"agent":"<b>"}},` +
			`{"id":7,"current":true,"version":3,"createddate":"2026-01-02T03:04:05Z","expires":null,"expiresecs":null,"ttl":null,"origin":null}]}`},
		{name: "an anonymous one's", headers: bearer(f.nobody), status: 200, exact: `{"sessions":[` +
			`{"id":9,"current":true,"version":1,"createddate":"2026-01-02T03:04:05Z","expires":null,"expiresecs":null,"ttl":null,"origin":null}]}`},
		{name: "gone", headers: bearer(f.gone), status: 401, code: "no_session"},
		{name: "no token", status: 401, code: "no_session"},
	} {
		t.Run(q.name, func(t *testing.T) {
			t.Parallel()
			q.method, q.path = "GET", "/v1/sessions"
			q.run(t, handler)
		})
	}
}

func TestEndingSeveral(t *testing.T) {
	t.Parallel()
	cookie := func(token client.Token) map[string]string {
		return map[string]string{"Cookie": gateway.CookieName + "=" + token.Reveal()}
	}
	cleared := map[string]string{"Set-Cookie": gateway.CookieName + "=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"}
	kept := map[string]string{"Set-Cookie": ""}
	for _, tt := range []struct {
		request
		as     func(*family) client.Token
		ended  []string
		waited int
	}{
		{request: request{name: "another", path: "/v1/sessions/8", status: 204, returns: kept}, ended: []string{"anna 8"}},
		{request: request{name: "what is not there, or not hers", path: "/v1/sessions/100", status: 204}, ended: []string{"anna 100"}},
		{request: request{name: "her own", path: "/v1/sessions/7", status: 204, returns: cleared}, ended: []string{"anna's"}},
		{request: request{name: "another and wait", path: "/v1/sessions/8?wait=true", status: 204}, waited: 1},
		{request: request{name: "no number", path: "/v1/sessions/all", status: 400, code: "bad_request"}},
		{request: request{name: "too large a number", path: "/v1/sessions/9223372036854775808", status: 400, code: "bad_request"}},
		{request: request{name: "wait for what", path: "/v1/sessions/8?wait=please", status: 400, code: "bad_request"}},
		{request: request{name: "all others", path: "/v1/sessions", status: 204, returns: kept}, ended: []string{"anna all"}},
		{request: request{name: "all others and wait", path: "/v1/sessions?wait=true", status: 204}, waited: 1},
		{request: request{name: "all others, wait for what", path: "/v1/sessions?wait=2", status: 400, code: "bad_request"}},
		{request: request{name: "anonymous: another's", path: "/v1/sessions/8", status: 204, returns: kept}, as: func(f *family) client.Token { return f.nobody }},
		{request: request{name: "anonymous: its own", path: "/v1/sessions/9", status: 204, returns: cleared}, as: func(f *family) client.Token { return f.nobody }, ended: []string{"nobody's"}},
		{request: request{name: "anonymous: all others", path: "/v1/sessions", status: 204}, as: func(f *family) client.Token { return f.nobody }},
		{request: request{name: "gone: another", path: "/v1/sessions/8", status: 401, code: "no_session"}, as: func(f *family) client.Token { return f.gone }},
		{request: request{name: "gone: all others", path: "/v1/sessions", status: 401, code: "no_session"}, as: func(f *family) client.Token { return f.gone }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFamily()
			tt.method, tt.headers = "DELETE", cookie(f.anna)
			if tt.as != nil {
				tt.headers = cookie(tt.as(f))
			}
			tt.run(t, newHandler(t, f, gateway.Options{}))
			if !slices.Equal(f.ended, tt.ended) || f.waited != tt.waited {
				t.Errorf("ended %q, waited %d times", f.ended, f.waited)
			}
		})
	}
}
