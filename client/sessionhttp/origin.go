package sessionhttp

import (
	"net/http"

	"github.com/pgsession/pgsession/internal/origin"
)

// Origin returns where the request comes from, as it is kept with a session that it opens: a JSON object for client.LoginOptions,
// client.PasswordOptions and the like, by which failed attempts are counted. It asks the store nothing.
func (s *Session) Origin() any { return s.mw.config.origin(s.request) }

func (c *Config) origin(r *http.Request) origin.Origin { return origin.Of(r, c.TrustedProxies) }
