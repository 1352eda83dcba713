//go:build unix

package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/listener"
)

const (
	// soakCaches are kept coherent in one process.
	soakCaches = 3
	// soakEntries is what each may hold.
	soakEntries = 2_000
	// soakSessions live at any time: far more than a cache may hold.
	soakSessions = 20_000
	// soakWorkers work over each cache.
	soakWorkers = 4
	// soakIdle is the idle lifetime of sessions, so that those which nobody reads again are swept.
	soakIdle = 30 * time.Second
	// soakSamples are taken over the whole time.
	soakSamples = 120
)

// ErrGrows is returned by [Soak] where something grew that should not have.
var ErrGrows = errors.New("memory is not flat")

// Sample is what the process and the database hold at an instant.
type Sample struct {
	At         time.Duration // since the soak began
	Heap       uint64        // bytes that live after a collection
	Goroutines int
	Entries    int   // the most that one cache holds
	Opened     int64 // sessions, since the soak began
	Answers    int64
	LogRows    int64 // of change_log
	Sessions   int64 // rows of sessions, expired ones included
}

// Soak keeps caches busy for d with sessions that come and go, far more than they may hold, and returns [ErrGrows] if
// memory, goroutines, the change log or the table of sessions grow on after the first third, by which all bounds
// have been reached. It takes at least a minute to mean anything. Samples go to out as they are taken.
func Soak(ctx context.Context, d time.Duration, out io.Writer) error {
	h, err := newHost(ctx)
	if err != nil {
		return err
	}
	defer h.close(context.WithoutCancel(ctx))
	name, err := h.database(ctx, map[string]string{"log_retention": "30 seconds", "notify": "doorbell"})
	if err != nil {
		return err
	}
	config, err := pgxpool.ParseConfig(h.server.DSN(name))
	if err != nil {
		return err
	}
	config.MaxConns = soakCaches * soakWorkers
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return err
	}
	defer pool.Close()
	s := &soak{pool: pool, duration: d, out: out}
	return s.run(ctx)
}

type soak struct {
	pool     *pgxpool.Pool
	duration time.Duration
	out      io.Writer

	caches          []*listener.Cache
	keys            [soakSessions]atomic.Pointer[client.Key]
	opened, answers atomic.Int64
}

func (s *soak) run(ctx context.Context) (err error) {
	defer func() {
		for _, c := range s.caches {
			err = errors.Join(err, c.Close(context.WithoutCancel(ctx)))
		}
	}()
	for range soakCaches {
		c, err := listener.Open(ctx, listener.Config{Pool: s.pool, MaxEntries: soakEntries, SweepInterval: 5 * time.Second})
		if err != nil {
			return err
		}
		s.caches = append(s.caches, c)
	}
	working, stop := context.WithTimeout(ctx, s.duration)
	defer stop()
	var tasks errgroup.Group
	for _, c := range s.caches {
		for range soakWorkers {
			tasks.Go(func() error { return s.work(working, c) })
		}
	}
	samples, err := s.sample(working)
	err = errors.Join(err, tasks.Wait(), context.Cause(ctx))
	if err != nil {
		return err
	}
	return Flat(samples)
}

// work reads, changes, rotates, ends and opens sessions until ctx ends.
func (s *soak) work(ctx context.Context, c *listener.Cache) error {
	for ctx.Err() == nil {
		if err := s.step(ctx, c); err != nil && ctx.Err() == nil && !errors.Is(err, client.ErrGone) {
			return err
		}
	}
	return nil
}

func (s *soak) step(ctx context.Context, c *listener.Cache) error {
	//nolint:gosec // to be spread, not to be secret
	place, dice := &s.keys[rand.N(len(s.keys))], rand.N(100)
	if dice < 50 { // half of the work is with a few sessions, which stay in memory
		place = &s.keys[rand.N(len(s.keys)/50)] //nolint:gosec // likewise
	}
	key := place.Load()
	if key == nil {
		return s.open(ctx, c, place)
	}
	switch {
	case dice < 4:
		_, err := c.SessionMerge(ctx, *key, map[string]int{"n": dice})
		return err
	case dice >= 98:
		_, err := c.SessionClose(ctx, *key)
		return errors.Join(err, s.open(ctx, c, place))
	case dice >= 96:
		token, _, err := c.SessionRotate(ctx, *key, "")
		if err != nil {
			place.Store(nil)
			return err
		}
		rotated := token.Key()
		place.Store(&rotated)
		return nil
	}
	_, found, err := c.SessionGet(ctx, *key)
	if err == nil && !found {
		place.Store(nil) // expired
	}
	s.answers.Add(1)
	return err
}

