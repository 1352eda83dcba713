package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"sync/atomic"

	"github.com/pgsession/pgsession/internal/origin"
)

// balance starts processes of this program, each with a cache of its own, and hands requests to them in turn: as bad a way to
// balance sessions as there is, so that whatever one process does the next has to know.
func (s *stage) balance(ctx context.Context, dsn string) (err error) {
	socket, err := listen(ctx, s.options.listen)
	if err != nil {
		return err
	}
	defer socket.Close() // the server has closed it by then, unless it never got it
	plain := s.options.plain
	if plain == "auto" && !isLoopback(socket.Addr()) {
		plain = "never"
	}
	var processes []*process
	defer func() {
		for _, p := range processes {
			err = errors.Join(err, p.stop())
		}
	}()
	var targets []*url.URL
	for range s.options.processes {
		p, err := startProcess(ctx, dsn, plain)
		if err != nil {
			return err
		}
		processes = append(processes, p)
		targets = append(targets, p.url)
	}
	return s.serveHTTP(ctx, socket, roundRobin(targets, s.options.proxies))
}

// roundRobin hands each request to the next target. Targets see the host that was asked, and whose request it is, as far as the
// proxies before us are trusted.
func roundRobin(targets []*url.URL, proxies []netip.Prefix) http.Handler {
	var next atomic.Uint64
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(targets[next.Add(1)%uint64(len(targets))])
		r.Out.Host = r.In.Host
		r.SetXForwarded()
		r.Out.Header.Set("X-Forwarded-For", origin.Of(r.In, proxies).Address)
	}}
}
