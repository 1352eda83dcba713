package gateway

import (
	"context"
	"net/http"
)

// read answers GET /v1/session.
func (g *gateway) read(w http.ResponseWriter, r *http.Request) error {
	key, ok := keyOf(r)
	if !ok {
		return errNoSession
	}
	ctx, cancel := context.WithTimeout(r.Context(), g.options.Timeout)
	defer cancel()
	session, source, ok, err := g.sessions.Lookup(ctx, key)
	switch {
	case err != nil:
		return err
	case !ok:
		return errNoSession
	}
	// A condition that cannot be read is none: the whole answer is never wrong.
	if seen, err := parseCondition(r.Header, "If-None-Match"); err == nil && seen != nil && seen.matchesWeakly(&session) {
		describe(w.Header(), &session)
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return writeSession(w, &session, source)
}

// end answers DELETE /v1/session. Ending what is not there is no error.
func (g *gateway) end(w http.ResponseWriter, r *http.Request) error {
	wait, err := waitAsked(r)
	if err != nil {
		return err
	}
	if key, ok := keyOf(r); ok {
		err := g.revoke(w, r, wait, func(ctx context.Context, s closer) error {
			_, err := s.SessionClose(ctx, key)
			return err
		})
		if err != nil {
			return err
		}
	}
	forgetCookie(w, r)
	w.WriteHeader(http.StatusNoContent)
	return nil
}
