package sessionhttp_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/client/sessionhttp"
)

func TestCookieAttributes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, c := range map[string]struct {
		edit func(*sessionhttp.Config)
		want string // after the token
		name string
	}{
		"default":     {func(*sessionhttp.Config) {}, "; Path=/; HttpOnly; Secure; SameSite=Lax", cookie},
		"partitioned": {func(c *sessionhttp.Config) { c.Partitioned = true }, "; Path=/; HttpOnly; Secure; SameSite=Lax; Partitioned", cookie},
		"strict":      {func(c *sessionhttp.Config) { c.SameSite = http.SameSiteStrictMode }, "; Path=/; HttpOnly; Secure; SameSite=Strict", cookie},
		"insecure":    {func(c *sessionhttp.Config) { c.Insecure = true }, "; Path=/; HttpOnly; SameSite=Lax", "pgsession"},
		"named":       {func(c *sessionhttp.Config) { c.CookieName = "sid" }, "; Path=/; HttpOnly; Secure; SameSite=Lax", "sid"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := (&bundle{T: t, db: b.db, pool: b.pool, client: b.client}).site(b.client, c.edit)
			w := x.browser()
			a := w.want(200, "", "/set", "name", "a", "value", "1")
			if got, want := a.Header.Get("Set-Cookie"), c.name+"="+w.cookie(c.name)+c.want; got != want {
				t.Errorf("Set-Cookie: %s, want %s", got, want)
			}
			if _, ok := client.ParseToken(w.cookie(c.name)); !ok {
				t.Error("the cookie holds no token")
			}
			a = w.want(200, "", "/logout")
			if got, want := a.Header.Get("Set-Cookie"), c.name+"="+strings.Replace(c.want, "; Path=/", "; Path=/; Max-Age=0", 1); got != want {
				t.Errorf("Set-Cookie at logout: %s, want %s", got, want)
			}
		})
	}
}

func TestBadConfiguration(t *testing.T) {
	t.Parallel()
	store := client.New(nil)
	for want, config := range map[string]sessionhttp.Config{
		"cannot be a cookie's name": {CookieName: "a b"},
		"cookie of ours":            {LegacyCookie: cookie},
		"browsers refuse it":        {Insecure: true, CookieName: "__Host-sid"},
		"Partitioned":               {Insecure: true, Partitioned: true},
		"SameSite None":             {Insecure: true, SameSite: http.SameSiteNoneMode},
		"has to be Lax":             {SameSite: http.SameSiteDefaultMode},
		"Config.Idle of -1s":        {Idle: -time.Second},
		"Config.Idle of 1.5s":       {Idle: 1500 * time.Millisecond},
		"Config.RememberIdle of":    {RememberIdle: 1 << 62 / 1e9 * 1e9},
		"are the same":              {Idle: time.Hour, RememberIdle: time.Hour},
		"Timeout is negative":       {Timeout: -1},
		"ClearSiteData":             {ClearSiteData: []string{"cookie"}},
		"TrustedOrigins":            {TrustedOrigins: []string{"example.com/path"}},
		"add them to that":          {TrustedOrigins: []string{"https://example.com"}, CrossOrigin: http.NewCrossOriginProtection()},
	} {
		if _, err := sessionhttp.New(store, config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New: error %v, want one that says %q", err, want)
		}
	}
	if _, err := sessionhttp.New(nil, sessionhttp.Config{}); err == nil {
		t.Error("New without a store is no error")
	}
}

// What is no token opens nothing, and asks the database nothing.
func TestMalformedCookies(t *testing.T) {
	t.Parallel()
	b := setup(t)
	store := &counted{Store: b.client}
	x := b.site(store, func(c *sessionhttp.Config) { c.ReadYourWrites = true })
	w := x.browser().login()
	token := w.token()
	other := x.browser().login().token()
	store.gets.Store(0)
	ask := func(header string) answer {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, x.url+"/user", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Cookie", header)
		return x.browser().do(r)
	}
	for name, header := range map[string]string{
		"empty":     cookie + "=",
		"short":     cookie + "=" + token[1:],
		"long":      cookie + "=" + token + "A",
		"padded":    cookie + "=" + token + "=",
		"quoted":    cookie + `="` + token[:42] + `"`,
		"alphabet":  cookie + "=" + strings.Repeat("+", 44),
		"oversized": cookie + "=" + strings.Repeat("A", 100_000),
		"two":       cookie + "=" + token + "; " + cookie + "=" + other,
		"two, made": cookie + "=" + client.NewToken("").Reveal() + "; " + cookie + "=" + token,
		"its key":   cookie + "=" + client.KeyOf(token).String(),
		"lowercase": strings.ToLower(cookie) + "=" + token,
	} {
		if a := ask(header); a.StatusCode != http.StatusOK || a.body != "" {
			t.Errorf("%s: %d %q", name, a.StatusCode, a.body)
		}
	}
	if n := store.gets.Load(); n != 0 {
		t.Errorf("%d queries", n)
	}
	for name, header := range map[string]string{
		"the same twice":     cookie + "=" + token + "; " + cookie + "=" + token,
		"beside nonsense":    cookie + "=x; " + cookie + "=" + token,
		"a floor that's bad": cookie + "=" + token + "; " + cookie + "-floor=" + strings.Repeat("_", 32),
	} {
		if a := ask(header); a.body != "ann" {
			t.Errorf("%s: %d %q", name, a.StatusCode, a.body)
		}
	}
}

func TestCrossSiteRequestsAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	open := http.NewCrossOriginProtection()
	open.AddInsecureBypassPattern("/set")
	protected := b.site(b.client, func(c *sessionhttp.Config) { c.TrustedOrigins = []string{"https://app.example.com"} })
	bypassed := b.site(b.client, func(c *sessionhttp.Config) { c.CrossOrigin = open })
	for name, c := range map[string]struct {
		site   *site
		method string
		header map[string]string
		want   int
	}{
		"another site's form":   {protected, http.MethodPost, map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		"a neighbour's form":    {protected, http.MethodPost, map[string]string{"Sec-Fetch-Site": "same-site"}, 403},
		"an old browser's":      {protected, http.MethodPost, map[string]string{"Origin": "https://evil.example"}, 403},
		"its own form":          {protected, http.MethodPost, map[string]string{"Sec-Fetch-Site": "same-origin"}, 200},
		"a trusted site's form": {protected, http.MethodPost, map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://app.example.com"}, 200},
		"a link":                {protected, http.MethodGet, map[string]string{"Sec-Fetch-Site": "cross-site"}, 200},
		"no browser":            {protected, http.MethodPost, nil, 200},
		"a path let through":    {bypassed, http.MethodPost, map[string]string{"Sec-Fetch-Site": "cross-site"}, 200},
	} {
		w := c.site.browser()
		r, err := http.NewRequestWithContext(t.Context(), c.method, c.site.url+"/set?name=a&value=1", nil)
		if err != nil {
			t.Fatal(err)
		}
		for key, value := range c.header {
			r.Header.Set(key, value)
		}
		if a := w.do(r); a.StatusCode != c.want || (w.token() != "") != (c.want == 200) {
			t.Errorf("%s: %d, a token: %v; want %d", name, a.StatusCode, w.token() != "", c.want)
		}
	}
}

// lines gathers a log.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestASessionIsNotPrinted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	x := b.site(b.client)
	var printed string
	x.handle("/print", func(s *sessionhttp.Session, _ http.ResponseWriter, r *http.Request) error {
		if err := s.Rotate(r.Context()); err != nil {
			return err
		}
		printed = fmt.Sprintf("%v %+v %#v %s %d", s, s, s, s, s)
		return nil
	})
	w := x.browser().login()
	w.want(200, "", "/print")
	if want := strings.TrimSpace(strings.Repeat("[session] ", 5)); printed != want {
		t.Errorf("printed as %s, want %s", printed, want)
	}
}

func TestNoSecretIsLogged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var log lines
	store := &counted{Store: b.client}
	x := b.site(store, func(c *sessionhttp.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	w := x.browser()
	w.want(200, "", "/set", "name", "a", "value", "payload-secret")
	tokens := []string{w.token()}
	for _, op := range []string{"login", "rotate", "save", "close", "get", "merge", "*"} {
		store.failing(op)
		for _, path := range []string{"/login", "/user", "/set", "/rotate", "/logout"} {
			w.get(path, "username", "ann", "password", password, "name", "a", "value", "payload-secret")
			if token := w.token(); token != "" {
				tokens = append(tokens, token)
			}
		}
	}
	text := log.String()
	if !strings.Contains(text, errAway.Error()) || !strings.Contains(text, "level=ERROR") {
		t.Errorf("nothing is logged of the store that was away: %s", text)
	}
	for _, secret := range append(tokens, password, "payload-secret") {
		if strings.Contains(text, secret) {
			t.Errorf("a secret is logged: %s", text)
		}
	}
}
