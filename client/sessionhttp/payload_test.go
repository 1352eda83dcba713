package sessionhttp_test

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/client/sessionhttp"
)

func rawJSON(text string) json.RawMessage { return json.RawMessage(text) }

func writeJSON(w io.Writer, v any) error { return json.NewEncoder(w).Encode(v) }

// page adds a page at which the test itself sits.
func (x *site) page(path string, h func(s *sessionhttp.Session) error) {
	x.handle(path, func(s *sessionhttp.Session, _ http.ResponseWriter, _ *http.Request) error { return h(s) })
}

// payload reads what the browser's session holds in the database.
func (w *browser) payload() string {
	w.Helper()
	s, found, err := w.bundle.client.SessionGet(w.Context(), w.key())
	if err != nil || !found {
		w.Fatalf("SessionGet: %v, %v", found, err)
	}
	return s.Payload.String()
}

func TestNothingIsAskedWithoutNeed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	store := &counted{Store: b.client}
	x := b.site(store)
	x.handle("/plain", func(_ *sessionhttp.Session, w http.ResponseWriter, _ *http.Request) error {
		_, err := io.WriteString(w, "plain")
		return err
	})
	x.page("/delete", func(s *sessionhttp.Session) error { return s.Delete("theme") })
	calls := func(gets, writes int64) {
		t.Helper()
		if store.gets.Load() != gets || store.writes.Load() != writes {
			t.Errorf("%d reads and %d writes, want %d and %d", store.gets.Load(), store.writes.Load(), gets, writes)
		}
		store.gets.Store(0)
		store.writes.Store(0)
	}

	w := x.browser()
	w.want(200, "none", "/get", "name", "theme")
	w.want(200, "", "/delete")
	calls(0, 0)

	w.want(200, "", "/set", "name", "theme", "value", "dark")
	calls(0, 1)
	if a := w.want(200, "plain", "/plain"); len(a.Cookies()) > 0 || a.Header.Get("Vary") != "" || a.Header.Get("Cache-Control") != "" {
		t.Errorf("a page that asks for no session has headers of one: %v", a.Header)
	}
	calls(0, 0)
	w.want(200, "\"dark\"\n", "/get", "name", "theme")
	calls(1, 0)
	w.want(200, "", "/delete")
	calls(1, 1)
}

func TestMembersAreKept(t *testing.T) {
	stores(t, func(b *bundle, store client.Store) {
		x := b.site(store)
		set := func(values map[string]any) func(*sessionhttp.Session) error {
			return func(s *sessionhttp.Session) error {
				for name, v := range values {
					if err := s.Set(name, v); err != nil {
						return err
					}
				}
				return nil
			}
		}
		x.page("/begin", set(map[string]any{"a": 1, "o": map[string]any{"x": 1, "y": map[string]any{"z": 1}}, "list": []any{nil, 1}}))
		x.page("/scalars", set(map[string]any{"a": "two", "list": []any{map[string]any{"n": nil}}}))
		x.page("/object", set(map[string]any{"o": map[string]any{"x": 3, "v": 2}}))
		x.page("/nulls", set(map[string]any{"o": map[string]any{"x": nil}}))
		x.page("/null", set(map[string]any{"null": nil}))
		x.page("/delete", func(s *sessionhttp.Session) error {
			if err := s.Set("o", 1); err != nil {
				return err
			}
			return errors.Join(s.Delete("o"), s.Delete("null"), s.Delete("a"), s.Set("a", true))
		})
		w := x.browser()
		for _, step := range []struct{ path, want string }{
			{"/begin", `{"a": 1, "o": {"x": 1, "y": {"z": 1}}, "list": [null, 1]}`},
			{"/scalars", `{"a": "two", "o": {"x": 1, "y": {"z": 1}}, "list": [{"n": null}]}`},
			{"/object", `{"a": "two", "o": {"v": 2, "x": 3}, "list": [{"n": null}]}`},
			{"/nulls", `{"a": "two", "o": {"x": null}, "list": [{"n": null}]}`},
			{"/null", `{"a": "two", "o": {"x": null}, "list": [{"n": null}], "null": null}`},
			{"/delete", `{"a": true, "list": [{"n": null}]}`},
		} {
			w.want(200, "", step.path)
			if got := w.payload(); got != step.want {
				b.Errorf("after %s the payload is %s, want %s", step.path, got, step.want)
			}
		}
		if n := b.sessions(); n != 1 {
			b.Errorf("%d sessions, want 1", n)
		}
	})
}

func TestARequestSeesItsOwnChanges(t *testing.T) {
	t.Parallel()
	b := setup(t)
	x := b.site(b.client)
	x.handle("/own", func(s *sessionhttp.Session, w http.ResponseWriter, r *http.Request) error {
		if err := errors.Join(s.Set("n", 1), s.Set("gone", 1), s.Delete("gone")); err != nil {
			return err
		}
		var n, gone int
		found, err := s.Get("n", &n)
		if err != nil || !found || n != 1 {
			t.Errorf("Get after Set: %d, %v, %v", n, found, err)
		}
		if found, err = s.Get("gone", &gone); err != nil || found {
			t.Errorf("Get after Delete: %v, %v", found, err)
		}
		if err := s.Save(r.Context()); err != nil {
			return err
		}
		if current, live, err := s.Current(); err != nil || !live || current.Payload.String() != `{"n": 1}` {
			t.Errorf("Current after Save: %v, %v, %v", current.Payload, live, err)
		}
		if _, err := s.Get("n", new(string)); !errors.Is(err, sessionhttp.ErrValue) {
			t.Errorf("Get into what cannot hold it: %v", err)
		}
		w.WriteHeader(http.StatusAccepted)
		if err := s.Set("late", 1); !errors.Is(err, sessionhttp.ErrResponseStarted) {
			t.Errorf("Set after the header is out: %v", err)
		}
		if err := s.Logout(r.Context()); !errors.Is(err, sessionhttp.ErrResponseStarted) {
			t.Errorf("Logout after the header is out: %v", err)
		}
		return nil
	})
	w := x.browser()
	w.want(202, "", "/own")
	if got := w.payload(); got != `{"n": 1}` {
		t.Errorf("the payload is %s", got)
	}
}

