package scsstore_test

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/client/memory"
	"github.com/pgsession/pgsession/client/scsstore"
)

// site is an application that uses scs, in one process.
type site struct {
	t       *testing.T
	manager *scs.SessionManager
	server  *httptest.Server
	during  chan func() // what happens while a request to /slow is under way
}

func newSite(t *testing.T, store scs.Store, edit ...func(*scs.SessionManager)) *site {
	t.Helper()
	s := &site{t: t, manager: scs.New(), during: make(chan func(), 1)}
	s.manager.Store = store
	for _, edit := range edit {
		edit(s.manager)
	}
	mux := http.NewServeMux()
	handle := func(pattern string, handler func(ctx context.Context) (string, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			text, err := handler(r.Context())
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			_, _ = io.WriteString(w, text)
		})
	}
	handle("/get", func(ctx context.Context) (string, error) { return s.manager.GetString(ctx, "name"), nil })
	handle("/put", func(ctx context.Context) (string, error) { s.manager.Put(ctx, "name", "ann"); return "", nil })
	handle("/slow", func(ctx context.Context) (string, error) {
		(<-s.during)()
		s.manager.Put(ctx, "name", "slow")
		return s.manager.GetString(ctx, "name"), nil
	})
	handle("/renew", func(ctx context.Context) (string, error) {
		(<-s.during)()
		return "", s.manager.RenewToken(ctx)
	})
	handle("/restart", func(ctx context.Context) (string, error) {
		err := s.manager.Destroy(ctx)
		s.manager.Put(ctx, "name", "again")
		return "", err
	})
	handle("/destroy", func(ctx context.Context) (string, error) { return "", s.manager.Destroy(ctx) })
	handle("/destroy-late", func(ctx context.Context) (string, error) {
		(<-s.during)()
		return "", s.manager.Destroy(ctx)
	})
	s.server = httptest.NewServer(s.manager.LoadAndSave(mux))
	t.Cleanup(s.server.Close)
	return s
}

// browser keeps a cookie for several sites, as if they were processes behind one address.
type browser struct {
	t      *testing.T
	client *http.Client
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &browser{t, &http.Client{Jar: jar, Transport: transport}}
}

func (b *browser) get(s *site, path, want string) {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, s.server.URL+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	response, err := b.client.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || string(text) != want {
		b.t.Errorf("%s: %s, %q, %v; want %q", path, response.Status, text, err, want)
	}
}

func hashing(m *scs.SessionManager) { m.HashTokenInStore = true }

// TestSite has a site of two processes work as with any store of scs, with the token hashed by scs as well or not.
func TestSite(t *testing.T) {
	t.Parallel()
	for name, pair := range stores(t) {
		for hashed, edit := range map[string]func(*scs.SessionManager){
			"plain": func(*scs.SessionManager) {}, "hashed": hashing,
			"idle": func(m *scs.SessionManager) { m.IdleTimeout = time.Minute },
		} {
			t.Run(name+"/"+hashed, func(t *testing.T) {
				t.Parallel()
				a, b := newSite(t, scsstore.New(pair[0], scsstore.Options{}), edit), newSite(t, scsstore.New(pair[1], scsstore.Options{}), edit)
				window := newBrowser(t)
				window.get(a, "/get", "")
				window.get(a, "/put", "")
				window.get(b, "/get", "ann")
				a.during <- func() {}
				window.get(a, "/renew", "")
				window.get(b, "/get", "ann")
				window.get(b, "/restart", "")
				window.get(a, "/get", "again")
				window.get(b, "/destroy", "")
				window.get(b, "/get", "")
			})
		}
	}
}

// TestSlowRequest has a request under way while the same user logs out in another window, on another process.
func TestSlowRequest(t *testing.T) {
	t.Parallel()
	for name, pair := range stores(t) {
		for _, path := range []string{"/slow", "/renew", "/destroy-late"} {
			t.Run(name+path, func(t *testing.T) {
				t.Parallel()
				a, b := newSite(t, scsstore.New(pair[0], scsstore.Options{})), newSite(t, scsstore.New(pair[1], scsstore.Options{}))
				window := newBrowser(t)
				window.get(a, "/put", "")
				other := newBrowser(t)
				other.client.Jar = copied(t, window, a, b)
				a.during <- func() { other.get(b, "/destroy", "") }
				window.get(a, path, map[string]string{"/slow": "slow"}[path]) // it runs as if nothing had happened
				window.get(a, "/get", "")
				window.get(b, "/get", "")
			})
		}
	}
}

// TestItselfSlowRequest shows what scs does over its own store: the reason for the tests above.
func TestItselfSlowRequest(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/slow", "/renew"} {
		s := newSite(t, memstore.NewWithCleanupInterval(0))
		window := newBrowser(t)
		window.get(s, "/put", "")
		other := newBrowser(t)
		other.client.Jar = copied(t, window, s, s)
		s.during <- func() { other.get(s, "/destroy", "") }
		window.get(s, path, map[string]string{"/slow": "slow"}[path])
		window.get(s, "/get", map[string]string{"/slow": "slow", "/renew": "ann"}[path]) // back
	}
}

// TestItselfIterate shows that scs, over its own store, destroys nothing while it iterates if tokens are hashed.
func TestItselfIterate(t *testing.T) {
	t.Parallel()
	manager := scs.New()
	manager.Store, manager.HashTokenInStore = memstore.NewWithCleanupInterval(0), true
	token := opened(t, manager, "eve")
	names(t, manager, manager.Destroy)
	if ctx, err := manager.Load(t.Context(), token); err != nil || manager.GetString(ctx, "name") != "eve" {
		t.Errorf("destroyed, %v: say so in README.md", err)
	}
}

