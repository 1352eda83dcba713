package gateway

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/pgsession/pgsession/client"
)

// listedBody is one of a user's sessions as the list tells it.
type listedBody struct {
	ID         int64           `json:"id"`
	Current    bool            `json:"current"` // it is the one that asks
	Version    int64           `json:"version"`
	Created    time.Time       `json:"createddate"`
	Expires    *time.Time      `json:"expires"`    // null: it never ends by itself
	ExpireSecs *int32          `json:"expiresecs"` // null: it has no idle lifetime
	TTL        *int64          `json:"ttl"`
	Origin     json.RawMessage `json:"origin"` // null: unknown
}

func listedOf(s *client.Session, current bool) listedBody {
	b := listedBody{
		ID: s.ID, Current: current, Version: s.Version, Created: s.Created, TTL: secondsLeft(s), Origin: s.Origin,
	}
	if !s.Expires.IsZero() {
		b.Expires = &s.Expires
	}
	if s.ExpireSecs != 0 {
		b.ExpireSecs = &s.ExpireSecs
	}
	return b
}

// list answers GET /v1/sessions. An anonymous session belongs to no user, so there are no others: it is its own list, which does
// not tell where it was opened.
func (g *gateway) list(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), g.options.Timeout)
	defer cancel()
	_, own, err := g.asking(ctx, r)
	if err != nil {
		return err
	}
	sessions := []client.Session{own}
	if own.Username != "" {
		if sessions, err = g.sessions.SessionList(ctx, own.Username); err != nil {
			return err
		}
	}
	listed := make([]listedBody, len(sessions))
	for i := range sessions {
		listed[i] = listedOf(&sessions[i], sessions[i].ID == own.ID)
	}
	return writeJSON(w, http.StatusOK, map[string][]listedBody{"sessions": listed})
}

// endOne answers DELETE /v1/sessions/{id}. Somebody else's session is ended as little as one that is not there, and the answer is
// the same: it does not tell which there are.
func (g *gateway) endOne(w http.ResponseWriter, r *http.Request) error {
	wait, err := waitAsked(r)
	if err != nil {
		return err
	}
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return badRequest("a session's id is a number")
	}
	key, own, err := g.asking(r.Context(), r)
	if err != nil {
		return err
	}
	err = g.revoke(w, r, wait, func(ctx context.Context, s closer) error {
		var err error
		switch {
		case id == own.ID:
			_, err = s.SessionClose(ctx, key)
		case own.Username != "":
			_, err = s.SessionCloseID(ctx, own.Username, id)
		}
		return err
	})
	if err != nil {
		return err
	}
	if id == own.ID {
		forgetCookie(w, r)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// endOthers answers DELETE /v1/sessions: all of the user's, but for the one that asks.
func (g *gateway) endOthers(w http.ResponseWriter, r *http.Request) error {
	wait, err := waitAsked(r)
	if err != nil {
		return err
	}
	key, own, err := g.asking(r.Context(), r)
	if err != nil {
		return err
	}
	if own.Username != "" {
		err := g.revoke(w, r, wait, func(ctx context.Context, s closer) error {
			_, err := s.SessionCloseUser(ctx, own.Username, key)
			return err
		})
		if err != nil {
			return err
		}
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// asking returns the session that a request carries, which decides whose sessions are meant, and its key.
func (g *gateway) asking(ctx context.Context, r *http.Request) (client.Key, client.Session, error) {
	key, ok := keyOf(r)
	if !ok {
		return key, client.Session{}, errNoSession
	}
	ctx, cancel := context.WithTimeout(ctx, g.options.Timeout)
	defer cancel()
	session, err := g.find(ctx, key)
	return key, session, err
}
