package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/pgsession/pgsession/client"
)

// Traffic goes on beside the sweep: readers one call after the other with a pause, as visitors are.
const (
	readers    = 4
	pause      = time.Millisecond
	quiet      = 20 * time.Second // how long reads are measured before
	sweepBatch = 1000             // what a process with a cache asks for
)

// sweeping measures reads without and beside a sweep.
func sweeping(ctx context.Context, out io.Writer, d *database, s scale) error {
	if err := errors.Join(d.fill(ctx, "dead", s.expired, 1024, "2 hours"), d.fill(ctx, "s", s.sessions, 1024, "0")); err != nil {
		return err
	}
	if _, err := d.conn.Exec(ctx, "checkpoint"); err != nil {
		return err
	}
	before, err := d.traffic(ctx, s, func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(min(quiet, time.Duration(s.expired)*20*time.Microsecond)):
			return nil
		}
	})
	if err != nil {
		return err
	}
	swept, began := 0, time.Now()
	during, err := d.traffic(ctx, s, func(ctx context.Context) error {
		c := client.New(d.conn)
		for {
			n, err := c.SessionSweep(ctx, sweepBatch)
			swept += n
			if err != nil || n < sweepBatch {
				return err
			}
		}
	})
	if err != nil {
		return err
	}
	took := time.Since(began)
	fmt.Fprintf(out, "| swept | in | reads | p50 without, beside | p99 without, beside | ratio of p99 |\n| ---: | ---: | ---: | ---: | ---: | ---: |\n")
	fmt.Fprintf(out, "| %d | %s | %d | %s, %s | %s, %s | %.2f |\n", swept, took.Round(time.Second), len(before)+len(during),
		quantile(before, 0.5), quantile(during, 0.5), quantile(before, 0.99), quantile(during, 0.99),
		float64(quantile(during, 0.99))/float64(quantile(before, 0.99)))
	return nil
}

// traffic reads live sessions while something is done, and returns how long each read took.
func (d *database) traffic(ctx context.Context, s scale, meanwhile func(context.Context) error) ([]time.Duration, error) {
	group, ctx := errgroup.WithContext(ctx)
	done := make(chan struct{})
	took := make([][]time.Duration, readers)
	for i := range readers {
		group.Go(func() (err error) {
			took[i], err = d.read(ctx, s.sessions, done)
			return err
		})
	}
	group.Go(func() error {
		defer close(done)
		return meanwhile(ctx)
	})
	err := group.Wait()
	all := slices.Concat(took...)
	slices.Sort(all)
	if err == nil && len(all) == 0 {
		err = errors.New("nothing was read")
	}
	return all, err
}

// read reads random live sessions until done.
func (d *database) read(ctx context.Context, sessions int, done <-chan struct{}) (took []time.Duration, err error) {
	conn, err := pgx.Connect(ctx, d.dsn)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	c := client.New(conn)
	for {
		k := key("s", 1+rand.IntN(sessions)) //nolint:gosec // which one does not matter
		began := time.Now()
		_, found, err := c.SessionGet(ctx, k)
		took = append(took, time.Since(began))
		if err != nil {
			return took, err
		}
		if !found {
			return took, errors.New("a live session is gone")
		}
		select {
		case <-done:
			return took, nil
		case <-time.After(pause):
		}
	}
}

// quantile is of durations in order.
func quantile(sorted []time.Duration, q float64) time.Duration {
	return sorted[int(q*float64(len(sorted)-1))].Round(10 * time.Microsecond)
}
