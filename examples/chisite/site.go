// Package chisite is a site on chi whose sessions are pgsession's.
package chisite

import (
	"fmt"
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/client/sessionhttp"
)

// New returns the site. The middleware is one of chi's kind.
func New(store client.Store) (http.Handler, error) {
	sessions, err := sessionhttp.New(store, sessionhttp.Config{})
	if err != nil {
		return nil, err
	}
	r := chi.NewRouter()
	r.Use(middleware.Recoverer, sessions.Handler, middleware.Compress(5))
	r.Post("/login", logIn)
	r.Post("/cart", fill)
	r.With(sessionhttp.RequireUser).Get("/account", account)
	r.Get("/stream", stream)
	return r, nil
}

func logIn(w http.ResponseWriter, r *http.Request) {
	login, err := sessionhttp.From(r.Context()).Login(r.Context(), r.FormValue("username"), r.FormValue("password"))
	switch {
	case err != nil:
		sessionhttp.Fail(w, r, err)
	case login.Outcome != client.OK:
		http.Error(w, string(login.Outcome), http.StatusForbidden)
	default:
		http.Redirect(w, r, "/account", http.StatusSeeOther)
	}
}

func fill(w http.ResponseWriter, r *http.Request) {
	if err := sessionhttp.From(r.Context()).Set("cart", r.FormValue("item")); err != nil {
		sessionhttp.Fail(w, r, err)
	}
}

func account(w http.ResponseWriter, r *http.Request) {
	s := sessionhttp.From(r.Context())
	username, err := s.Username()
	var cart string
	if err == nil {
		_, err = s.Get("cart", &cart)
	}
	if err != nil {
		sessionhttp.Fail(w, r, err)
		return
	}
	fmt.Fprintf(w, "%s has %s", username, cart)
}

func stream(w http.ResponseWriter, r *http.Request) {
	if err := sessionhttp.From(r.Context()).Set("seen", true); err != nil {
		sessionhttp.Fail(w, r, err)
		return
	}
	for i := range 3 {
		fmt.Fprintf(w, "%d\n", i)
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
	}
}
