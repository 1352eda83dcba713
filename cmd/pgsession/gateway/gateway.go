// Package gateway serves sessions over HTTP, so that programs in any language, and proxies that ask before they forward a request
// (nginx auth_request, Traefik ForwardAuth, Caddy forward_auth), share one coherent cache.
//
//	POST   /v1/login          {username, password, expiresecs?}: opens a session
//	GET    /v1/session        the session that the request carries
//	PATCH  /v1/session        a JSON merge patch (RFC 7396) of its payload
//	DELETE /v1/session        ends it
//	GET    /v1/sessions       {sessions: […]}: all of its user, the newest first
//	DELETE /v1/sessions       ends these, but for the one that asks
//	DELETE /v1/sessions/{id}  ends one of these
//	GET    /healthz           200: the process runs
//	GET    /readyz            200: the cache's lease is held; 503: every answer comes from the database, or none does
//
// Ending what is not there is no error. With ?wait=true, ending is answered only once no process can serve what has ended. An
// anonymous session has no user and so no sessions beside itself: it is the only one in its list.
//
// A session's ETag names its state: payload, version and owner, not the time it has left. PATCH with If-Match changes that state or,
// where it is no longer the current one, nothing (412). GET with If-None-Match answers 304 as long as it is.
//
// A request carries its session's token as the cookie [CookieName], or as "Authorization: Bearer", which wins. What comes back is
// JSON, an error as {"error": {"code", "message"}}. No answer may be stored by a cache on the way.
package gateway

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"path"
	"time"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/listener"
)

// Sessions is what the gateway serves: a *listener.Cache.
type Sessions interface {
	client.Store

	// Lookup is SessionGet, and tells where the answer came from.
	Lookup(ctx context.Context, key client.Key, floor ...client.Floor) (client.Session, listener.Source, bool, error)

	// RevokeWait runs revoke in a transaction and returns once no process can serve any more what it has ended.
	RevokeWait(ctx context.Context, revoke func(tx *client.Client) error) error

	// Ready reports whether the lease is held, that is whether answers may come from memory.
	Ready() bool
}

// Options change what the gateway does. The zero value is ready to use.
type Options struct {
	// TrustedOrigins are origins ("https://app.example.com") whose pages may call the gateway although they are not its own.
	// Browsers send a cookie along with requests that another site's page makes; those are refused otherwise.
	TrustedOrigins []string

	// TrustedProxies are the networks of proxies that forward requests to the gateway. Where a request comes from one of them,
	// X-Forwarded-For says whose it is: a login's address, by which failed attempts are counted and which the list of sessions shows.
	// None: it is whoever is connected.
	TrustedProxies []netip.Prefix

	// MaxBody is the longest request body in bytes, zero: 1 MiB. What a payload may have is the database's setting payload_max.
	MaxBody int64

	// Timeout bounds a request's work, but not the waiting of DELETE ?wait=true. Zero: 15 s.
	Timeout time.Duration

	// Log receives failed requests at error level and all others at debug level, without their query, headers and bodies. nil:
	// nothing is logged.
	Log *slog.Logger
}

const (
	defaultMaxBody = 1 << 20
	defaultTimeout = 15 * time.Second
)

type gateway struct {
	sessions Sessions
	options  Options
	origins  *http.CrossOriginProtection
}

// New returns the gateway's handler. It fails if a trusted origin is not one. The handler is safe for concurrent use and starts no
// goroutine.
func New(sessions Sessions, o Options) (http.Handler, error) {
	if o.MaxBody <= 0 {
		o.MaxBody = defaultMaxBody
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	g := &gateway{sessions: sessions, options: o, origins: http.NewCrossOriginProtection()}
	for _, origin := range o.TrustedOrigins {
		if err := g.origins.AddTrustedOrigin(origin); err != nil {
			return nil, err
		}
	}
	return g.routes(), nil
}

// endpoint answers a request, or returns the error to answer with.
type endpoint func(http.ResponseWriter, *http.Request) error

// routes lists every path with its methods. GET serves HEAD too.
func (g *gateway) routes() http.Handler {
	mux := http.NewServeMux()
	route := func(pattern string, methods map[string]endpoint) {
		for method, e := range methods {
			mux.Handle(method+" "+pattern, g.handle(e))
		}
		mux.Handle(pattern, g.handle(refuseMethod(methods)))
	}
	route("/v1/login", map[string]endpoint{http.MethodPost: g.login})
	route("/v1/session", map[string]endpoint{http.MethodGet: g.read, http.MethodPatch: g.merge, http.MethodDelete: g.end})
	route("/v1/sessions", map[string]endpoint{http.MethodGet: g.list, http.MethodDelete: g.endOthers})
	route("/v1/sessions/{id}", map[string]endpoint{http.MethodDelete: g.endOne})
	route("/healthz", map[string]endpoint{http.MethodGet: g.health})
	route("/readyz", map[string]endpoint{http.MethodGet: g.ready})
	nothing := g.handle(func(http.ResponseWriter, *http.Request) error { return errNoSuchPath })
	mux.Handle("/", nothing)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path.Clean(r.URL.Path) != r.URL.Path {
			nothing.ServeHTTP(w, r) // rather than redirecting to what may have been meant
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// handle wraps an endpoint in what holds for all of them.
func (g *gateway) handle(e endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Add("Vary", "Authorization")
		h.Add("Vary", "Cookie")
		r.Body = http.MaxBytesReader(w, r.Body, g.options.MaxBody)

		err := g.refuseForgery(r)
		if err == nil {
			err = e(w, r)
		}
		if err == nil {
			g.options.Log.DebugContext(r.Context(), "request", "method", r.Method, "path", r.URL.Path, "took", time.Since(began))
			return
		}
		g.fail(w, r, err, began)
	})
}

// refuseForgery refuses what a page of another site makes a browser send along with the cookie. Whoever sends a bearer token is no
// such page; credentials of another scheme a browser may add by itself.
func (g *gateway) refuseForgery(r *http.Request) error {
	if _, ok := bearer(r.Header.Get("Authorization")); ok {
		return nil
	}
	if g.origins.Check(r) != nil {
		return errCrossOrigin
	}
	return nil
}

func (g *gateway) health(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

func (g *gateway) ready(w http.ResponseWriter, _ *http.Request) error {
	if !g.sessions.Ready() {
		return errNotReady
	}
	return writeJSON(w, http.StatusOK, map[string]string{"status": "ready"})
}
