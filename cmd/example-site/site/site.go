// Package site is the pages of the example: accounts that are activated by a key, logging in and out, a notepad that two tabs can
// change at once, and a list of one's own sessions. It shows how a site is built on package sessionhttp; the pages are plain forms
// and need no script.
package site

import (
	"context"
	"embed"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"

	"github.com/pgsession/pgsession/client"
)

// Accounts is what the pages need of the users: a *client.Client.
type Accounts interface {
	UserCreate(ctx context.Context, username, password string, o client.UserOptions) (string, error)
	UserActivate(ctx context.Context, username, acknowledgement string) (bool, error)
	UserChangePassword(ctx context.Context, username, old, password string, o client.PasswordOptions) (client.Outcome, error)
}

// Config is what the pages work over. Sessions and Accounts are required.
type Config struct {
	Sessions client.Store // a *listener.Cache, which is borrowed
	Accounts Accounts

	// PlainCookies tells of which requests the client may log in although it cannot keep a Secure cookie over plain HTTP: see
	// [Site]. To be true only where nobody can listen, as of [OnLoopback]. nil: of none.
	PlainCookies func(*http.Request) bool

	// TrustedProxies are the networks of proxies whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix

	// Process is told at the foot of each page, to see which process has answered. Empty: nothing is.
	Process string

	// Log is told of requests that failed because of the database. nil: nobody is.
	Log *slog.Logger
}

// Site is the pages. It is safe for concurrent use.
//
// Its cookie is "__Host-pgsession", with all that browsers can do for it. Browsers take that over HTTPS, and over plain HTTP from
// this machine, where nobody else can listen. Programs with a plain cookie jar do not; with Config.PlainCookies they get one without
// the Secure attribute. A browser never does: it tells by Sec-Fetch-Site, a header that no page can set, that it takes the address
// for a safe one.
type Site struct {
	config   Config
	pages    pages
	sessions http.Handler
	plain    http.Handler // nil without Config.PlainCookies
}

//go:embed static
var static embed.FS

// New makes the pages.
func New(config Config) (*Site, error) {
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	pages, err := parsePages()
	if err != nil {
		return nil, err
	}
	s := &Site{config: config, pages: pages}
	if s.sessions, err = s.withSessions(false); err != nil {
		return nil, err
	}
	if config.PlainCookies != nil {
		if s.plain, err = s.withSessions(true); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// ServeHTTP answers a request.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	handler := s.sessions
	if s.plain != nil && r.TLS == nil && r.Header.Get("Sec-Fetch-Site") == "" && s.config.PlainCookies(r) {
		handler = s.plain
	}
	handler.ServeHTTP(w, r)
}

// OnLoopback reports whether a request to a server on loopback comes from this machine, and not from elsewhere through a proxy here
// that says so. Anybody may write these headers, but gains nothing by it.
func OnLoopback(r *http.Request) bool {
	for _, line := range r.Header.Values("X-Forwarded-For") {
		for hop := range strings.SplitSeq(line, ",") {
			if address, err := netip.ParseAddr(strings.TrimSpace(hop)); err != nil || !address.IsLoopback() {
				return false
			}
		}
	}
	return r.Header.Get("X-Forwarded-Proto") != "https"
}

// routes lists the pages. Reading changes nothing: what does is a POST, and refused if another site's page makes it.
func (s *Site) routes() http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range map[string]handler{
		"GET /{$}":            s.showNotes,
		"POST /notes":         s.addNote,
		"POST /notes/delete":  s.deleteNote,
		"GET /register":       s.showRegister,
		"POST /register":      s.register,
		"GET /activate":       s.showActivate,
		"POST /activate":      s.activate,
		"GET /login":          s.showLogin,
		"POST /login":         s.login,
		"GET /logout":         s.showLogout,
		"POST /logout":        s.logout,
		"GET /account":        s.user(s.showAccount),
		"POST /account":       s.user(s.changePassword),
		"GET /sessions":       s.user(s.showSessions),
		"POST /sessions":      s.user(s.endOthers),
		"POST /sessions/{id}": s.user(s.endSession),
		"/":                   s.notFound,
	} {
		mux.Handle(pattern, s.handle(h))
	}
	files := http.FileServerFS(static)
	mux.HandleFunc("GET /static/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=300")
		files.ServeHTTP(w, r)
	})
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	return mux
}
