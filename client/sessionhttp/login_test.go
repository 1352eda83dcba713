package sessionhttp_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/client/sessionhttp"
)

func TestLoginAndLogout(t *testing.T) {
	stores(t, func(b *bundle, store client.Store) {
		x := b.site(store)
		w := x.browser()
		w.want(200, "", "/user")
		w.login()
		w.want(200, "ann", "/user")
		token := w.token()
		a := w.want(200, "", "/logout")
		if got := a.Header.Get("Clear-Site-Data"); got != `"cache", "storage"` {
			b.Errorf("Clear-Site-Data: %q", got)
		}
		if w.token() != "" || b.live(token) || b.sessions() != 0 {
			b.Error("the session or its cookie is still there")
		}
		w.want(200, "", "/user")
		w.want(200, "", "/logout")
	})
}

// A visitor's payload goes along, with what is not saved yet, and with what another tab saves between
// the reading of the session and the login.
func TestLoginKeepsAVisitorsPayload(t *testing.T) {
	stores(t, func(b *bundle, store client.Store) {
		x := b.site(store)
		w := x.browser()
		x.handle("/buy-and-login", func(s *sessionhttp.Session, _ http.ResponseWriter, r *http.Request) error {
			if err := s.Set("pending", map[string]any{"x": nil}); err != nil {
				return err
			}
			if _, err := b.client.SessionMerge(r.Context(), w.key(), map[string]int{"other-tab": 1}); err != nil {
				return err
			}
			_, err := s.Login(r.Context(), "ann", password)
			return err
		})
		w.want(200, "", "/set", "name", "cart", "value", "apple")
		visitor := w.token()
		w.want(200, "", "/buy-and-login")
		w.want(200, "ann", "/user")
		if got, want := w.payload(), `{"cart": "apple", "pending": {"x": null}, "other-tab": 1}`; got != want {
			b.Errorf("the payload is %s, want %s", got, want)
		}
		if b.live(visitor) || b.sessions() != 1 {
			b.Errorf("the visitor's token lives: %v; %d sessions, want 1", b.live(visitor), b.sessions())
		}
	})
}

func TestLoginWithoutASessionTakesPendingChangesAlong(t *testing.T) {
	t.Parallel()
	b := setup(t)
	x := b.site(b.client)
	x.page("/set-and-login", func(s *sessionhttp.Session) error {
		if err := s.Set("a", 1); err != nil {
			return err
		}
		return s.LoginAs(context.Background(), "ann")
	})
	w := x.browser()
	w.want(200, "", "/set-and-login")
	w.want(200, "ann", "/user")
	if got := w.payload(); got != `{"a": 1}` || b.sessions() != 1 {
		t.Errorf("the payload is %s, %d sessions", got, b.sessions())
	}
}

func TestLoginOverAUsersSession(t *testing.T) {
	t.Parallel()
	b := setup(t)
	x := b.site(b.client)
	w := x.browser().login()
	w.want(200, "", "/set", "name", "secret", "value", "ann's")
	first := w.token()
	w.login()
	if got := w.payload(); got != `{"secret": "ann's"}` || b.live(first) {
		t.Errorf("logging in again: the payload is %s, the old token lives: %v", got, b.live(first))
	}
	second := w.token()
	w.want(200, "ok", "/login", "username", "bob", "password", password)
	w.want(200, "bob", "/user")
	if got := w.payload(); got != `{}` || b.live(second) || b.sessions() != 1 {
		t.Errorf("as another user: the payload is %s, the old token lives: %v, %d sessions", got, b.live(second), b.sessions())
	}
}