func TestSetRefusesAtTheCall(t *testing.T) {
	t.Parallel()
	b := setup(t)
	x := b.site(b.client)
	x.page("/bad", func(s *sessionhttp.Session) error {
		for name, v := range map[string]any{"inf": math.Inf(1), "chan": make(chan int), "\xff": 1, "\x00": 1} {
			if err := s.Set(name, v); err == nil {
				t.Errorf("Set(%q, %v) is no error", name, v)
			}
		}
		return nil
	})
	x.page("/unfit", func(s *sessionhttp.Session) error { return s.Set("a", make(chan int)) })
	x.page("/nul", func(s *sessionhttp.Session) error { return s.Set("a", "\x00") })
	x.page("/large", func(s *sessionhttp.Session) error { return s.Set("a", strings.Repeat("x", 100_000)) })
	w := x.browser()
	w.want(200, "", "/bad")
	w.want(500, "", "/unfit")
	w.want(500, "", "/nul")
	w.want(500, "", "/large")
	if w.token() != "" || b.sessions() != 0 {
		t.Error("a refused change left a session")
	}
}

// PostgreSQL has no member of such a name, and none of a similar one is to go in its place.
func TestDeletingAnImpossibleName(t *testing.T) {
	t.Parallel()
	b := setup(t)
	x := b.site(b.client)
	x.page("/alike", func(s *sessionhttp.Session) error { return s.Set("\ufffd", 1) })
	x.page("/impossible", func(s *sessionhttp.Session) error { return errors.Join(s.Delete("\x00"), s.Delete("\xff")) })
	w := x.browser()
	w.want(200, "", "/alike")
	w.want(200, "", "/impossible")
	if got := w.payload(); got != "{\"\ufffd\": 1}" {
		t.Errorf("the payload is %s", got)
	}
}

// Two tabs change the payload at once. Both have read it before either saves.
func TestTwoTabsLoseNothing(t *testing.T) {
	stores(t, func(b *bundle, store client.Store) {
		x := b.site(store)
		both := make(chan struct{})
		arrived := make(chan struct{}, 2)
		x.handle("/meet", func(s *sessionhttp.Session, _ http.ResponseWriter, r *http.Request) error {
			if _, err := s.Username(); err != nil {
				return err
			}
			arrived <- struct{}{}
			<-both
			name := r.FormValue("name")
			if r.FormValue("kind") == "object" {
				return s.Set(name, map[string]any{"of": name})
			}
			return s.Set(name, name)
		})
		w := x.browser()
		w.want(200, "", "/set", "name", "first", "value", "1")
		for _, kind := range []string{"scalar", "object"} {
			both = make(chan struct{})
			done := make(chan answer, 2)
			for _, tab := range []string{"left", "right"} {
				go func() { done <- w.get("/meet", "kind", kind, "name", kind+"-"+tab) }()
			}
			<-arrived
			<-arrived
			close(both)
			for range 2 {
				if a := <-done; a.StatusCode != http.StatusOK {
					b.Errorf("%s: %d %s", kind, a.StatusCode, a.body)
				}
			}
		}
		var got map[string]any
		if err := json.Unmarshal([]byte(w.payload()), &got); err != nil {
			b.Fatal(err)
		}
		for _, name := range []string{"first", "scalar-left", "scalar-right", "object-left", "object-right"} {
			if got[name] == nil {
				b.Errorf("the change of %q is lost: %v", name, got)
			}
		}
	})
}

func TestConflictsWithoutEndAreTold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	store := &counted{Store: b.client}
	x := b.site(store)
	x.page("/object", func(s *sessionhttp.Session) error { return s.Set("o", map[string]int{"n": 1}) })
	w := x.browser()
	w.want(200, "", "/set", "name", "a", "value", "1")
	conflict := func(op string) error {
		if op == "save" {
			return client.ErrConflict
		}
		return nil
	}
	store.fail.Store(&conflict)
	w.want(409, "", "/object")
	if got := w.payload(); got != `{"a": "1"}` {
		t.Errorf("the payload is %s", got)
	}
}

func TestGoroutinesOfAHandlerShareItsSession(t *testing.T) {
	t.Parallel()
	b := setup(t)
	x := b.site(b.client)
	x.page("/many", func(s *sessionhttp.Session) error {
		errs := make(chan error)
		names := []string{"a", "b", "c", "d", "e", "f"}
		for _, name := range names {
			go func() {
				_, err := s.Get("a", new(string))
				errs <- errors.Join(err, s.Set(name, name))
			}()
		}
		var err error
		for range names {
			err = errors.Join(err, <-errs)
		}
		return err
	})
	w := x.browser()
	w.want(200, "", "/many")
	if got, want := w.payload(), `{"a": "a", "b": "b", "c": "c", "d": "d", "e": "e", "f": "f"}`; got != want {
		t.Errorf("the payload is %s, want %s", got, want)
	}
}
