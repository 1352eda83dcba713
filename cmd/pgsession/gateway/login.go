package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/internal/origin"
	"github.com/pgsession/pgsession/listener"
)

// loginBody is what POST /v1/login takes. A member it does not know is refused: it would be a mistake, or a wish not granted.
type loginBody struct {
	Username   *string `json:"username"`
	Password   *string `json:"password"`
	Expiresecs *int64  `json:"expiresecs"` // idle lifetime; null: none
}

// login answers POST /v1/login.
func (g *gateway) login(w http.ResponseWriter, r *http.Request) error {
	body, err := readBody(r, mediaJSON)
	if err != nil {
		return err
	}
	ask, options, err := parseLogin(body)
	if err != nil {
		return err
	}
	options.Origin = origin.Of(r, g.options.TrustedProxies)
	ctx, cancel := context.WithTimeout(r.Context(), g.options.Timeout)
	defer cancel()
	result, err := g.sessions.Login(ctx, *ask.Username, *ask.Password, options)
	if err != nil {
		return err
	}
	if result.Outcome != client.OK {
		return refusal(result)
	}
	setCookie(w, result.Token)
	describe(w.Header(), &result.Session)
	return writeJSON(w, http.StatusOK, struct {
		Token   string      `json:"token"`
		Session sessionBody `json:"session"`
	}{result.Token.Reveal(), bodyOf(&result.Session, listener.FromDatabase)})
}

func parseLogin(body []byte) (loginBody, client.LoginOptions, error) {
	var ask loginBody
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&ask); err != nil || ask.Username == nil || ask.Password == nil {
		return ask, client.LoginOptions{}, badRequest(`the body has to be {"username": text, "password": text, "expiresecs": seconds or left out}`)
	}
	var options client.LoginOptions
	if ask.Expiresecs != nil {
		if *ask.Expiresecs < 1 || *ask.Expiresecs > math.MaxInt32 {
			return ask, options, badRequest("expiresecs has to be a positive number of seconds, below 2^31")
		}
		options.Idle = time.Duration(*ask.Expiresecs) * time.Second
	}
	return ask, options, nil
}

// refusal says over HTTP why a login opened no session.
func refusal(result client.LoginResult) *problem {
	switch result.Outcome {
	case client.Disabled, client.Pending:
		message := "the account is disabled"
		if result.Outcome == client.Pending {
			message = "the account has not been activated yet"
		}
		return &problem{http.StatusForbidden, string(result.Outcome), message, nil}
	case client.Throttled:
		seconds := strconv.FormatFloat(math.Ceil(max(result.RetryAfter, time.Second).Seconds()), 'f', 0, 64)
		return &problem{http.StatusTooManyRequests, string(result.Outcome), "too many failed attempts, wait before the next one",
			map[string]string{"Retry-After": seconds}}
	default:
		return &problem{http.StatusUnauthorized, string(client.BadCredentials), "username or password is wrong",
			map[string]string{"WWW-Authenticate": "Bearer"}}
	}
}
