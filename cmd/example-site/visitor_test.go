package main

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pgsession/pgsession/internal/pgtest"
)

// visitor is somebody with a plain cookie jar.
type visitor struct {
	t       *testing.T
	home    *url.URL
	client  *http.Client
	headers map[string]string
}

func newVisitor(t *testing.T, home *url.URL) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &visitor{t: t, home: home, client: &http.Client{Jar: jar, Transport: transport}, headers: map[string]string{}}
}

// page is the page that a request ended at.
type page struct {
	status int
	path   string
	header http.Header
	text   string
}

func (v *visitor) get(path string) page { return v.ask(http.MethodGet, path, nil) }

// post sends a form, its fields as name and value, and follows where that leads.
func (v *visitor) post(path string, fields ...string) page {
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	return v.ask(http.MethodPost, path, form)
}

func (v *visitor) ask(method, path string, form url.Values) page {
	v.t.Helper()
	r, err := http.NewRequest(method, v.home.JoinPath(path).String(), strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range v.headers {
		r.Header.Set(name, value)
	}
	response, err := v.client.Do(r)
	if err != nil {
		v.t.Errorf("%s %s: %v", method, path, err)
		return page{}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		v.t.Errorf("%s %s: %v", method, path, err)
	}
	return page{response.StatusCode, response.Request.URL.Path, response.Header, string(text)}
}

// cookie is the value of a cookie in the jar.
func (v *visitor) cookie(name string) string {
	for _, c := range v.client.Jar.Cookies(v.home) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// is compares where a request ended.
func (p page) is(t *testing.T, status int, path string, says ...string) {
	t.Helper()
	if p.status != status || p.path != path {
		t.Errorf("status %d at %s, wanted %d at %s\n%s", p.status, p.path, status, path, p.text)
	}
	for _, text := range says {
		if !strings.Contains(html.UnescapeString(p.text), text) {
			t.Errorf("%s does not say %q:\n%s", p.path, text, p.text)
		}
	}
}

// element is the text of the element with an id.
func (p page) element(id string) string {
	m := regexp.MustCompile(` id="` + id + `"[^>]*>([^<]*)<`).FindStringSubmatch(p.text)
	if m == nil {
		return ""
	}
	return html.UnescapeString(m[1])
}

// isSignedOut waits until both of two processes that take turns send the visitor to log in.
func (v *visitor) isSignedOut() {
	v.t.Helper()
	pgtest.Eventually(v.t, deadline, func() bool {
		first, second := v.get("/account"), v.get("/account")
		return first.path == "/login" && second.path == "/login"
	}, "every process knows that the session has ended")
}

const password = "correct horse battery"

// deadline is how long a change may take to be known everywhere: the lease, and what a slow machine adds.
const deadline = 10 * time.Second

// signUp registers, activates and logs in.
func (v *visitor) signUp(username string) {
	v.t.Helper()
	p := v.post("/register", "username", username, "password", password)
	v.post("/activate", "username", username, "acknowledgement", p.element("acknowledgement"))
	v.post("/login", "username", username, "password", password).is(v.t, 200, "/account", username)
}
