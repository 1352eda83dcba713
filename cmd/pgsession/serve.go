package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/pgsession/pgsession/cmd/pgsession/gateway"
	"github.com/pgsession/pgsession/listener"
)

// serveOptions are the flags of "pgsession serve".
type serveOptions struct {
	listen         string
	trustedOrigins []string
	trustedProxies []string
	lease          time.Duration
	fencing        time.Duration
	maxEntries     int
	maxBytes       int64
	grace          time.Duration
	logLevel       string
	untilEOF       bool
}

func (c *command) serveCommand() *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve sessions over HTTP from a coherent cache",
		Long: `Serves sessions to programs in any language and to proxies that ask before they forward a request. When it is ready it prints one
line with the address it listens on; its log goes to standard error, one JSON object a line.

Interrupted or terminated, it finishes the requests it has begun, writes the touches that are pending, and exits.

It speaks plain HTTP: put a proxy that speaks HTTPS before it, or keep it on loopback, as it is unless told otherwise.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var level slog.Level
			if err := level.UnmarshalText([]byte(o.logLevel)); err != nil {
				return misuse("--log-level is debug, info, warn or error")
			}
			log := slog.New(slog.NewJSONHandler(c.err, &slog.HandlerOptions{Level: level}))
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			if o.untilEOF {
				ctx = untilEOF(ctx, c.in)
			}
			return c.serve(ctx, o, log)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:8080", "the address to listen on; port 0: any that is free")
	f.StringSliceVar(&o.trustedOrigins, "trusted-origin", nil, "an origin whose pages may call this one although it is another, as https://app.example.com")
	f.StringSliceVar(&o.trustedProxies, "trusted-proxy", nil, "a proxy's address or network, as 10.0.0.0/8, whose X-Forwarded-For says where a login comes from")
	f.DurationVar(&o.lease, "lease", 0, "shorten the lease T that the database grants; 0: take it as it is")
	f.DurationVar(&o.fencing, "fencing", 0, "how long a demoted server may go on answering (F); the wait of DELETE ?wait=true includes it")
	f.IntVar(&o.maxEntries, "max-entries", 0, "how many sessions to keep in memory; 0: 100000")
	f.Int64Var(&o.maxBytes, "max-bytes", 0, "how many bytes of sessions to keep in memory; 0: 256 MiB")
	f.DurationVar(&o.grace, "grace", 30*time.Second, "how long requests may take to finish when the process is asked to stop")
	f.StringVar(&o.logLevel, "log-level", "info", "debug, info, warn or error")
	f.BoolVar(&o.untilEOF, "until-eof", false, "also stop when standard input ends, as it does when the parent process does")
	return cmd
}

// serve opens the address, the pool and the cache, serves until ctx ends, and closes them in the opposite order.
func (c *command) serve(ctx context.Context, o serveOptions, log *slog.Logger) (err error) {
	proxies, err := parseNetworks(o.trustedProxies)
	if err != nil {
		return misuse("--trusted-proxy: %v", err)
	}
	config, err := c.poolConfig("serve")
	if err != nil {
		return err
	}
	if config.ConnConfig.ValidateConnect == nil {
		// Of several hosts, the one that takes writes: a standby may be any time behind.
		config.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	socket, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return err
	}
	defer socket.Close() // the server has closed it by then, unless it never got it
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return err
	}
	defer pool.Close()
	cache, err := listener.Open(ctx, listener.Config{
		Pool: pool, Schema: c.schema, Lease: o.lease, Fencing: o.fencing, MaxEntries: o.maxEntries, MaxBytes: o.maxBytes, Logger: log,
	})
	if err != nil {
		return c.explainOpen(err)
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.grace)
		defer cancel()
		err = errors.Join(err, cache.Close(closing))
	}()
	handler, err := gateway.New(cache, gateway.Options{TrustedOrigins: o.trustedOrigins, TrustedProxies: proxies, Log: log})
	if err != nil {
		return misuse("--trusted-origin: %v", err)
	}
	if err := c.announce(socket.Addr()); err != nil {
		return err
	}
	return serveHTTP(ctx, socket, handler, o.grace, log)
}

// parseNetworks reads networks (10.0.0.0/8) and single addresses (10.0.0.1).
func parseNetworks(texts []string) ([]netip.Prefix, error) {
	var networks []netip.Prefix
	for _, text := range texts {
		network, err := netip.ParsePrefix(text)
		if address, alone := netip.ParseAddr(text); alone == nil {
			network, err = address.Prefix(address.BitLen())
		}
		if err != nil {
			return nil, fmt.Errorf("%q is no address and no network", text)
		}
		networks = append(networks, network)
	}
	return networks, nil
}

// explainOpen adds what to do about it to the error of a cache that could not be opened.
func (c *command) explainOpen(err error) error {
	var refused *pgconn.PgError
	missing := errors.As(err, &refused) && (refused.Code == "3F000" || refused.Code == "42883")
	if missing || errors.Is(err, listener.ErrSchema) {
		return fmt.Errorf("%w\nThe schema %s does not hold what this program needs: run 'pgsession migrate up' there first, with the same --schema", err, c.schema)
	}
	if refused != nil && refused.Code == "42501" {
		return fmt.Errorf("%w\nThe role lacks rights: run 'select %s.grant_app('role')' as the owner", err, c.schema)
	}
	return err
}

// announce prints where to reach the server, for a person or a program.
func (c *command) announce(address net.Addr) error {
	url := "http://" + address.String()
	if c.json {
		return c.printJSON(map[string]string{"url": url})
	}
	_, err := fmt.Fprintf(c.out, "pgsession listens on %s\n", url)
	return err
}

// serveHTTP serves until ctx ends, then lets the requests that have begun finish, for as long as grace.
func serveHTTP(ctx context.Context, socket net.Listener, handler http.Handler, grace time.Duration, log *slog.Logger) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	log.InfoContext(ctx, "serving", "address", socket.Addr().String())
	served := make(chan error, 1)
	go func() { served <- server.Serve(socket) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	log.InfoContext(ctx, "stopping: requests that have begun may finish", "grace", grace)
	finishing, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err := server.Shutdown(finishing)
	if err != nil {
		err = fmt.Errorf("requests did not finish in %v: %w", grace, errors.Join(err, server.Close()))
	}
	if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	log.InfoContext(finishing, "stopped")
	return err
}

// untilEOF returns a context that ends with ctx or when r does. The goroutine that reads ends with r.
func untilEOF(ctx context.Context, r io.Reader) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		_, _ = io.Copy(io.Discard, r) // an error is an end too
	}()
	return ctx
}
