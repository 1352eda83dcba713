package site

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/pgsession/pgsession/client"
)

func (s *Site) showRegister(w http.ResponseWriter, r *http.Request) error {
	return s.show(w, r, http.StatusOK, "register", page{Title: "Register"})
}

// registered is what the page after a registration tells.
type registered struct{ Username, Acknowledgement string }

// register makes an account, which has to be activated. A real site would mail the key; it is shown here once, and only its hash
// is stored.
func (s *Site) register(w http.ResponseWriter, r *http.Request) error {
	p := page{Title: "Register", Form: filledIn(r, "username")}
	username, password := r.PostFormValue("username"), r.PostFormValue("password")
	p.Form.wrong("username", checkUsername(username))
	p.Form.wrong("password", checkPassword(password, username))
	if len(p.Form.Errors) > 0 {
		return s.show(w, r, http.StatusUnprocessableEntity, "register", p)
	}
	acknowledgement, err := s.config.Accounts.UserCreate(r.Context(), username, password, client.UserOptions{Pending: true})
	switch {
	case errors.Is(err, client.ErrExists):
		p.Form.wrong("username", "This username is taken.")
		return s.show(w, r, http.StatusConflict, "register", p)
	case errors.Is(err, client.ErrInvalid):
		p.Form.wrong("", "This username or password cannot be used.")
		return s.show(w, r, http.StatusUnprocessableEntity, "register", p)
	case err != nil:
		return err
	}
	return s.show(w, r, http.StatusOK, "registered", page{Title: "Almost there", Data: registered{username, acknowledgement}})
}

func (s *Site) showActivate(w http.ResponseWriter, r *http.Request) error {
	f := form{Values: map[string]string{"username": r.URL.Query().Get("username")}}
	return s.show(w, r, http.StatusOK, "activate", page{Title: "Activate your account", Form: f})
}

func (s *Site) activate(w http.ResponseWriter, r *http.Request) error {
	p := page{Title: "Activate your account", Form: filledIn(r, "username", "acknowledgement")}
	username, acknowledgement := r.PostFormValue("username"), strings.TrimSpace(r.PostFormValue("acknowledgement"))
	if username == "" {
		p.Form.wrong("username", "Enter your username.")
	}
	if acknowledgement == "" {
		p.Form.wrong("acknowledgement", "Enter the key that you were shown.")
	}
	if len(p.Form.Errors) > 0 {
		return s.show(w, r, http.StatusUnprocessableEntity, "activate", p)
	}
	activated, err := s.config.Accounts.UserActivate(r.Context(), username, acknowledgement)
	if err != nil && !errors.Is(err, client.ErrInvalid) {
		return err
	}
	if !activated {
		p.Form.wrong("acknowledgement", "This key does not belong to this username, or the account is active already.")
		return s.show(w, r, http.StatusUnprocessableEntity, "activate", p)
	}
	return seeOther(w, r, "/login?"+url.Values{"notice": {"activated"}, "username": {username}}.Encode())
}
