package site

import (
	"errors"
	"net/http"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/client/sessionhttp"
)

// maxForm is how many bytes a form may have.
const maxForm = 64 << 10

// handler answers a request, or returns the error to answer with.
type handler func(http.ResponseWriter, *http.Request) error

// errForm is a form that cannot be read.
var errForm = errors.New("the form cannot be read")

// withSessions wraps the pages into the middleware, with one kind of cookie or the other.
func (s *Site) withSessions(insecure bool) (http.Handler, error) {
	sessions, err := sessionhttp.New(s.config.Sessions, sessionhttp.Config{
		Insecure:       insecure,
		ReadYourWrites: true, // the next page may come from another process
		TrustedProxies: s.config.TrustedProxies,
		ErrorHandler:   s.answerError,
		Logger:         s.config.Log,
	})
	if err != nil {
		return nil, err
	}
	return sessions.Handler(s.routes()), nil
}

// handle reads a request's form and has an error answered.
func (s *Site) handle(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store") // the back button, too, shows nothing of a session that has ended
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		err := r.ParseForm()
		if err != nil {
			err = errors.Join(errForm, err)
		} else {
			err = h(w, r)
		}
		if err != nil {
			sessionhttp.Fail(w, r, err)
		}
	})
}

// user lets only users through.
func (s *Site) user(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		username, err := sessionhttp.From(r.Context()).Username()
		if err == nil && username == "" {
			err = sessionhttp.ErrAnonymous
		}
		if err != nil {
			return err
		}
		return h(w, r)
	}
}

// seeOther has the browser get another page, so that reloading it repeats nothing.
func seeOther(w http.ResponseWriter, r *http.Request, path string) error {
	http.Redirect(w, r, path, http.StatusSeeOther)
	return nil
}

func (s *Site) notFound(w http.ResponseWriter, r *http.Request) error {
	return s.show(w, r, http.StatusNotFound, "error", page{Title: "Not found", Data: "There is no such page."})
}

// answerError answers what went wrong with a page. Who has to log in first is sent there.
func (s *Site) answerError(w http.ResponseWriter, r *http.Request, err error) {
	w.Header().Set("Cache-Control", "no-store")
	switch {
	case errors.Is(err, sessionhttp.ErrAnonymous):
		_ = seeOther(w, r, "/login?notice=first")
	case errors.Is(err, client.ErrGone):
		_ = seeOther(w, r, "/login?notice=ended")
	case errors.Is(err, sessionhttp.ErrCrossOrigin):
		s.showError(w, http.StatusForbidden, "Refused", "The page that sent this form belongs to another site. Nothing was changed.")
	case errors.Is(err, errForm):
		s.showError(w, http.StatusBadRequest, "Not understood", "The form could not be read, or it is too long. Nothing was changed.")
	case errors.Is(err, client.ErrConflict):
		s.showError(w, http.StatusConflict, "Try again", "This was being changed elsewhere all the time. Nothing was changed here.")
	default:
		w.Header().Set("Retry-After", "2")
		s.showError(w, http.StatusServiceUnavailable, "Not available", "That did not work just now. Please try again in a moment.")
	}
}
