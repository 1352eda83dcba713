package sessionhttp

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// agentMost is how many bytes of a User-Agent are kept.
const agentMost = 256

// origin says where a session is opened from, for throttling and for the list of a user's sessions.
type origin struct {
	Address string `json:"address,omitempty"`
	Agent   string `json:"agent,omitempty"`
}

func (c *Config) origin(r *http.Request) origin {
	var o origin
	if address, ok := c.address(r); ok {
		o.Address = address.String()
	}
	agent := r.UserAgent()
	o.Agent = strings.ToValidUTF8(agent[:min(len(agent), agentMost)], "")
	return o
}

// parseOrigin reads what origin has written. What others wrote may be anything.
func parseOrigin(text json.RawMessage) origin {
	var o origin
	if json.Unmarshal(text, &o) != nil {
		return origin{}
	}
	return o
}

// address returns the client's. Proxies append to X-Forwarded-For, so it is read from its end, for as
// long as whoever wrote there is trusted: what stands before that, anybody may have made up.
func (c *Config) address(r *http.Request) (netip.Addr, bool) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, false // a Unix socket, a test's recorder
	}
	address := plain(peer.Addr())
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !c.trusts(address) {
			break
		}
		before, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		address = plain(before)
	}
	return address, true
}

func (c *Config) trusts(address netip.Addr) bool {
	return slices.ContainsFunc(c.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(address) })
}

// plain writes an address in its one usual form: PostgreSQL knows no zones, and networks no IPv4 in IPv6.
func plain(address netip.Addr) netip.Addr { return address.Unmap().WithZone("") }
