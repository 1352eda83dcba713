package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/pgsession/pgsession/cmd/pgsession/demo"
)

func (c *command) demoCommand() *cobra.Command {
	var serve bool
	var load time.Duration
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show what pgsession does, on a throwaway PostgreSQL",
		Long: `Starts a throwaway PostgreSQL and three "pgsession serve" processes, tells what happens to a few users' sessions, then runs a few
seconds of mixed load and checks every answer against what had been acknowledged. Takes under a minute, needs PostgreSQL's programs
but no server, touches no database of yours, and leaves nothing behind.

It exits with status 1 if an answer was older than the lease allows. With --json it prints one object and nothing else:
requests are reads over HTTP, hits those answered from memory, times of reads are whole HTTP requests as the caller sees them.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			return c.demo(ctx, demo.Options{Serve: serve, Load: load})
		},
	}
	cmd.Flags().BoolVar(&serve, "serve", false, "leave it all running afterwards, until interrupted")
	cmd.Flags().DurationVar(&load, "load", 8*time.Second, "how long the load lasts at least")
	return cmd
}

// demo runs the demo. The story goes to standard output, with --json only if everything is left running, to standard error.
func (c *command) demo(ctx context.Context, o demo.Options) error {
	executable, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program, to start it again: %w", err)
	}
	o.Executable, o.Environ, o.Out = executable, os.Environ(), c.out
	if c.json {
		o.Out = nil
		if o.Serve {
			o.Out = c.err
		}
	}
	summary, err := demo.Run(ctx, o)
	if c.json && (err == nil || errors.Is(err, demo.ErrNotCoherent)) {
		err = errors.Join(err, c.printJSON(summary))
	}
	if errors.Is(err, context.Canceled) {
		return errors.New("interrupted")
	}
	return err
}
