package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/pgsession/pgsession/client"
)

// Several processes touch at once, each some sessions in one call.
const (
	touchers   = 4
	touchBatch = 50
)

// touching measures how many touches are heap-only updates, and by how much the table grows.
func touching(ctx context.Context, out io.Writer, d *database, s scale) error {
	if err := d.fill(ctx, "s", s.sessions, 1024, "10 minutes"); err != nil {
		return err
	}
	tableBefore, indexesBefore, err := d.bytes(ctx)
	if err != nil {
		return err
	}
	group, groupContext := errgroup.WithContext(ctx)
	moved := make([]int, touchers)
	for i := range touchers {
		group.Go(func() error {
			var err error
			moved[i], err = touchAll(groupContext, d.dsn, s.touches/touchers, s.sessions)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	total := 0
	for _, n := range moved {
		total += n
	}
	hot, err := d.hotUpdates(ctx, total)
	if err != nil {
		return err
	}
	table, indexes, err := d.bytes(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "| touches of random sessions | moved | heap-only | table before | growth | indexes before | growth |\n| ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	fmt.Fprintf(out, "| %d | %d | %.2f %% | %.1f MB | %.2f %% | %.1f MB | %.2f %% |\n\n", s.touches, total, 100*float64(hot)/float64(total),
		megabytes(tableBefore), growth(tableBefore, table), megabytes(indexesBefore), growth(indexesBefore, indexes))
	return nil
}

func megabytes(n int64) float64          { return float64(n) / (1 << 20) }
func growth(before, after int64) float64 { return 100 * float64(after-before) / float64(before) }

// touchAll touches so many random sessions and returns how many were moved.
func touchAll(ctx context.Context, dsn string, touches, sessions int) (moved int, err error) {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	c := client.New(conn)
	for done := 0; done < touches; done += touchBatch {
		keys := make([]client.Key, 0, touchBatch)
		for range min(touchBatch, touches-done) {
			keys = append(keys, key("s", 1+rand.IntN(sessions))) //nolint:gosec // which one does not matter
		}
		n, err := c.SessionTouch(ctx, keys...)
		if err != nil {
			return moved, err
		}
		moved += n
	}
	return moved, nil
}

func key(prefix string, n int) client.Key { return sha256.Sum256(fmt.Append(nil, prefix, n)) }

// hotUpdates asks the statistics until all updates are in them, and returns how many were heap-only.
func (d *database) hotUpdates(ctx context.Context, updates int) (hot int, err error) {
	const patience, pause = 30 * time.Second, 100 * time.Millisecond
	for deadline := time.Now().Add(patience); ; {
		var all int
		err := d.conn.QueryRow(ctx, "select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where relid = 'pgsession.sessions'::regclass").Scan(&all, &hot)
		if err != nil {
			return 0, err
		}
		if all >= updates {
			return hot, nil
		}
		if time.Now().After(deadline) {
			return 0, fmt.Errorf("the server's statistics know %d of %d updates", all, updates)
		}
		time.Sleep(pause)
	}
}