func TestARefusedLoginChangesNothing(t *testing.T) {
	stores(t, func(b *bundle, store client.Store) {
		x := b.site(store)
		x.page("/as-nobody", func(s *sessionhttp.Session) error {
			if err := s.LoginAs(b.Context(), "nobody"); !errors.Is(err, client.ErrNoUser) {
				b.Errorf("LoginAs of nobody: %v", err)
			}
			return nil
		})
		w := x.browser()
		w.want(200, "", "/set", "name", "cart", "value", "apple")
		token := w.token()
		w.want(200, "bad_credentials", "/login", "username", "ann", "password", "wrong")
		b.db.Exec(b, "update pgsession.users set status = 'disabled' where username = 'bob'")
		w.want(200, "disabled", "/login", "username", "bob", "password", password)
		w.want(200, "", "/as-nobody")
		if w.token() != token || b.sessions() != 1 || w.payload() != `{"cart": "apple"}` {
			b.Errorf("token changed: %v, %d sessions, payload %s", w.token() != token, b.sessions(), w.payload())
		}
	})
}

// throttling is a store that has seen too many failures.
type throttling struct{ client.Store }

func (throttling) Login(context.Context, string, string, client.LoginOptions) (client.LoginResult, error) {
	return client.LoginResult{Outcome: client.Throttled, RetryAfter: 7e9}, nil
}

func TestThrottlingIsPassedOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	x := b.site(throttling{b.client})
	x.handle("/try", func(s *sessionhttp.Session, w http.ResponseWriter, r *http.Request) error {
		result, err := s.Login(r.Context(), "ann", password)
		if err != nil {
			return err
		}
		return writeJSON(w, []any{result.Outcome, result.RetryAfter.Seconds()})
	})
	x.browser().want(200, "[\"throttled\",7]\n", "/try")
}

// Whatever fails on the way, the browser is left with one session, which holds everything, and no other
// is left that anybody has a token of.
func TestALoginThatFailsHalfway(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		op       string
		status   int
		user     string
		sessions int // those that could not be closed have no token outside of the process
	}{
		{"login", 503, "", 1},
		{"rotate", 503, "", 1},
		{"save", 503, "", 1},
		{"close", 200, "ann", 2},
	} {
		t.Run(c.op, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			store := &counted{Store: b.client}
			x := b.site(store)
			w := x.browser()
			w.want(200, "", "/set", "name", "cart", "value", "apple")
			visitor := w.token()
			store.failing(c.op)
			w.want(c.status, "", "/login", "username", "ann", "password", password)
			store.failing()
			w.want(200, c.user, "/user")
			w.want(200, "\"apple\"\n", "/get", "name", "cart")
			if w.token() != visitor && b.live(visitor) {
				t.Error("two tokens are usable")
			}
			if n := b.sessions(); n != c.sessions {
				t.Errorf("%d sessions, want %d", n, c.sessions)
			}
		})
	}
}

// An attacker plants a token in somebody's browser, one that he made up or one of a visitor's session of
// his own, and waits for a login.
func TestFixationIsRefused(t *testing.T) {
	stores(t, func(b *bundle, store client.Store) {
		x := b.site(store)
		attacker := x.browser()
		attacker.want(200, "", "/set", "name", "cart", "value", "bait")
		for name, planted := range map[string]string{"made up": client.NewToken("ann").Reveal(), "a visitor's": attacker.token()} {
			victim := x.browser()
			victim.plant(cookie, planted)
			victim.want(200, "", "/set", "name", "a", "value", "1")
			if name == "made up" && victim.token() == planted {
				b.Error("a token that the store does not know was adopted")
			}
			victim.login()
			if victim.token() == planted || b.live(planted) {
				b.Errorf("%s: the planted token opens a session after the login", name)
			}
			attacker.plant(cookie, planted)
			attacker.want(200, "", "/user")
		}
	})
}

func TestRotate(t *testing.T) {
	stores(t, func(b *bundle, store client.Store) {
		x := b.site(store)
		x.handle("/set-and-rotate", func(s *sessionhttp.Session, _ http.ResponseWriter, r *http.Request) error {
			return errors.Join(s.Set("a", 1), s.Rotate(r.Context()), s.Rotate(r.Context()), s.Set("b", 2))
		})
		w := x.browser()
		w.want(200, "", "/rotate")
		if w.token() != "" {
			b.Error("rotating nothing made a session")
		}
		w.login()
		old := w.token()
		a := w.want(200, "", "/set-and-rotate")
		if n := len(a.Cookies()); n != 1 {
			b.Errorf("%d cookies for two rotations, want 1", n)
		}
		w.want(200, "ann", "/user")
		if got := w.payload(); got != `{"a": 1, "b": 2}` || b.live(old) {
			b.Errorf("the payload is %s, the old token lives: %v", got, b.live(old))
		}
	})
}

func TestALogoutThatFailsCanBeTriedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	store := &counted{Store: b.client}
	x := b.site(store)
	w := x.browser().login()
	store.failing("close")
	if a := w.want(503, "", "/logout"); a.Header.Get("Clear-Site-Data") != "" {
		t.Error("a logout that failed has the browser forget")
	}
	store.failing()
	w.want(200, "ann", "/user")
	w.want(200, "", "/logout")
	w.want(200, "", "/user")
}

func TestAMessageAfterLogoutIsAVisitors(t *testing.T) {
	t.Parallel()
	b := setup(t)
	x := b.site(b.client, func(c *sessionhttp.Config) { c.ClearSiteData = []string{} })
	x.handle("/bye", func(s *sessionhttp.Session, _ http.ResponseWriter, r *http.Request) error {
		return errors.Join(s.Set("dropped", 1), s.Logout(r.Context()), s.Set("flash", "bye"))
	})
	w := x.browser().login()
	old := w.token()
	if a := w.want(200, "", "/bye"); a.Header.Get("Clear-Site-Data") != "" {
		t.Errorf("Clear-Site-Data: %q", a.Header.Get("Clear-Site-Data"))
	}
	w.want(200, "", "/user")
	if got := w.payload(); got != `{"flash": "bye"}` || b.live(old) {
		t.Errorf("the payload is %s, the old token lives: %v", got, b.live(old))
	}
}

func TestRemember(t *testing.T) {
	t.Parallel()
	b := setup(t)
	x := b.site(b.client)
	maxAge := func(a answer) int {
		t.Helper()
		if len(a.Cookies()) != 1 {
			t.Fatalf("%d cookies", len(a.Cookies()))
		}
		return a.Cookies()[0].MaxAge
	}
	w := x.browser()
	if got := maxAge(w.want(200, "ok", "/login", "username", "ann", "password", password)); got != 0 {
		t.Errorf("Max-Age %d of a session that ends with the browser", got)
	}
	const forever = 400 * 24 * 60 * 60
	if got := maxAge(w.want(200, "ok", "/login", "username", "ann", "password", password, "remember", "on")); got != forever {
		t.Errorf("Max-Age %d of a session that is remembered, want %d", got, forever)
	}
	if got := maxAge(w.want(200, "", "/rotate")); got != forever {
		t.Errorf("Max-Age %d after rotating, want %d", got, forever)
	}
	if n := b.count("select expiresecs from pgsession.sessions"); n != 30*24*60*60 {
		t.Errorf("idle lifetime of %d seconds", n)
	}
}

func TestLegacyCookie(t *testing.T) {
	stores(t, func(b *bundle, store client.Store) {
		x := b.site(store, func(c *sessionhttp.Config) { c.LegacyCookie = "sessionid" })
		key := client.KeyOf("old-id")
		_, _, err := b.client.SessionOpen(b.Context(), client.OpenOptions{Username: "ann", Key: &key, Payload: json.RawMessage(`{"a": 1}`)})
		if err != nil {
			b.Fatal(err)
		}
		thief := x.browser()
		thief.plant(cookie, "old-id")
		thief.want(200, "", "/user")

		w := x.browser()
		w.plant("sessionid", "old-id")
		w.want(200, "ann", "/user")
		if w.cookie("sessionid") != "" || w.payload() != `{"a": 1}` || b.sessions() != 1 {
			b.Errorf("legacy cookie %q, payload %s, %d sessions", w.cookie("sessionid"), w.payload(), b.sessions())
		}
		w.want(200, "ann", "/user")

		late := x.browser()
		late.plant("sessionid", "old-id")
		late.want(200, "", "/user")
		late.plant("sessionid", strings.Repeat("x", 5000))
		late.want(200, "", "/user")
	})
}
