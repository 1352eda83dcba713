package site

import (
	"errors"
	"net/http"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/client/sessionhttp"
)

func (s *Site) showAccount(w http.ResponseWriter, r *http.Request) error {
	return s.show(w, r, http.StatusOK, "account", page{Title: "Your account"})
}

// changePassword sets another password. The database ends the user's other sessions by itself; this one goes on, with a new token.
func (s *Site) changePassword(w http.ResponseWriter, r *http.Request) error {
	session := sessionhttp.From(r.Context())
	current, _, err := session.Current()
	if err != nil {
		return err
	}
	p := page{Title: "Your account"}
	old, password := r.PostFormValue("old"), r.PostFormValue("password")
	switch {
	case old == "":
		p.Form.wrong("old", "Enter your current password.")
	case len(old) > passwordMost:
		p.Form.wrong("old", "This is not your current password.")
	}
	p.Form.wrong("password", checkPassword(password, current.Username))
	if len(p.Form.Errors) > 0 {
		return s.show(w, r, http.StatusUnprocessableEntity, "account", p)
	}
	outcome, err := s.config.Accounts.UserChangePassword(r.Context(), current.Username, old, password,
		client.PasswordOptions{Keep: &current.Key, Origin: session.Origin()})
	if err != nil && !errors.Is(err, client.ErrInvalid) {
		return err
	}
	status := http.StatusUnprocessableEntity
	switch {
	case err != nil:
		p.Form.wrong("password", "This password cannot be used.")
	case outcome == client.Throttled:
		status = http.StatusTooManyRequests
		p.Form.wrong("", "Too many failed attempts. Try again later.")
	case outcome != client.OK:
		p.Form.wrong("old", "This is not your current password.")
	}
	if len(p.Form.Errors) > 0 {
		return s.show(w, r, status, "account", p)
	}
	if err := session.Rotate(r.Context()); err != nil {
		return err
	}
	return seeOther(w, r, "/account?notice=password")
}