func (s *soak) open(ctx context.Context, c *listener.Cache, place *atomic.Pointer[client.Key]) error {
	token, _, err := c.SessionOpen(ctx, client.OpenOptions{Idle: soakIdle, Payload: map[string]string{"seen": time.Now().String()}})
	if err != nil {
		return err
	}
	key := token.Key()
	place.Store(&key)
	s.opened.Add(1)
	return nil
}

// sample takes samples until ctx ends.
func (s *soak) sample(ctx context.Context) ([]Sample, error) {
	began := time.Now()
	tick := time.NewTicker(s.duration / soakSamples)
	defer tick.Stop()
	table := tabwriter.NewWriter(s.out, 9, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "time\theap, KiB\tgoroutines\tentries\topened\tanswers\tlog rows\trows\t")
	var samples []Sample
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return samples, table.Flush()
		case <-tick.C:
		}
		x, err := s.look(ctx)
		if err != nil {
			if ctx.Err() != nil {
				continue
			}
			return samples, err
		}
		x.At = time.Since(began)
		samples = append(samples, x)
		if n%(soakSamples/20) == 0 {
			fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", x.At.Round(time.Second), x.Heap>>10, x.Goroutines, x.Entries,
				x.Opened, x.Answers, x.LogRows, x.Sessions)
			_ = table.Flush()
		}
	}
}

func (s *soak) look(ctx context.Context) (Sample, error) {
	x := Sample{Goroutines: runtime.NumGoroutine(), Opened: s.opened.Load(), Answers: s.answers.Load()}
	for _, c := range s.caches {
		x.Entries = max(x.Entries, c.Stats().Entries)
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	x.Heap = m.HeapAlloc
	err := s.pool.QueryRow(ctx, "select (select count(*) from pgsession.change_log), (select count(*) from pgsession.sessions)").Scan(&x.LogRows, &x.Sessions)
	return x, err
}

// Flat returns [ErrGrows] if what the samples show grows from the second third of them to the last, by more than a tenth
// and what is noise.
func Flat(samples []Sample) error {
	if len(samples) < 12 {
		return fmt.Errorf("%d samples show nothing: soak for longer", len(samples))
	}
	third := len(samples) / 3
	middle, last := samples[third:2*third], samples[2*third:]
	var errs []error
	for _, m := range []struct {
		name  string
		noise float64
		of    func(Sample) float64
	}{
		{"bytes of heap", 1 << 20, func(s Sample) float64 { return float64(s.Heap) }},
		{"goroutines", 4, func(s Sample) float64 { return float64(s.Goroutines) }},
		{"rows of change_log", 5_000, func(s Sample) float64 { return float64(s.LogRows) }},
		{"rows of sessions", 5_000, func(s Sample) float64 { return float64(s.Sessions) }},
	} {
		before, after := median(middle, m.of), median(last, m.of)
		if after > before*1.1+m.noise {
			errs = append(errs, fmt.Errorf("%w: %.0f %s in the second third, %.0f in the last", ErrGrows, before, m.name, after))
		}
	}
	for _, s := range samples {
		if s.Entries > soakEntries*11/10 { // a cache may be above its bound for an instant
			errs = append(errs, fmt.Errorf("%w: a cache held %d entries of %d at %s", ErrGrows, s.Entries, soakEntries, s.At))
			break
		}
	}
	return errors.Join(errs...)
}

func median(samples []Sample, of func(Sample) float64) float64 {
	values := make([]float64, len(samples))
	for n, s := range samples {
		values[n] = of(s)
	}
	slices.Sort(values)
	return values[len(values)/2]
}
