package sessionhttp_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/client/sessionhttp"
)

// devices adds the pages of an account's sessions.
func (x *site) devices() *site {
	x.handle("/devices", func(s *sessionhttp.Session, w http.ResponseWriter, r *http.Request) error {
		devices, err := s.Devices(r.Context())
		if err != nil {
			return err
		}
		return writeJSON(w, devices)
	})
	x.handle("/end", func(s *sessionhttp.Session, w http.ResponseWriter, r *http.Request) error {
		id, err := strconv.ParseInt(r.FormValue("id"), 10, 64)
		if err != nil {
			return err
		}
		ended, err := s.End(r.Context(), id)
		if err != nil {
			return err
		}
		return writeJSON(w, ended)
	})
	x.handle("/end-others", func(s *sessionhttp.Session, w http.ResponseWriter, r *http.Request) error {
		n, err := s.EndOthers(r.Context())
		if err != nil {
			return err
		}
		return writeJSON(w, n)
	})
	x.handle("/everywhere", func(s *sessionhttp.Session, w http.ResponseWriter, r *http.Request) error {
		n, err := s.LogoutEverywhere(r.Context())
		if err != nil {
			return err
		}
		return writeJSON(w, n)
	})
	return x
}

func TestDevices(t *testing.T) {
	stores(t, func(b *bundle, store client.Store) {
		x := b.site(store).devices()
		id := func(w *browser) string {
			s, _, err := b.client.SessionGet(b.Context(), w.key())
			if err != nil {
				b.Fatal(err)
			}
			return strconv.FormatInt(s.ID, 10)
		}
		first, second, third := x.browser().login(), x.browser().login(), x.browser().login()
		bob := x.browser()
		bob.want(200, "ok", "/login", "username", "bob", "password", password)

		list := first.want(200, "", "/devices").body
		if n := strings.Count(list, `"Agent":"Go-http-client`); n != 3 || strings.Count(list, `"Current":true`) != 1 {
			b.Errorf("the list of ann's three sessions: %s", list)
		}
		first.want(200, "false\n", "/end", "id", id(bob))
		bob.want(200, "bob", "/user")
		first.want(200, "true\n", "/end", "id", id(second))
		second.want(200, "", "/user")
		first.want(200, "1\n", "/end-others")
		third.want(200, "", "/user")
		first.want(200, "ann", "/user")

		token := first.token()
		first.want(200, "true\n", "/end", "id", id(first))
		if first.token() != "" || b.live(token) {
			b.Error("ending one's own session left it, or its cookie")
		}
		first.login()
		second.login()
		if a := first.want(200, "2\n", "/everywhere"); a.Header.Get("Clear-Site-Data") == "" || first.token() != "" {
			b.Error("signing out everywhere left the cookie")
		}
		first.want(200, "", "/user")
		second.want(200, "", "/user")
		bob.want(200, "bob", "/user")
	})
}

func TestDevicesAreAUsers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	x := b.site(b.client).devices()
	w := x.browser()
	w.want(200, "", "/set", "name", "a", "value", "1")
	for _, path := range []string{"/devices", "/end?id=1", "/end-others", "/everywhere"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, x.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if a := w.do(r); a.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s of a visitor: %d %s", path, a.StatusCode, a.body)
		}
	}
	if n := b.sessions(); n != 1 {
		t.Errorf("%d sessions, want the visitor's", n)
	}
}

// What is kept with a session can also be given to calls that count failed attempts.
func TestOriginOfARequest(t *testing.T) {
	t.Parallel()
	middleware, err := sessionhttp.New(setup(t).client, sessionhttp.Config{})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil) // from 192.0.2.1
	r.Header.Set("User-Agent", "test")
	w := httptest.NewRecorder()
	middleware.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewEncoder(w).Encode(sessionhttp.From(r.Context()).Origin()); err != nil {
			t.Error(err)
		}
	})).ServeHTTP(w, r)
	if got, want := strings.TrimSpace(w.Body.String()), `{"address":"192.0.2.1","agent":"test"}`; got != want {
		t.Errorf("origin %s, want %s", got, want)
	}
}

