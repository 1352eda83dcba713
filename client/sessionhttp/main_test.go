package sessionhttp_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/client/sessionhttp"
	"github.com/pgsession/pgsession/internal/pgtest"
	"github.com/pgsession/pgsession/listener"
	"github.com/pgsession/pgsession/migrations"
)

func TestMain(m *testing.M) {
	pgtest.Main(m, pgtest.WithTemplate(func(ctx context.Context, conn *pgx.Conn) error {
		if _, err := migrations.Up(ctx, conn, migrations.Options{}); err != nil {
			return err
		}
		// The cheapest bcrypt there is: these tests are not about guessing passwords.
		_, err := conn.Exec(ctx, "insert into pgsession.settings values ('bcrypt_cost', '4'); select pgsession.change_start()",
			pgx.QueryExecModeSimpleProtocol)
		return err
	}))
}

const (
	// patience bounds what has to happen soon, on a machine that may be busy.
	patience = 30 * time.Second
	password = "correct horse battery staple"
	cookie   = "__Host-pgsession"
)

// bundle is a database with the users ann and bob, and a client.
type bundle struct {
	*testing.T
	db     *pgtest.DB
	pool   *pgxpool.Pool
	client *client.Client
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{T: t, db: pgtest.New(t)}
	b.pool = b.db.Pool(t)
	b.client = client.New(b.pool)
	for _, username := range []string{"ann", "bob"} {
		if _, err := b.client.UserCreate(t.Context(), username, password, client.UserOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// stores runs a test over a plain client and over a cache.
func stores(t *testing.T, test func(*bundle, client.Store)) {
	t.Helper()
	t.Parallel()
	t.Run("client", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		test(b, b.client)
	})
	t.Run("cache", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		test(b, b.cache())
	})
}

// cache opens a cache, which is closed with the test.
func (b *bundle) cache() *listener.Cache {
	b.Helper()
	cache, err := listener.Open(b.Context(), listener.Config{Pool: b.pool, SweepInterval: -1})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := cache.Close(ctx); err != nil {
			b.Error(err)
		}
	})
	return cache
}

// count returns what a query counts.
func (b *bundle) count(sql string, args ...any) int {
	b.Helper()
	var n int
	if err := b.pool.QueryRow(b.Context(), sql, args...).Scan(&n); err != nil {
		b.Fatal(err)
	}
	return n
}

// sessions returns how many sessions there are.
func (b *bundle) sessions() int {
	b.Helper()
	return b.count("select count(*) from pgsession.sessions")
}

// handler is a handler of these tests: it has the session at hand, and returns the error that the request
// fails with.
type handler func(s *sessionhttp.Session, w http.ResponseWriter, r *http.Request) error

// site is a site under test, on TLS: its cookies are Secure.
type site struct {
	*bundle
	mux *http.ServeMux
	url string
	srv *httptest.Server
}

// site starts a site over a store; each edit may change the middleware's configuration.
func (b *bundle) site(store client.Store, edit ...func(*sessionhttp.Config)) *site {
	b.Helper()
	var config sessionhttp.Config
	for _, change := range edit {
		change(&config)
	}
	mw, err := sessionhttp.New(store, config)
	if err != nil {
		b.Fatal(err)
	}
	x := &site{bundle: b, mux: http.NewServeMux()}
	x.start(mw.Handler(x.mux))
	b.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := mw.Close(ctx); err != nil {
			b.Error(err)
		}
	})
	x.handle("/get", func(s *sessionhttp.Session, w http.ResponseWriter, r *http.Request) error {
		var value any
		found, err := s.Get(r.FormValue("name"), &value)
		if err != nil {
			return err
		}
		if found {
			return writeJSON(w, value)
		}
		_, err = io.WriteString(w, "none")
		return err
	})
	x.handle("/set", func(s *sessionhttp.Session, _ http.ResponseWriter, r *http.Request) error {
		return s.Set(r.FormValue("name"), r.FormValue("value"))
	})
	x.handle("/user", func(s *sessionhttp.Session, w http.ResponseWriter, _ *http.Request) error {
		username, err := s.Username()
		if err != nil {
			return err
		}
		_, err = io.WriteString(w, username)
		return err
	})
	x.handle("/login", func(s *sessionhttp.Session, w http.ResponseWriter, r *http.Request) error {
		result, err := s.Login(r.Context(), r.FormValue("username"), r.FormValue("password"), sessionhttp.Remember(r.FormValue("remember") != ""))
		if err != nil {
			return err
		}
		if !result.Token.IsZero() {
			return errors.New("the handler got the token")
		}
		_, err = io.WriteString(w, string(result.Outcome))
		return err
	})
	x.handle("/logout", func(s *sessionhttp.Session, _ http.ResponseWriter, r *http.Request) error {
		return s.Logout(r.Context())
	})
	x.handle("/rotate", func(s *sessionhttp.Session, _ http.ResponseWriter, r *http.Request) error {
		return s.Rotate(r.Context())
	})
	return x
}

