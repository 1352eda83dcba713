//go:build unix

package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// ErrBroken is returned by [Suite.Run] where an answer broke a promise, a fault did not go as it should, or the control
// was not caught.
var ErrBroken = errors.New("not as promised")

// Suite says how to run the faults.
type Suite struct {
	// Executable is a program that calls [Worker] where [IsWorker]; Faulty is the same, built with the tag faultseam.
	// Without Faulty there is no control.
	Executable, Faulty string
	// Lease is T, Poll is P. Zero: 1 second and 250 milliseconds.
	Lease, Poll time.Duration
	// Short runs those faults alone that are part of the short form, in less time.
	Short bool
	// Only runs the faults alone whose names it matches; nil: all.
	Only *regexp.Regexp
	// Parallel is how many happen at the same time; 0: 1.
	Parallel int
	// Verbose has the processes log, which shows where one fails.
	Verbose bool
	// Out gets the progress and the table; nil: nobody does.
	Out io.Writer
}

// Run runs the faults and returns a row for each that happened. With ErrBroken the rows are complete. It leaves nothing
// behind, also when ctx ends early.
func (s *Suite) Run(ctx context.Context) ([]Row, error) {
	s.withDefaults()
	shared, err := newHost(ctx)
	if err != nil {
		return nil, err
	}
	defer shared.close(ctx)
	var chosen []Fault
	for _, f := range inModes(faults(s.Short), s.Short) {
		if (!s.Short || f.Short) && (s.Only == nil || s.Only.MatchString(f.Name)) && (!f.Control || s.Faulty != "") {
			chosen = append(chosen, f)
		}
	}
	rows := s.runAll(ctx, shared, chosen)
	s.print(rows)
	if err := context.Cause(ctx); err != nil {
		return rows, err
	}
	err = problems(chosen, rows)
	return slices.DeleteFunc(rows, func(r Row) bool { return r.skipped != "" }), err
}

func (s *Suite) withDefaults() {
	if s.Lease == 0 {
		s.Lease = time.Second
	}
	if s.Poll == 0 {
		s.Poll = 250 * time.Millisecond
	}
	if s.Out == nil {
		s.Out = io.Discard
	}
}

// runAll has the faults happen, several at a time. What takes minutes goes on beside all others.
func (s *Suite) runAll(ctx context.Context, shared *host, chosen []Fault) []Row {
	rows := make([]Row, len(chosen))
	places := make(chan struct{}, max(1, s.Parallel))
	var running sync.WaitGroup
	var out sync.Mutex
	for n, f := range chosen {
		if f.Bound == 0 {
			places <- struct{}{}
		}
		running.Go(func() {
			if f.Bound == 0 {
				defer func() { <-places }()
			}
			rows[n] = Row{Fault: f.Name, err: context.Cause(ctx)}
			if ctx.Err() == nil {
				rows[n] = s.runOne(ctx, shared, f)
			}
			out.Lock()
			defer out.Unlock()
			fmt.Fprintln(s.Out, rows[n].line())
		})
	}
	running.Wait()
	return rows
}

// runOne has one fault happen in a scene of its own.
func (s *Suite) runOne(ctx context.Context, shared *host, f Fault) Row {
	scene := &scene{Fault: f, suite: s, host: shared}
	if f.Skip != nil {
		if why := f.Skip(); why != "" {
			return Row{Fault: f.Name, skipped: why}
		}
	}
	defer scene.close(ctx)
	if err := scene.build(ctx); err != nil {
		return Row{Fault: f.Name, err: errors.Join(err, scene.stop(ctx))}
	}
	err := scene.play(ctx)
	err = errors.Join(err, scene.stop(ctx))
	row := scene.judge()
	row.err = errors.Join(err, row.err)
	if err != nil && s.Verbose {
		for _, p := range scene.processes {
			fmt.Fprintf(s.Out, "worker %d:\n%s\n", p.number, p.log.String())
		}
	}
	return row
}

// problems says what was not as promised.
func problems(chosen []Fault, rows []Row) error {
	var errs []error
	for n, r := range rows {
		f := chosen[n]
		switch {
		case r.skipped != "":
		case r.err != nil:
			errs = append(errs, fmt.Errorf("%s: %w", f.Name, r.err))
		case f.Control && r.Stale == 0:
			errs = append(errs, fmt.Errorf("%s: no answer was stale, so the checkers see nothing", f.Name))
		case !f.Control && r.Stale > 0:
			errs = append(errs, fmt.Errorf("%s: %d answers broke a promise: %s", f.Name, r.Stale, r.detail))
		case r.Hits == 0 || r.Requests == 0:
			errs = append(errs, fmt.Errorf("%s: nothing was served from memory", f.Name))
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrBroken, errors.Join(errs...))
}

// line is a row while the suite runs.
func (r *Row) line() string {
	switch {
	case r.skipped != "":
		return fmt.Sprintf("%-58s SKIPPED: %s", r.Fault, r.skipped)
	case r.err != nil:
		return fmt.Sprintf("%-58s FAILED: %v", r.Fault, strings.ReplaceAll(r.err.Error(), "\n", " "))
	}
	return fmt.Sprintf("%-58s %d requests, %d hits, %d stale %s", r.Fault, r.Requests, r.Hits, r.Stale, r.detail)
}

// print prints the table.
func (s *Suite) print(rows []Row) {
	fmt.Fprintln(s.Out)
	table := tabwriter.NewWriter(s.Out, 0, 0, 1, ' ', 0)
	fmt.Fprintln(table, "| fault\t| requests\t| hits\t| stale\t| longest, ms\t| recovered, ms\t|")
	fmt.Fprintln(table, "| ---\t| ---:\t| ---:\t| ---:\t| ---:\t| ---:\t|")
	for _, r := range rows {
		if r.skipped != "" {
			fmt.Fprintf(table, "| %s (skipped: %s)\t| \t| \t| \t| \t| \t|\n", r.Fault, r.skipped)
			continue
		}
		fmt.Fprintf(table, "| %s\t| %d\t| %d\t| %d\t| %.1f\t| %.0f\t|\n", r.Fault, r.Requests, r.Hits, r.Stale, r.LongestMS, r.RecoverMS)
	}
	_ = table.Flush()
}

// Write writes the rows as a JSON list.
func Write(path string, rows []Row) error {
	text, err := json.MarshalIndent(rows, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644) //nolint:gosec // for everybody to read
}
