package sessionhttp

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/pgsession/pgsession/client"
)

var (
	// ErrAnonymous is returned where a user is needed and nobody is logged in.
	ErrAnonymous = errors.New("nobody is logged in")
	// ErrResponseStarted is returned by what changes the session once the response's header is out, or its
	// request is over: no cookie can be sent any more, and nobody told if a change cannot be saved.
	ErrResponseStarted = errors.New("the response has begun: the session can no longer be changed")
	// ErrValue is returned where a member of the payload does not fit the Go value that it is to become, or
	// was to be made of. The error around it says why.
	ErrValue = errors.New("the value does not fit")
	// ErrCrossOrigin is what a request fails with that a page of another origin has made the browser send.
	ErrCrossOrigin = errors.New("a page of another origin may not do this")
)

// Fail answers a request with an error, by [Config.ErrorHandler]. It is for the errors that a Session's
// methods return, and for a handler that wants [ErrAnonymous] answered as [RequireUser] does.
func Fail(w http.ResponseWriter, r *http.Request, err error) { From(r.Context()).mw.fail(w, r, err) }

// AnswerError is the default of [Config.ErrorHandler]. It answers with a line of plain text that tells
// nothing of the error but its kind, and the status
//
//	401  nobody is logged in (ErrAnonymous), or the session has ended (client.ErrGone)
//	403  ErrCrossOrigin, client.ErrNotActive, client.ErrNoUser
//	409  client.ErrConflict: others changed the session all the time
//	503  the store is away, with Retry-After
//	500  mistakes of the site's: ErrValue, ErrResponseStarted, client.ErrInvalid (a payload that is too large)
func AnswerError(w http.ResponseWriter, _ *http.Request, err error) {
	status := statusOf(err)
	message := http.StatusText(status)
	switch {
	case status == http.StatusUnauthorized && errors.Is(err, client.ErrGone):
		message = "Your session has ended. Nothing was saved: please log in again."
	case status == http.StatusUnauthorized:
		message = "Please log in."
	case status == http.StatusConflict:
		message = "Your session was changed at the same time. Nothing was saved: please try again."
	case status == http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1")
		message = "Sessions are not available at the moment. Please try again."
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, message, status)
}

// statusOf says how an error is answered.
func statusOf(err error) int {
	switch {
	case errors.Is(err, ErrAnonymous), errors.Is(err, client.ErrGone):
		return http.StatusUnauthorized
	case errors.Is(err, ErrCrossOrigin), errors.Is(err, client.ErrNotActive), errors.Is(err, client.ErrNoUser):
		return http.StatusForbidden
	case errors.Is(err, client.ErrConflict):
		return http.StatusConflict
	case errors.Is(err, ErrValue), errors.Is(err, ErrResponseStarted), errors.Is(err, client.ErrInvalid), !client.Unavailable(err):
		return http.StatusInternalServerError
	}
	return http.StatusServiceUnavailable
}

// fail logs an error and has it answered.
func (m *Middleware) fail(w http.ResponseWriter, r *http.Request, err error) {
	level := slog.LevelDebug
	if statusOf(err) >= http.StatusInternalServerError && r.Context().Err() == nil {
		level = slog.LevelError
	}
	m.config.Logger.Log(r.Context(), level, "pgsession: request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	m.config.ErrorHandler(w, r, err)
}
