//go:build unix

// Command chaos runs the fault suite: it breaks a PostgreSQL server, the processes that use it and the network between
// them, holds every answer against what had been acknowledged, prints a table and writes it as JSON. It exits with 1 if
// an answer broke a promise.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"

	"github.com/pgsession/pgsession/internal/chaos"
)

func main() {
	if chaos.IsWorker() {
		if err := chaos.Worker(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("chaos", flag.ExitOnError)
	suite := &chaos.Suite{Out: os.Stdout}
	out := flags.String("out", "chaos.json", "`file` to write the rows to")
	only := flags.String("run", "", "run only the faults whose names match this `regexp`")
	flags.StringVar(&suite.Faulty, "faulty", "", "this `program` built with the tag faultseam, for the control")
	flags.DurationVar(&suite.Lease, "lease", 0, "T (1s)")
	flags.DurationVar(&suite.Poll, "poll", 0, "P (250ms)")
	flags.IntVar(&suite.Parallel, "parallel", 1, "how many faults happen at the same time")
	flags.BoolVar(&suite.Short, "short", false, "only the short form")
	flags.BoolVar(&suite.Verbose, "v", false, "show what the processes log where a fault fails")
	soak := flags.Duration("soak", 0, "break nothing: keep caches busy beyond their bounds for this `time`, and see that memory stays flat")
	_ = flags.Parse(args) // exits by itself
	if *soak > 0 {
		return chaos.Soak(ctx, *soak, os.Stdout)
	}
	var err error
	if *only != "" {
		if suite.Only, err = regexp.Compile(*only); err != nil {
			return err
		}
	}
	if suite.Executable, err = os.Executable(); err != nil {
		return err
	}
	rows, err := suite.Run(ctx)
	if err == nil || errors.Is(err, chaos.ErrBroken) {
		if writeErr := chaos.Write(*out, rows); writeErr != nil {
			return writeErr
		}
	}
	return err
}
