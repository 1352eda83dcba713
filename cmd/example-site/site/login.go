package site

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/client/sessionhttp"
)

func (s *Site) showLogin(w http.ResponseWriter, r *http.Request) error {
	username, err := sessionhttp.From(r.Context()).Username()
	if err != nil {
		return err
	}
	if username != "" {
		return seeOther(w, r, "/account")
	}
	f := form{Values: map[string]string{"username": r.URL.Query().Get("username")}}
	return s.show(w, r, http.StatusOK, "login", page{Title: "Log in", Form: f})
}

func (s *Site) login(w http.ResponseWriter, r *http.Request) error {
	p := page{Title: "Log in", Form: filledIn(r, "username", "remember")}
	username, password := r.PostFormValue("username"), r.PostFormValue("password")
	if username == "" {
		p.Form.wrong("username", "Enter your username.")
	}
	if password == "" {
		p.Form.wrong("password", "Enter your password.")
	}
	if len(p.Form.Errors) > 0 {
		return s.show(w, r, http.StatusUnprocessableEntity, "login", p)
	}
	remember := sessionhttp.Remember(p.Form.Values["remember"] != "")
	result, err := sessionhttp.From(r.Context()).Login(r.Context(), username, password, remember)
	if errors.Is(err, client.ErrInvalid) { // nobody has such a name or password
		result, err = client.LoginResult{Outcome: client.BadCredentials}, nil
	}
	if err != nil {
		return err
	}
	var status int
	var message string
	switch result.Outcome {
	case client.OK:
		return seeOther(w, r, "/account")
	case client.Throttled:
		seconds := wholeSeconds(result.RetryAfter)
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
		status, message = http.StatusTooManyRequests, "Too many failed attempts. Try again in "+inWords(seconds)+"."
	case client.Pending:
		status, message = http.StatusForbidden, "This account has not been activated yet. Enter its key on the page “Activate”."
	case client.Disabled:
		status, message = http.StatusForbidden, "This account is disabled."
	default:
		status, message = http.StatusUnauthorized, "Username or password is wrong."
	}
	p.Form.wrong("", message)
	return s.show(w, r, status, "login", p)
}

// wholeSeconds rounds up, so that nobody comes a moment too early.
func wholeSeconds(d time.Duration) int { return int(max(1, (d+time.Second-1)/time.Second)) }

// inWords tells a number of seconds to a person.
func inWords(seconds int) string {
	count := func(n int, unit string) string {
		if n == 1 {
			return "1 " + unit
		}
		return fmt.Sprintf("%d %ss", n, unit)
	}
	minutes, hours := seconds/60, (seconds+3599)/3600
	switch {
	case seconds >= 2*3600:
		return count(hours, "hour")
	case minutes == 0:
		return count(seconds, "second")
	case seconds%60 == 0:
		return count(minutes, "minute")
	}
	return count(minutes, "minute") + " " + count(seconds%60, "second")
}

func (s *Site) showLogout(w http.ResponseWriter, r *http.Request) error {
	return s.show(w, r, http.StatusOK, "logout", page{Title: "Log out"})
}

func (s *Site) logout(w http.ResponseWriter, r *http.Request) error {
	if err := sessionhttp.From(r.Context()).Logout(r.Context()); err != nil {
		return err
	}
	return seeOther(w, r, "/login?notice=out")
}
