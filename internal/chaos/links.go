//go:build unix

package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/url"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// The links of a process. Each is a connection string, and where the fault wants it a proxy.
const (
	linkPool   = "pool"
	linkPoll   = "poll"
	linkListen = "listen"
)

// toxic is something that toxiproxy does to what flows through a link.
type toxic struct {
	Type       string         `json:"type"`
	Attributes map[string]any `json:"attributes"`
	// both directions, or answers only
	both bool
}

// link is a proxy in front of the server.
type link struct {
	proxy *toxiproxy.Proxy
}

// newLink starts a proxy on a free port.
func newLink(name, upstream string) (*link, error) {
	zerolog.SetGlobalLevel(zerolog.Disabled) // some toxics log elsewhere
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	l := &link{proxy: toxiproxy.NewProxy(server, name, "127.0.0.1:0", upstream)}
	if err := l.proxy.Start(); err != nil {
		return nil, fmt.Errorf("link %s: %w", name, err)
	}
	return l, nil
}

// dsn sends a connection string through the link.
func (l *link) dsn(dsn string) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return "", err
	}
	u.Host = l.proxy.Listen
	return u.String(), nil
}

// spoil adds a toxic.
func (l *link) spoil(t toxic) error {
	streams := []string{"downstream"}
	if t.both {
		streams = append(streams, "upstream")
	}
	for _, stream := range streams {
		text, err := json.Marshal(struct {
			toxic
			Stream string `json:"stream"`
		}{t, stream})
		if err != nil {
			return err
		}
		if _, err := l.proxy.Toxics.AddToxicJson(bytes.NewReader(text)); err != nil {
			return fmt.Errorf("toxic %s: %w", t.Type, err)
		}
	}
	return nil
}

// clear takes all toxics away.
func (l *link) clear(ctx context.Context) { l.proxy.Toxics.ResetToxics(ctx) }

func (l *link) close(ctx context.Context) {
	l.clear(ctx)
	l.proxy.Stop()
}

// hostPort is where the server of a connection string listens.
func hostPort(dsn string) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return "", err
	}
	_, _, err = net.SplitHostPort(u.Host)
	return u.Host, err
}
