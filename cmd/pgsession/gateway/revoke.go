package gateway

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/pgsession/pgsession/client"
)

// closer ends sessions: at once, or within the transaction of a revocation that is waited for.
type closer interface {
	SessionClose(ctx context.Context, key client.Key) (bool, error)
	SessionCloseID(ctx context.Context, username string, id int64) (bool, error)
	SessionCloseUser(ctx context.Context, username string, except ...client.Key) (int64, error)
}

// revoke ends sessions; with wait it returns only once no process can serve them any more.
func (g *gateway) revoke(w http.ResponseWriter, r *http.Request, wait bool, end func(context.Context, closer) error) error {
	if !wait {
		ctx, cancel := context.WithTimeout(r.Context(), g.options.Timeout)
		defer cancel()
		return end(ctx, g.sessions)
	}
	// How long it takes is the lease's business; the server's own limit on an answer's time is not meant for it.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
	ctx := r.Context()
	return g.sessions.RevokeWait(ctx, func(tx *client.Client) error { return end(ctx, tx) })
}

// waitAsked reads the query's wait.
func waitAsked(r *http.Request) (bool, error) {
	text := r.URL.Query().Get("wait")
	if text == "" {
		return false, nil
	}
	wait, err := strconv.ParseBool(text)
	if err != nil {
		return false, badRequest("wait is true or false")
	}
	return wait, nil
}
