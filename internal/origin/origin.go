// Package origin tells where a request comes from, as it is kept with the session that it opens.
package origin

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// agentMost is how many bytes of a User-Agent are kept.
const agentMost = 256

// Origin says where a session was opened from: by its address failed attempts are counted, and both are for the list of a user's
// sessions. What is not known is empty.
type Origin struct {
	Address string `json:"address,omitempty"`
	Agent   string `json:"agent,omitempty"`
}

// Of returns the origin of a request. Anybody can send X-Forwarded-For: it is believed as far as proxies have written it that are
// in one of the trusted networks.
func Of(r *http.Request, trusted []netip.Prefix) Origin {
	var o Origin
	if address, ok := addressOf(r, trusted); ok {
		o.Address = address.String()
	}
	agent := r.UserAgent()
	o.Agent = strings.ToValidUTF8(agent[:min(len(agent), agentMost)], "")
	return o
}

// Parse reads an origin. What others have written may be anything: what is none is empty.
func Parse(text json.RawMessage) Origin {
	var o Origin
	if json.Unmarshal(text, &o) != nil {
		return Origin{}
	}
	return o
}

// addressOf returns the address that a request comes from. Proxies append to X-Forwarded-For, so it is read from its end, for as
// long as whoever wrote there is trusted: what stands before that, anybody may have made up.
func addressOf(r *http.Request, trusted []netip.Prefix) (netip.Addr, bool) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, false // a Unix socket, for one
	}
	address := plain(peer.Addr())
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !slices.ContainsFunc(trusted, func(network netip.Prefix) bool { return network.Contains(address) }) {
			break
		}
		before, ok := parseHop(strings.TrimSpace(hop))
		if !ok {
			break
		}
		address = before
	}
	return address, true
}

// parseHop reads an address of X-Forwarded-For, to which some proxies append a port.
func parseHop(text string) (netip.Addr, bool) {
	if address, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return plain(address), true
	}
	withPort, err := netip.ParseAddrPort(text)
	return plain(withPort.Addr()), err == nil
}

// plain writes an address in its one usual form: PostgreSQL knows no zones, and networks no IPv4 in IPv6.
func plain(address netip.Addr) netip.Addr { return address.Unmap().WithZone("") }
