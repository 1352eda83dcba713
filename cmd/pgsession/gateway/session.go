package gateway

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/pgsession/pgsession/listener"
)

const (
	mediaJSON       = "application/json"
	mediaMergePatch = "application/merge-patch+json"
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
	return writeSession(w, &session, source)
}

// merge answers PATCH /v1/session.
func (g *gateway) merge(w http.ResponseWriter, r *http.Request) error {
	key, ok := keyOf(r)
	if !ok {
		return errNoSession
	}
	if r.Header.Get("If-Match") != "" {
		return errConditional // ignoring it would change what the caller wanted left alone
	}
	patch, err := readBody(r, mediaJSON, mediaMergePatch)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), g.options.Timeout)
	defer cancel()
	session, err := g.sessions.SessionMerge(ctx, key, json.RawMessage(patch))
	if err != nil {
		return err
	}
	return writeSession(w, &session, listener.FromDatabase)
}

// end answers DELETE /v1/session. Ending what is not there is no error.
func (g *gateway) end(w http.ResponseWriter, r *http.Request) error {
	wait, err := waitAsked(r)
	if err != nil {
		return err
	}
	if key, ok := keyOf(r); ok {
		if wait {
			// How long it takes is the lease's business; the server's own limit on an answer's time is not meant for it.
			_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
			_, err = g.sessions.SessionCloseWait(r.Context(), key)
		} else {
			ctx, cancel := context.WithTimeout(r.Context(), g.options.Timeout)
			defer cancel()
			_, err = g.sessions.SessionClose(ctx, key)
		}
		if err != nil {
			return err
		}
	}
	_, byBearer := bearer(r.Header.Get("Authorization"))
	if _, err := r.Cookie(CookieName); err == nil && !byBearer { // with both, the cookie may be another session's
		clearCookie(w)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// waitAsked reads the query's wait.
func waitAsked(r *http.Request) (bool, error) {
	text := r.URL.Query().Get("wait")
	if text == "" {
		return false, nil
	}
	wait, err := strconv.ParseBool(text)
	if err != nil {
		return false, badRequest("wait is true or false")
	}
	return wait, nil
}
