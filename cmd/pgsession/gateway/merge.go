package gateway

import (
	"context"
	"encoding/json"
	"math"
	"net/http"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/internal/mergepatch"
	"github.com/pgsession/pgsession/listener"
)

const (
	mediaJSON       = "application/json"
	mediaMergePatch = "application/merge-patch+json"
)

// merge answers PATCH /v1/session.
func (g *gateway) merge(w http.ResponseWriter, r *http.Request) error {
	key, ok := keyOf(r)
	if !ok {
		return errNoSession
	}
	if r.Header.Get("If-None-Match") != "" {
		return errIfNoneMatch // ignoring it would change what the caller wanted left alone
	}
	match, err := parseCondition(r.Header, "If-Match")
	if err != nil {
		return err
	}
	patch, err := readBody(r, mediaJSON, mediaMergePatch)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), g.options.Timeout)
	defer cancel()
	var session client.Session
	if match == nil || match.any {
		session, err = g.sessions.SessionMerge(ctx, key, json.RawMessage(patch))
	} else {
		session, err = g.mergeIf(ctx, key, match, patch)
	}
	if err != nil {
		return err
	}
	return writeSession(w, &session, listener.FromDatabase)
}

// newest is a floor that nothing in memory reaches: what comes back is the database's.
var newest = client.Floor{Version: math.MaxInt64}

// mergeIf merges a patch into the version that the caller has seen, and into no other: it is merged here and saved over that very
// version, so that whoever comes first makes the other fail.
func (g *gateway) mergeIf(ctx context.Context, key client.Key, match *condition, patch []byte) (client.Session, error) {
	session, err := g.find(ctx, key, newest)
	if err != nil {
		return client.Session{}, err
	}
	if !match.matches(&session) {
		return client.Session{}, errPrecondition
	}
	merged, err := mergepatch.Apply(session.Payload.Bytes(), patch)
	if err != nil {
		return client.Session{}, &problem{http.StatusBadRequest, "invalid", err.Error(), nil}
	}
	if _, err := g.sessions.SessionSave(ctx, key, json.RawMessage(merged), session.Version); err != nil {
		return client.Session{}, err
	}
	// How long it lives now, and how its payload reads, only the database knows.
	return g.find(ctx, key, newest)
}

// find returns the session of a key, or errNoSession.
func (g *gateway) find(ctx context.Context, key client.Key, floor ...client.Floor) (client.Session, error) {
	session, _, ok, err := g.sessions.Lookup(ctx, key, floor...)
	if err == nil && !ok {
		err = errNoSession
	}
	return session, err
}