// Where a session is opened from is told by who connects, or by a proxy that is trusted.
func TestOrigin(t *testing.T) {
	t.Parallel()
	b := setup(t)
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for name, c := range map[string]struct {
		remote, forwarded, want string
		proxies                 []netip.Prefix
	}{
		"direct":               {"203.0.113.7:1", "", "203.0.113.7", nil},
		"forged, no proxy":     {"203.0.113.7:1", "1.1.1.1", "203.0.113.7", nil},
		"forged past a proxy":  {"203.0.113.7:1", "1.1.1.1", "203.0.113.7", proxies},
		"one proxy":            {"10.0.0.1:1", "198.51.100.2", "198.51.100.2", proxies},
		"forged behind proxy":  {"10.0.0.1:1", "1.1.1.1, 198.51.100.2", "198.51.100.2", proxies},
		"two proxies":          {"10.0.0.1:1", "1.1.1.1, 198.51.100.2 ,10.0.0.9", "198.51.100.2", proxies},
		"only proxies":         {"10.0.0.1:1", "10.0.0.9", "10.0.0.9", proxies},
		"proxy says nothing":   {"10.0.0.1:1", "", "10.0.0.1", proxies},
		"proxy says nonsense":  {"10.0.0.1:1", "1.1.1.1, unknown", "10.0.0.1", proxies},
		"IPv6":                 {"[fd00::1]:1", "2001:db8::1", "2001:db8::1", proxies},
		"IPv4 written as IPv6": {"[::ffff:10.0.0.1]:1", "::ffff:198.51.100.2", "198.51.100.2", proxies},
		"zone":                 {"[fe80::1%eth0]:1", "", "fe80::1", nil},
		"Unix socket":          {"@", "1.1.1.1", "", proxies},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mw, err := sessionhttp.New(b.client, sessionhttp.Config{TrustedProxies: c.proxies})
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
			r.RemoteAddr = c.remote
			r.Header.Set("User-Agent", strings.Repeat("é", 200))
			if c.forwarded != "" {
				r.Header.Set("X-Forwarded-For", c.forwarded)
			}
			mw.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				s := sessionhttp.From(r.Context())
				devices, err := []sessionhttp.Device(nil), s.LoginAs(r.Context(), "ann")
				if err == nil {
					devices, err = s.Devices(r.Context())
				}
				if err != nil {
					t.Error(err)
					return
				}
				for _, d := range devices {
					if d.Current && (d.Address != c.want || d.Agent != strings.Repeat("é", 128)) {
						t.Errorf("address %q, agent %q; want address %q", d.Address, d.Agent, c.want)
					}
				}
			})).ServeHTTP(httptest.NewRecorder(), r)
		})
	}
}

func TestAnOriginOfOthersIsNoError(t *testing.T) {
	t.Parallel()
	b := setup(t)
	x := b.site(b.client).devices()
	w := x.browser().login()
	for _, origin := range []string{`{"address": 1}`, `{"agent": ["x"]}`} {
		if _, _, err := b.client.SessionOpen(t.Context(), client.OpenOptions{Username: "ann", Origin: rawJSON(origin)}); err != nil {
			t.Fatal(err)
		}
	}
	if a := w.want(200, "", "/devices"); strings.Count(a.body, `"ID"`) != 3 {
		t.Errorf("the list: %s", a.body)
	}
}

func TestNeedsTheMiddleware(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("From without the middleware does not panic")
		}
	}()
	sessionhttp.From(t.Context())
}

func TestRequireUser(t *testing.T) {
	t.Parallel()
	b := setup(t)
	store := &counted{Store: b.client}
	x := b.site(store, func(c *sessionhttp.Config) {
		c.ErrorHandler = func(w http.ResponseWriter, r *http.Request, err error) {
			if errors.Is(err, sessionhttp.ErrAnonymous) {
				http.Redirect(w, r, "/login", http.StatusSeeOther)
				return
			}
			sessionhttp.AnswerError(w, r, err)
		}
	})
	served := 0
	x.mux.Handle("/account", sessionhttp.RequireUser(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served++ })))
	w := x.browser()
	if a := w.want(303, "", "/account"); a.Header.Get("Location") != "/login" {
		t.Errorf("Location: %q", a.Header.Get("Location"))
	}
	w.login()
	w.want(200, "", "/account")
	store.failing("get")
	w.want(503, "", "/account")
	if served != 1 {
		t.Errorf("served %d times, want 1", served)
	}
}
