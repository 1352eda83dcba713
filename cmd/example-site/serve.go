package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/cmd/example-site/site"
	"github.com/pgsession/pgsession/listener"
)

// grace is how long requests may take to finish when the process is asked to stop.
const grace = 15 * time.Second

// serve is the whole of a process: pool, cache, pages, server. They are closed in the opposite order: the server first, so that no
// request loses its cache, the pool last, because the cache still writes.
func (s *stage) serve(ctx context.Context, dsn string) (err error) {
	pool, err := openPool(ctx, dsn)
	if err != nil {
		return err
	}
	defer pool.Close()
	cache, err := listener.Open(ctx, listener.Config{Pool: pool, Logger: s.log})
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		err = errors.Join(err, cache.Close(closing))
	}()
	socket, err := listen(ctx, s.options.listen)
	if err != nil {
		return err
	}
	pages, err := site.New(site.Config{
		Sessions: cache, Accounts: client.New(pool),
		PlainCookies:   s.plainCookies(socket.Addr()),
		TrustedProxies: s.options.proxies, Process: strconv.Itoa(os.Getpid()), Log: s.log,
	})
	if err != nil {
		return errors.Join(err, socket.Close())
	}
	return s.serveHTTP(ctx, socket, pages)
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	return (&net.ListenConfig{}).Listen(ctx, "tcp", address)
}

// plainCookies is what the option says of a server that listens there.
func (s *stage) plainCookies(address net.Addr) func(*http.Request) bool {
	switch {
	case s.options.plain == "always":
		return func(*http.Request) bool { return true }
	case s.options.plain == "auto" && isLoopback(address):
		return site.OnLoopback
	}
	return nil
}

func isLoopback(address net.Addr) bool {
	tcp, ok := address.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// serveHTTP serves until ctx ends, then lets the requests that have begun finish. It says where it listens.
func (s *stage) serveHTTP(ctx context.Context, socket net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(socket) }()
	fmt.Fprintf(s.out, "example-site listens on http://%s\n", socket.Addr())
	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	finishing, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err := server.Shutdown(finishing)
	if err != nil {
		err = fmt.Errorf("requests did not finish in %v: %w", grace, errors.Join(err, server.Close()))
	}
	if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}
