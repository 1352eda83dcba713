package gateway_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/cmd/pgsession/gateway"
)

func TestLoginTellsWhereItComesFrom(t *testing.T) {
	t.Parallel()
	for network, want := range map[string]string{
		"192.0.2.0/24":    `{"address":"203.0.113.1","agent":"curl/8"}`,
		"198.51.100.0/24": `{"address":"192.0.2.1","agent":"curl/8"}`, // whoever has connected is no proxy of ours
	} {
		var origin any
		handler := newHandler(t, &fake{login: func(_, _ string, o client.LoginOptions) (client.LoginResult, error) {
			origin = o.Origin
			return client.LoginResult{Outcome: client.OK}, nil
		}}, gateway.Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix(network)}})
		r := httptest.NewRequest(http.MethodPost, "/v1/login", strings.NewReader(`{"username": "anna", "password": "x"}`))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("User-Agent", "curl/8")
		r.Header.Set("X-Forwarded-For", "203.0.113.1")
		handler.ServeHTTP(httptest.NewRecorder(), r)
		if got, err := json.Marshal(origin); err != nil || string(got) != want {
			t.Errorf("%s: origin %s, wanted %s", network, got, want)
		}
	}
}
