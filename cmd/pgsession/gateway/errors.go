package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pgsession/pgsession/client"
)

// problem is an error as the caller is told it: a status, a code for programs, a message for people. It holds no secret.
type problem struct {
	status  int
	code    string
	message string
	headers map[string]string
}

func (p *problem) Error() string { return p.code + ": " + p.message }

// The problems that always read the same.
var (
	errNoSession = &problem{http.StatusUnauthorized, "no_session", "there is no session, or it has ended",
		map[string]string{"WWW-Authenticate": "Bearer"}}
	errCrossOrigin = &problem{http.StatusForbidden, "cross_origin", "a page of another origin may not do this", nil}
	errNoSuchPath  = &problem{http.StatusNotFound, "not_found", "there is nothing at this path", nil}
	errMediaType   = &problem{http.StatusUnsupportedMediaType, "unsupported_media_type",
		"the body has to be application/json or, to change a session, application/merge-patch+json", nil}
	errBodyTooLarge = &problem{http.StatusRequestEntityTooLarge, "body_too_large", "the body is too large", nil}
	errIfNoneMatch  = badRequest("If-None-Match is for reading; to change only what you have seen, send If-Match")
	errPrecondition = &problem{http.StatusPreconditionFailed, "precondition_failed",
		"the session is not, or no longer, in the state that If-Match names: read it again; nothing was changed", nil}
	errNotReady = &problem{http.StatusServiceUnavailable, "not_ready",
		"the lease is not held: sessions are read from the database as long as it answers", nil}
	errUnavailable = &problem{http.StatusServiceUnavailable, "unavailable", "the database is away, try again later",
		map[string]string{"Retry-After": "1"}}
	errInternal = &problem{http.StatusInternalServerError, "internal", "something went wrong; the log says what", nil}
)

func badRequest(message string) *problem {
	return &problem{http.StatusBadRequest, "bad_request", message, nil}
}

// refuseMethod answers a method that a path does not have.
func refuseMethod(methods map[string]endpoint) endpoint {
	var allowed []string
	for method := range methods {
		allowed = append(allowed, method)
		if method == http.MethodGet {
			allowed = append(allowed, http.MethodHead)
		}
	}
	slices.Sort(allowed)
	allow := strings.Join(allowed, ", ")
	p := &problem{http.StatusMethodNotAllowed, "method_not_allowed", "this path has " + allow, map[string]string{"Allow": allow}}
	return func(http.ResponseWriter, *http.Request) error { return p }
}

// problemOf says what an error means to the caller.
func problemOf(err error) *problem {
	var p *problem
	var refused *client.Error
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, client.ErrGone):
		return errNoSession
	case errors.Is(err, client.ErrConflict):
		return errPrecondition
	case errors.As(err, &refused) && refused.Limit != "":
		return &problem{http.StatusRequestEntityTooLarge, "payload_too_large", refused.Message + ": " + refused.Detail, nil}
	case errors.As(err, &refused) && errors.Is(err, client.ErrInvalid):
		return &problem{http.StatusBadRequest, "invalid", refused.Message, nil}
	case client.Unavailable(err):
		return errUnavailable
	default:
		return errInternal
	}
}

// fail answers with an error, and logs it if it is not the caller's own.
func (g *gateway) fail(w http.ResponseWriter, r *http.Request, err error, began time.Time) {
	p := problemOf(err)
	level := slog.LevelDebug
	if p.status >= http.StatusInternalServerError && p != errNotReady && r.Context().Err() == nil {
		level = slog.LevelError
	}
	g.options.Log.Log(context.WithoutCancel(r.Context()), level, "request failed",
		"method", r.Method, "path", r.URL.Path, "status", p.status, "code", p.code, "took", time.Since(began), "error", err)
	for name, value := range p.headers {
		w.Header().Set(name, value)
	}
	body := map[string]map[string]string{"error": {"code": p.code, "message": p.message}}
	_ = writeJSON(w, p.status, body) // whoever asked is gone if this fails
}
