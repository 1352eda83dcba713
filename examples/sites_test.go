// Package examples tests the sites beside it.
package examples_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/examples/chisite"
	"github.com/pgsession/pgsession/examples/echosite"
	"github.com/pgsession/pgsession/examples/ginsite"
	"github.com/pgsession/pgsession/internal/pgtest"
	"github.com/pgsession/pgsession/migrations"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.TestMode)
	pgtest.Main(m, pgtest.WithTemplate(func(ctx context.Context, conn *pgx.Conn) error {
		if _, err := migrations.Up(ctx, conn, migrations.Options{}); err != nil {
			return err
		}
		_, err := conn.Exec(ctx, "insert into pgsession.settings values ('bcrypt_cost', '4')")
		return err
	}))
}

const password = "correct horse battery staple"

func TestSites(t *testing.T) {
	t.Parallel()
	for name, site := range map[string]func(client.Store) (http.Handler, error){
		"chi": chisite.New, "echo": echosite.New, "gin": ginsite.New,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := client.New(pgtest.New(t).Pool(t))
			if _, err := store.UserCreate(t.Context(), "ann", password, client.UserOptions{}); err != nil {
				t.Fatal(err)
			}
			visit(t, store, site)
		})
	}
}

func visit(t *testing.T, store client.Store, site func(client.Store) (http.Handler, error)) {
	t.Helper()
	v := newVisitor(t, store, site)
	v.want(http.MethodGet, "/account", nil, 401, "Please log in.\n")
	v.want(http.MethodGet, "/stream", nil, 200, "0\n1\n2\n")
	v.want(http.MethodPost, "/cart", url.Values{"item": {"an apple"}}, 200, "")
	v.want(http.MethodPost, "/login", url.Values{"username": {"ann"}, "password": {"wrong"}}, 403, "")
	v.want(http.MethodPost, "/login", url.Values{"username": {"ann"}, "password": {password}}, 303, "")
	v.want(http.MethodGet, "/account", nil, 200, "ann has an apple")

	away := newVisitor(t, away{store}, site)
	away.client.Jar = v.client.Jar
	away.want(http.MethodGet, "/account", nil, 503, "")
	away.want(http.MethodPost, "/cart", url.Values{"item": {"a pear"}}, 503, "")
}

// away is a store that cannot be read.
type away struct{ client.Store }

func (away) SessionGet(context.Context, client.Key, ...client.Floor) (client.Session, bool, error) {
	return client.Session{}, false, errors.New("the database is away")
}

// visitor is a browser at a site.
type visitor struct {
	t      *testing.T
	url    string
	client *http.Client
}

func newVisitor(t *testing.T, store client.Store, site func(client.Store) (http.Handler, error)) *visitor {
	t.Helper()
	handler, err := site(store)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	own := *server.Client()
	own.Jar = jar
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &visitor{t, server.URL, &own}
}

// want sends a form and checks the answer; body "" is any.
func (v *visitor) want(method, path string, form url.Values, status int, body string) {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := v.client.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != status || body != "" && string(got) != body {
		v.t.Errorf("%s %s: %d %q, %v; want %d %q", method, path, response.StatusCode, got, err, status, body)
	}
}
