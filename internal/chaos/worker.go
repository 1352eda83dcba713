//go:build unix

package chaos

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/listener"
)

// workerVariable makes this program a worker. Its value says how much it logs: quiet, or verbose.
const workerVariable = "PGSESSION_CHAOS_WORKER"

// IsWorker reports whether this process was started to be a worker: then main, or TestMain, calls [Worker] and exits.
func IsWorker() bool { return os.Getenv(workerVariable) != "" }

const (
	// reportEvery is how often a worker reports.
	reportEvery = 100 * time.Millisecond
	// readPatience bounds a read: a reader that waits for ever for a server that is away shows nothing.
	readPatience = 2 * time.Second
	// revokePatience bounds a revocation that is waited for.
	revokePatience = 20 * time.Second
	// closePatience bounds the end.
	closePatience = time.Second
)

// Worker does as the runner at the other ends of in and out says, until in ends.
func Worker(in io.Reader, out io.Writer) error {
	orders := gob.NewDecoder(in)
	var a assignment
	if err := orders.Decode(&a); err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	w := &worker{assignment: a, out: gob.NewEncoder(out)}
	var tasks sync.WaitGroup
	tasks.Go(func() {
		defer cancel()
		w.obey(ctx, orders, &tasks)
	})
	err := w.run(ctx, &tasks)
	if err != nil && ctx.Err() == nil {
		_ = w.out.Encode(report{Error: err.Error()})
	}
	return err
}

// worker is one process with a cache.
type worker struct {
	assignment

	out   *gob.Encoder
	cache atomic.Pointer[listener.Cache]
	watch atomic.Pointer[[]target]

	mu   sync.Mutex
	next report
}

// obey takes orders until there are no more.
func (w *worker) obey(ctx context.Context, orders *gob.Decoder, tasks *sync.WaitGroup) {
	var wall *wallClock
	for {
		var o order
		if orders.Decode(&o) != nil {
			return
		}
		if o.Watch != nil {
			w.watch.Store(&o.Watch)
		}
		if o.Step && wall == nil {
			var err error
			if wall, err = newWallClock(); err != nil {
				continue // which the runner sees: the clock is not stepped
			}
		}
		if o.Step {
			wall.set(o.Wall)
		}
		if o.Revoke != nil {
			tasks.Go(func() { w.revoke(ctx, *o.Revoke) })
		}
	}
}

// run opens the cache and works until ctx ends.
func (w *worker) run(ctx context.Context, tasks *sync.WaitGroup) error {
	config, err := w.config(ctx)
	if err != nil {
		return err
	}
	defer config.Pool.Close()
	cache, err := listener.Open(ctx, config)
	if err != nil {
		return err
	}
	w.cache.Store(cache)
	w.next.Ready = true
	for range w.Readers {
		tasks.Go(func() { w.read(ctx, cache) })
	}
	for range w.Writers {
		tasks.Go(func() { w.write(ctx, cache) })
	}
	err = w.report(ctx, cache)
	tasks.Wait()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closePatience)
	defer cancel()
	_ = cache.Close(closing) // the server may be gone
	return errors.Join(err, w.send(cache))
}

func (w *worker) config(ctx context.Context) (listener.Config, error) {
	poolConfig, err := pgxpool.ParseConfig(w.Pool)
	if err != nil {
		return listener.Config{}, err
	}
	poolConfig.MaxConns = 6
	if w.Pooled {
		poolConfig.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec // no prepared statements across transactions
	}
	c := listener.Config{Fencing: w.Fencing, SweepInterval: 2 * time.Second}
	if c.PollConfig, err = pgx.ParseConfig(w.Poll); err != nil {
		return c, err
	}
	if c.ListenConfig, err = pgx.ParseConfig(w.Listen); err != nil {
		return c, err
	}
	if os.Getenv(workerVariable) == "verbose" {
		c.Logger = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	c.Pool, err = pgxpool.NewWithConfig(ctx, poolConfig)
	return c, err
}

// pick chooses a session to read or to change.
func (w *worker) pick() (target, bool) {
	targets := w.watch.Load()
	if targets == nil || len(*targets) == 0 {
		return target{}, false
	}
	return (*targets)[rand.N(len(*targets))], true //nolint:gosec // to be spread, not to be secret
}

// read reads at its pace and notes each answer.
func (w *worker) read(ctx context.Context, cache *listener.Cache) {
	for pause(ctx, w.ReadEvery) {
		t, ok := w.pick()
		if !ok {
			continue
		}
		readCtx, cancel := context.WithTimeout(ctx, readPatience)
		a := answer{Subject: t.Subject, Sent: now()}
		s, source, found, err := cache.Lookup(readCtx, t.Key)
		a.Got = now()
		cancel()
		a.Hit, a.Epoch, a.Version = source == listener.FromCache, s.Epoch, s.Version
		if !found {
			a.Version = ended
		}
		if err != nil {
			continue // the database is away: that is no answer
		}
		w.mu.Lock()
		w.next.Answers = append(w.next.Answers, a)
		w.mu.Unlock()
	}
}

// write changes sessions at its pace, which a slow write does not change.
func (w *worker) write(ctx context.Context, cache *listener.Cache) {
	pace := time.NewTicker(w.WriteEvery)
	defer pace.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-pace.C:
		}
		t, ok := w.pick()
		if !ok || t.ByHand {
			continue
		}
		writeCtx, cancel := context.WithTimeout(ctx, readPatience)
		asked := now()
		s, err := cache.SessionMerge(writeCtx, t.Key, map[string]int{"n": n})
		cancel()
		if errors.Is(err, client.ErrGone) {
			continue
		}
		w.wrote(write{Subject: t.Subject, Asked: asked, Acked: now(), Version: s.Version, Epoch: s.Epoch, Unknown: err != nil})
	}
}

// revoke ends a session behind the barrier.
func (w *worker) revoke(ctx context.Context, t target) {
	cache := w.cache.Load()
	if cache == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, revokePatience)
	defer cancel()
	asked := now()
	_, err := cache.SessionCloseWait(ctx, t.Key)
	w.wrote(write{Subject: t.Subject, Asked: asked, Acked: now(), Version: ended, Barrier: err == nil, Unknown: err != nil})
}

func (w *worker) wrote(done write) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next.Writes = append(w.next.Writes, done)
}

// report reports until ctx ends.
func (w *worker) report(ctx context.Context, cache *listener.Cache) error {
	for {
		if err := w.send(cache); err != nil {
			return err
		}
		if !pause(ctx, reportEvery) {
			return nil
		}
	}
}

func (w *worker) send(cache *listener.Cache) error {
	w.mu.Lock()
	r := w.next
	w.next = report{}
	w.mu.Unlock()
	s := cache.Stats()
	r.Stats = health{Deaf: s.Deaf, Malformed: s.Malformed, Wall: wallAhead()}
	return w.out.Encode(r)
}

// pause is the pace of work that never ends: it waits for d and reports whether to go on.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
