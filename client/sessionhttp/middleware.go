package sessionhttp

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/pgsession/pgsession/client"
)

// Middleware gives requests their sessions. It is safe for concurrent use.
type Middleware struct {
	store   client.Store
	config  Config
	touches *touches // nil where the store touches what it serves by itself
}

// New makes middleware over a store, which it borrows. It fails on a configuration that browsers or the
// store would refuse, and asks neither.
func New(store client.Store, config Config) (*Middleware, error) {
	if store == nil {
		return nil, errors.New("sessionhttp: the store is nil")
	}
	if err := config.complete(); err != nil {
		return nil, fmt.Errorf("sessionhttp: %w", err)
	}
	m := &Middleware{store: store, config: config}
	// What can forget remembers: a cache. It moves the deadlines of what it serves by itself, and those in
	// its answers may be long out of date.
	if _, caches := store.(interface{ Forget(keys ...client.Key) }); !caches {
		m.touches = newTouches(store, config.Timeout, config.Logger)
	}
	return m, nil
}

// Close waits until the idle deadlines of the sessions served last have been moved, or ctx ends, and then
// returns its error. To be called once the server has shut down, before the store is closed; over a
// listener.Cache, which does that itself, there is nothing to wait for.
func (m *Middleware) Close(ctx context.Context) error {
	if m.touches == nil {
		return nil
	}
	return m.touches.wait(ctx)
}

// bound limits a call of the store.
func (m *Middleware) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, m.config.Timeout)
}

type contextKey struct{}

// Handler wraps the handlers of a site. Put it outside of whatever writes to the response, compression
// for one, or in its place among chi's or echo's middleware.
func (m *Middleware) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rw := &response{ResponseWriter: w}
		rw.session.mw, rw.session.request = m, r
		rw.request = r.WithContext(context.WithValue(r.Context(), contextKey{}, &rw.session))
		defer rw.abandon()
		if err := m.config.CrossOrigin.Check(r); err != nil {
			m.fail(rw, rw.request, fmt.Errorf("%w: %w", ErrCrossOrigin, err))
		} else {
			next.ServeHTTP(rw, rw.request)
		}
		rw.finish()
	})
}

// From returns the session of the request that ctx belongs to. It reads nothing yet. Without the
// middleware around the handler it panics.
func From(ctx context.Context) *Session {
	s, ok := ctx.Value(contextKey{}).(*Session)
	if !ok {
		panic("sessionhttp: no session in the context: the handler is not wrapped by Middleware.Handler")
	}
	return s
}

// RequireUser lets a request through to next if a user is logged in, and answers it with [ErrAnonymous]
// otherwise, or with the error where that cannot be told: see [Config.ErrorHandler], which may redirect to
// a page to log in. It goes inside of [Middleware.Handler].
func RequireUser(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		username, err := From(r.Context()).Username()
		if err == nil && username == "" {
			err = ErrAnonymous
		}
		if err != nil {
			Fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}
