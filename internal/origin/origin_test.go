package origin_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/pgsession/pgsession/internal/origin"
)

func TestOf(t *testing.T) {
	t.Parallel()
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for _, tt := range []struct {
		name, peer, agent string
		forwarded         []string
		want              string
	}{
		{name: "direct", peer: "192.0.2.1:1234", agent: "curl/8", want: `{"address":"192.0.2.1","agent":"curl/8"}`},
		{name: "nothing known", peer: "@", want: `{}`},
		{name: "long agent", peer: "192.0.2.1:1", agent: strings.Repeat("ü", 200), want: `{"address":"192.0.2.1","agent":"` + strings.Repeat("ü", 128) + `"}`},
		{name: "agent cut within a character", peer: "192.0.2.1:1", agent: "x" + strings.Repeat("ü", 200), want: `{"address":"192.0.2.1","agent":"x` + strings.Repeat("ü", 127) + `"}`},
		{name: "forged", peer: "192.0.2.1:1", forwarded: []string{"203.0.113.1"}, want: `{"address":"192.0.2.1"}`},
		{name: "IPv6", peer: "[2001:db8::1]:1", want: `{"address":"2001:db8::1"}`},
		{name: "IPv6 with an interface", peer: "[fe80::1%eth0]:1", want: `{"address":"fe80::1"}`},
		{name: "IPv4 within IPv6", peer: "[::ffff:192.0.2.1]:1", want: `{"address":"192.0.2.1"}`},
		{name: "by a proxy", peer: "10.0.0.1:1", forwarded: []string{"203.0.113.1"}, want: `{"address":"203.0.113.1"}`},
		{name: "by a proxy within IPv6", peer: "[::ffff:10.0.0.1]:1", forwarded: []string{"203.0.113.1"}, want: `{"address":"203.0.113.1"}`},
		{name: "by a proxy, forged before it", peer: "10.0.0.1:1", forwarded: []string{"198.51.100.7, 203.0.113.1"}, want: `{"address":"203.0.113.1"}`},
		{name: "by two proxies", peer: "10.0.0.1:1", forwarded: []string{"198.51.100.7", "203.0.113.1, 10.9.9.9"}, want: `{"address":"203.0.113.1"}`},
		{name: "from a proxy's own network", peer: "10.0.0.1:1", forwarded: []string{"10.0.0.2"}, want: `{"address":"10.0.0.2"}`},
		{name: "with a port", peer: "10.0.0.1:1", forwarded: []string{"203.0.113.1:4711"}, want: `{"address":"203.0.113.1"}`},
		{name: "IPv6 in brackets", peer: "10.0.0.1:1", forwarded: []string{"[2001:db8::1]"}, want: `{"address":"2001:db8::1"}`},
		{name: "IPv6 with a port", peer: "10.0.0.1:1", forwarded: []string{"[2001:db8::1]:80"}, want: `{"address":"2001:db8::1"}`},
		{name: "by a proxy that does not say", peer: "10.0.0.1:1", want: `{"address":"10.0.0.1"}`},
		{name: "by a proxy that does not know", peer: "10.0.0.1:1", forwarded: []string{"203.0.113.1, unknown"}, want: `{"address":"10.0.0.1"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
			r.RemoteAddr = tt.peer
			r.Header.Set("User-Agent", tt.agent)
			for _, line := range tt.forwarded {
				r.Header.Add("X-Forwarded-For", line)
			}
			of := origin.Of(r, trusted)
			text, err := json.Marshal(of)
			if err != nil || string(text) != tt.want {
				t.Errorf("origin %s, wanted %s: %v", text, tt.want, err)
			}
			if parsed := origin.Parse(text); parsed != of {
				t.Errorf("parsed as %+v", parsed)
			}
		})
	}
}

func TestParseAnything(t *testing.T) {
	t.Parallel()
	for _, text := range []string{``, `null`, `[]`, `1`, `{"address": 1}`, `{"agent": {}}`} {
		if o := origin.Parse(json.RawMessage(text)); o != (origin.Origin{}) {
			t.Errorf("%s is %+v", text, o)
		}
	}
}
