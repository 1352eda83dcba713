package demo

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestStatementsAreCountedByRole(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	write := func(lines ...string) {
		t.Helper()
		file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteString(strings.Join(lines, "\n") + "\n"); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
	const prefix = "2026-11-23 00:00:00.000 UTC [1] "
	write(prefix + "webapp@demo/pgsession serve LOG:  execute stmtcache_1: select before")
	log, err := openStatementLog(path, "webapp")
	if err != nil {
		t.Fatal(err)
	}
	defer log.close()
	write(
		prefix+"webapp@demo/pgsession serve LOG:  execute stmtcache_1: select 1",
		"\tfrom a second line LOG:  execute nothing",
		prefix+"webapp@demo/pgsession serve LOG:  statement: begin",
		prefix+"webapp@demo/pgsession serve LOG:  disconnection",
		prefix+"postgres@demo/webapp@ LOG:  statement: select 2",
		prefix+"LOG:  checkpoint starting",
	)
	if n, err := log.count(); n != 2 || err != nil {
		t.Errorf("%d statements, %v", n, err)
	}
}

func TestEnvironmentNamesNoDatabase(t *testing.T) {
	t.Parallel()
	got := withoutDatabase([]string{"PATH=/bin", "PGHOST=x", "PGOPTIONS=-c x=y", "DATABASE_URL=x", "DATABASE_URLS=y", "PGSESSION_FAULT=z"})
	if want := []string{"PATH=/bin", "DATABASE_URLS=y", "PGSESSION_FAULT=z"}; !slices.Equal(got, want) {
		t.Errorf("%v, wanted %v", got, want)
	}
}

func TestPercentile(t *testing.T) {
	t.Parallel()
	var d []time.Duration
	for i := range 100 {
		d = append(d, time.Duration(100-i))
	}
	if p50, p99, p100 := percentile(d, 50), percentile(d, 99), percentile(d, 100); p50 != 50 || p99 != 99 || p100 != 100 {
		t.Errorf("%d, %d, %d", p50, p99, p100)
	}
	if percentile(nil, 99) != 0 || percentile(d[:1], 1) != 100 {
		t.Error("of nothing or of one")
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	if err := problems(verdict{oldest: time.Hour}, nil); err != nil {
		t.Errorf("nothing is wrong: %v", err)
	}
	lost := errors.New("lost")
	for _, err := range []error{
		problems(verdict{stale: 1}, nil), problems(verdict{lost: 1}, nil), problems(verdict{altered: 1}, nil), problems(verdict{backwards: 1}, nil),
		problems(verdict{}, []error{lost}),
	} {
		if !errors.Is(err, ErrNotCoherent) {
			t.Errorf("error: %v", err)
		}
	}
}