// start serves a handler.
func (x *site) start(h http.Handler) {
	x.Helper()
	x.srv = httptest.NewUnstartedServer(h)
	x.srv.EnableHTTP2 = true
	x.srv.StartTLS()
	x.Cleanup(x.srv.Close)
	x.url = x.srv.URL
}

// handle adds a page.
func (x *site) handle(pattern string, h handler) {
	x.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		if err := h(sessionhttp.From(r.Context()), w, r); err != nil {
			sessionhttp.Fail(w, r, err)
		}
	})
}

// browser keeps cookies.
type browser struct {
	*site
	client *http.Client
}

func (x *site) browser() *browser {
	x.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		x.Fatal(err)
	}
	own := *x.srv.Client()
	own.Jar = jar
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &browser{site: x, client: &own}
}

// answer is a response, read to its end.
type answer struct {
	*http.Response
	body string
}

// get asks for a page; keysAndValues are the query.
func (w *browser) get(path string, keysAndValues ...string) answer {
	w.Helper()
	query := url.Values{}
	for i := 0; i < len(keysAndValues); i += 2 {
		query.Set(keysAndValues[i], keysAndValues[i+1])
	}
	r := httptest.NewRequestWithContext(w.Context(), http.MethodGet, w.url+path+"?"+query.Encode(), nil)
	r.RequestURI = "" // a client's request has none
	return w.do(r)
}

// do sends a request. It may be called from any goroutine: a failure is an answer without a status.
func (w *browser) do(r *http.Request) answer {
	w.Helper()
	response, err := w.client.Do(r)
	if err != nil {
		w.Error(err)
		return answer{&http.Response{}, ""}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		w.Error(err)
	}
	return answer{response, string(body)}
}

// want asks for a page and checks the answer.
func (w *browser) want(status int, body, path string, keysAndValues ...string) answer {
	w.Helper()
	a := w.get(path, keysAndValues...)
	if a.StatusCode != status || body != "" && a.body != body {
		w.Errorf("%s %q: %d %q, want %d %q", path, keysAndValues, a.StatusCode, a.body, status, body)
	}
	return a
}

// login logs in as ann.
func (w *browser) login() *browser {
	w.Helper()
	w.want(200, "ok", "/login", "username", "ann", "password", password)
	return w
}

// token returns the token that the browser holds, "" for none.
func (w *browser) token() string { return w.cookie(cookie) }

func (w *browser) cookie(name string) string {
	w.Helper()
	for _, c := range w.client.Jar.Cookies(w.address()) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// plant puts a cookie into the browser.
func (w *browser) plant(name, value string) {
	w.Helper()
	w.client.Jar.SetCookies(w.address(), []*http.Cookie{{Name: name, Value: value, Path: "/", Secure: true}})
}

func (w *browser) address() *url.URL {
	w.Helper()
	u, err := url.Parse(w.url)
	if err != nil {
		w.Fatal(err)
	}
	return u
}

// key returns the key of the browser's session.
func (w *browser) key() client.Key {
	w.Helper()
	token, ok := client.ParseToken(w.token())
	if !ok {
		w.Fatal("the browser holds no token")
	}
	return token.Key()
}

// live reports whether a token opens a session in the database.
func (b *bundle) live(token string) bool {
	b.Helper()
	parsed, ok := client.ParseToken(token)
	if !ok {
		b.Fatalf("%q is no token", token)
	}
	_, found, err := b.client.SessionGet(b.Context(), parsed.Key())
	if err != nil {
		b.Fatal(err)
	}
	return found
}
