package gateway_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/cmd/pgsession/gateway"
	"github.com/pgsession/pgsession/listener"
)

// memory keeps one session, as a database would.
type memory struct {
	*fake
	mu      sync.Mutex
	payload string
	version int64
}

func newMemory(key client.Key) *memory {
	m := &memory{fake: &fake{}, payload: `{"a": 1}`, version: 3}
	m.lookup = func(asked client.Key) (client.Session, listener.Source, bool, error) {
		m.mu.Lock()
		defer m.mu.Unlock()
		s := client.Session{ID: 7, Username: "anna", Payload: client.RawPayload([]byte(m.payload)), Version: m.version, Epoch: client.Epoch{1}}
		return s, listener.FromDatabase, asked == key, nil
	}
	m.save = func(_ client.Key, payload any, version int64) (client.Floor, error) {
		m.mu.Lock()
		defer m.mu.Unlock()
		if version != m.version {
			return client.Floor{}, client.ErrConflict
		}
		m.version++
		m.payload = string(payload.(json.RawMessage))
		return client.Floor{Version: m.version}, nil
	}
	return m
}

func TestMergingConditionally(t *testing.T) {
	t.Parallel()
	anna, gone := client.NewToken("anna"), client.NewToken("gone")
	const current, body = `"7.3.01000000"`, `{"b": {"c": 1.50, "d": null}, "a": null}`
	merged := `{"id":7,"username":"anna","payload":{"b":{"c":1.50}},"version":4,"ttl":null,"source":"database"}`
	ok := map[string]string{"Etag": `"7.4.01000000"`}
	for _, q := range []request{
		{name: "current", headers: with(nil, "If-Match", current), status: 200, exact: merged, returns: ok},
		{name: "one of several", headers: with(nil, "If-Match", `"x,y" , W/"z",, `+current), status: 200, exact: merged},
		{name: "earlier version", headers: with(nil, "If-Match", `"7.2.01000000"`), status: 412, code: "precondition_failed"},
		{name: "another session", headers: with(nil, "If-Match", `"8.3.01000000"`), status: 412, code: "precondition_failed"},
		{name: "another epoch", headers: with(nil, "If-Match", `"7.3.02000000"`), status: 412, code: "precondition_failed"},
		{name: "weak", headers: with(nil, "If-Match", `W/`+current), status: 412, code: "precondition_failed"},
		{name: "empty tag", headers: with(nil, "If-Match", `""`), status: 412, code: "precondition_failed"},
		{name: "bare", headers: with(nil, "If-Match", `7.3.01000000`), status: 400, code: "bad_request"},
		{name: "open", headers: with(nil, "If-Match", `"7.3.01000000`), status: 400, code: "bad_request"},
		{name: "with a space within", headers: with(nil, "If-Match", `"7 3"`), status: 400, code: "bad_request"},
		{name: "no commas between", headers: with(nil, "If-Match", current+` "x"`), status: 400, code: "bad_request"},
		{name: "empty", headers: with(nil, "If-Match", ``), status: 400, code: "bad_request"},
		{name: "commas", headers: with(nil, "If-Match", `,,`), status: 400, code: "bad_request"},
		{name: "star among tags", headers: with(nil, "If-Match", `*, `+current), status: 400, code: "bad_request"},
		{name: "no object", headers: with(nil, "If-Match", current), body: `[]`, status: 400, code: "invalid"},
		{name: "too deep", headers: with(nil, "If-Match", current), body: strings.Repeat(`{"a":`, 101) + "1" + strings.Repeat("}", 101), status: 400, code: "invalid"},
		{name: "gone", headers: with(bearer(gone), "If-Match", current), status: 401, code: "no_session"},
	} {
		t.Run(q.name, func(t *testing.T) {
			t.Parallel()
			q.method, q.path = http.MethodPatch, "/v1/session"
			if q.body == "" {
				q.body = body
			}
			q.headers = with(with(bearer(anna), "Content-Type", "application/merge-patch+json"), flatten(q.headers)...)
			store := newMemory(anna.Key())
			q.run(t, newHandler(t, store, gateway.Options{}))
			if changed := store.version != 3; changed != (q.status == 200) {
				t.Errorf("version %d, payload %s", store.version, store.payload)
			}
		})
	}
}

func flatten(headers map[string]string) []string {
	var flat []string
	for name, value := range headers {
		flat = append(flat, name, value)
	}
	return flat
}

// Between reading a session and saving it somebody else saves it.
func TestMergingConditionallyIntoWhatIsOverwritten(t *testing.T) {
	t.Parallel()
	anna := client.NewToken("anna")
	store := newMemory(anna.Key())
	read := store.lookup
	store.lookup = func(key client.Key) (client.Session, listener.Source, bool, error) {
		s, source, ok, err := read(key)
		if s.Version == 3 {
			_, err = store.save(key, json.RawMessage(`{"other": true}`), 3)
		}
		return s, source, ok, err
	}
	request{method: "PATCH", path: "/v1/session", body: `{"b": 1}`, status: 412, code: "precondition_failed",
		headers: with(bearer(anna), "Content-Type", "application/json", "If-Match", `"7.3.01000000"`)}.run(t, newHandler(t, store, gateway.Options{}))
	if store.payload != `{"other": true}` || store.version != 4 {
		t.Errorf("overwritten: %s, version %d", store.payload, store.version)
	}
}

// A header of several lines is one list.
func TestMergingConditionallyOnSeveralLines(t *testing.T) {
	t.Parallel()
	anna := client.NewToken("anna")
	r := httptest.NewRequest(http.MethodPatch, "/v1/session", strings.NewReader(`{}`))
	r.Header.Set("Authorization", "Bearer "+anna.Reveal())
	r.Header.Set("Content-Type", "application/json")
	r.Header.Add("If-Match", `"x"`)
	r.Header.Add("If-Match", `"7.3.01000000"`)
	recorder := httptest.NewRecorder()
	newHandler(t, newMemory(anna.Key()), gateway.Options{}).ServeHTTP(recorder, r)
	if recorder.Code != http.StatusOK {
		t.Errorf("status %d: %s", recorder.Code, recorder.Body)
	}
}