// copied is a second window with the same cookies.
func copied(t *testing.T, window *browser, from, to *site) http.CookieJar {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	jar.SetCookies(mustURL(t, to), window.client.Jar.Cookies(mustURL(t, from)))
	return jar
}

// names collects what the sessions hold, in order.
func names(t *testing.T, manager *scs.SessionManager, each func(ctx context.Context) error) []string {
	t.Helper()
	var names []string
	err := manager.Iterate(t.Context(), func(ctx context.Context) error {
		names = append(names, manager.GetString(ctx, "name"))
		return each(ctx)
	})
	if err != nil {
		t.Fatalf("Iterate: %v", err)
	}
	slices.Sort(names)
	return names
}

// opened puts a session with a name into a store and returns its token.
func opened(t *testing.T, manager *scs.SessionManager, name string) string {
	t.Helper()
	ctx, err := manager.Load(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	manager.Put(ctx, "name", name)
	token, _, err := manager.Commit(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// TestIterate reads, changes and destroys sessions whose tokens nobody knows, and opens none of them.
func TestIterate(t *testing.T) {
	t.Parallel()
	for hashed, edit := range map[string]func(*scs.SessionManager){"plain": func(*scs.SessionManager) {}, "hashed": hashing} {
		t.Run(hashed, func(t *testing.T) {
			t.Parallel()
			stage := newStage(t)
			manager := scs.New()
			edit(manager)
			app := stage.db.As(t)
			if err := stage.owner.GrantApp(t.Context(), app.User); err != nil {
				t.Fatal(err)
			}
			manager.Store = scsstore.New(client.New(app.Pool(t)), scsstore.Options{Lister: stage.owner})
			tokens := map[string]string{}
			for _, name := range []string{"ann", "bob", "eve"} {
				tokens[name] = opened(t, manager, name)
			}
			if _, _, err := stage.owner.SessionOpen(t.Context(), client.OpenOptions{}); err != nil { // none of scs
				t.Fatal(err)
			}
			got := names(t, manager, func(ctx context.Context) error {
				handle := manager.Token(ctx)
				//nolint:contextcheck // within ctx there is a session already
				if loaded, err := manager.Load(t.Context(), handle); err != nil || manager.GetString(loaded, "name") != "" {
					t.Errorf("a handle opens a session: %v", err)
				}
				switch manager.GetString(ctx, "name") {
				case "eve":
					return manager.Destroy(ctx)
				case "bob":
					manager.Put(ctx, "name", "robert")
					_, _, err := manager.Commit(ctx)
					return err
				}
				return nil
			})
			if want := []string{"ann", "bob", "eve"}; !slices.Equal(got, want) {
				t.Errorf("iterated over %v, want %v", got, want)
			}
			for name, want := range map[string]string{"ann": "ann", "bob": "robert", "eve": ""} {
				ctx, err := manager.Load(t.Context(), tokens[name])
				if err != nil || manager.GetString(ctx, "name") != want {
					t.Errorf("%s's token opens the session of %q, %v; want %q", name, manager.GetString(ctx, "name"), err, want)
				}
			}
			// An application may not, unless somebody gave it the right.
			if _, err := scsstore.New(client.New(app.Pool(t)), scsstore.Options{}).All(); err == nil {
				t.Error("an application reads everybody's sessions")
			}
		})
	}
}

// TestHandles have a life of two listings, in one process, and end no session's life twice.
func TestHandles(t *testing.T) {
	t.Parallel()
	store := memory.New(memory.Options{})
	s, other := scsstore.New(store, scsstore.Options{}), scsstore.New(store, scsstore.Options{})
	commits(t, s, "token", []byte("x"))
	handle := func() string {
		t.Helper()
		all, err := s.AllCtx(t.Context())
		if err != nil || len(all) != 1 {
			t.Fatalf("All: %v, %v", all, err)
		}
		for handle, data := range all {
			if string(data) != "x" {
				t.Errorf("listed with %q", data)
			}
			return handle
		}
		return ""
	}
	first := handle()
	if second := handle(); first == second {
		t.Error("two listings have the same handle")
	}
	third := handle()
	for what, end := range map[string]func() error{
		"a handle of long ago":      func() error { return s.DeleteCtx(t.Context(), first) },
		"a handle of another store": func() error { return other.DeleteCtx(t.Context(), third) },
	} {
		if err := end(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		finds(t, s, "token", []byte("x"))
	}
	finds(t, s, third, nil)
	if err := s.DeleteCtx(t.Context(), third); err != nil {
		t.Error(err)
	}
	if err := s.CommitCtx(t.Context(), third, []byte("back"), soon()); err != nil {
		t.Error(err)
	}
	for _, token := range []string{"token", third} {
		finds(t, s, token, nil)
	}
	if sessions, err := store.SessionScan(t.Context(), 0, 0); len(sessions) != 0 || err != nil {
		t.Errorf("a handle brought back a session: %v, %v", sessions, err)
	}
}

// TestManySessions are listed page by page.
func TestManySessions(t *testing.T) {
	t.Parallel()
	s := scsstore.New(memory.New(memory.Options{}), scsstore.Options{})
	const n = 2500
	for i := range n {
		commits(t, s, strconv.Itoa(i), nil)
	}
	if all, err := s.All(); err != nil || len(all) != n {
		t.Errorf("listed %d of %d, %v", len(all), n, err)
	}
}

func mustURL(t *testing.T, s *site) *url.URL {
	t.Helper()
	u, err := url.Parse(s.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
