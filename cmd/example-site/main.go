// Command example-site is a site with accounts, built on pgsession: registration and activation, login and logout, a notepad that
// two tabs can change at once, one's own sessions. See package site for its pages.
//
//	example-site                             on a throwaway PostgreSQL
//	example-site --processes 2               two processes behind one address
//	example-site --dsn postgres://… --listen 127.0.0.1:9000
//
// It installs pgsession into the database's schema pgsession, or brings it up to date, before it serves.
//
// It exits with status 0 when it was asked to stop, 1 when it could not run, and 2 when it was asked wrongly.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run executes a command line until ctx ends, and returns the exit status.
func run(ctx context.Context, args []string, in io.Reader, out, log io.Writer) int {
	o, err := parseOptions(args, log)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2 // flag has said why
	}
	if o.untilEOF {
		ctx = untilEOF(ctx, in)
	}
	s := &stage{options: o, out: out, log: slog.New(slog.NewTextHandler(log, nil))}
	if err := s.run(ctx); err != nil {
		fmt.Fprintf(log, "example-site: %v\n", err)
		return 1
	}
	return 0
}

// stage is what a run of the program is made of.
type stage struct {
	options options
	out     io.Writer
	log     *slog.Logger
}

func (s *stage) run(ctx context.Context) (err error) {
	dsn := cmp.Or(s.options.dsn, os.Getenv("DATABASE_URL"))
	if dsn == "" {
		var end func() error
		if dsn, end, err = s.throwaway(ctx); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, end()) }()
	}
	if s.options.processes > 1 {
		return s.balance(ctx, dsn)
	}
	return s.serve(ctx, dsn)
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
