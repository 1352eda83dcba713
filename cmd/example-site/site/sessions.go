package site

import (
	"net/http"
	"strconv"

	"github.com/pgsession/pgsession/client/sessionhttp"
)

// listed is a session as the page shows it.
type listed struct {
	sessionhttp.Device
	Name string // of the device
}

func (s *Site) showSessions(w http.ResponseWriter, r *http.Request) error {
	devices, err := sessionhttp.From(r.Context()).Devices(r.Context())
	if err != nil {
		return err
	}
	var all []listed
	for _, device := range devices {
		all = append(all, listed{device, deviceName(device.Agent)})
	}
	return s.show(w, r, http.StatusOK, "sessions", page{Title: "Your sessions", Data: all})
}

func (s *Site) endSession(w http.ResponseWriter, r *http.Request) error {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return s.notFound(w, r)
	}
	session := sessionhttp.From(r.Context())
	if _, err := session.End(r.Context(), id); err != nil { // that there is none is what was wanted
		return err
	}
	if username, err := session.Username(); err != nil || username == "" { // it was this one
		return seeOther(w, r, "/login?notice=out")
	}
	return seeOther(w, r, "/sessions?notice=session")
}

func (s *Site) endOthers(w http.ResponseWriter, r *http.Request) error {
	if _, err := sessionhttp.From(r.Context()).EndOthers(r.Context()); err != nil {
		return err
	}
	return seeOther(w, r, "/sessions?notice=others")
}
