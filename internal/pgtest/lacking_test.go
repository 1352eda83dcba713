package pgtest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgsession/pgsession/internal/pgtest"
)

// ended is a test of which only the manner of its end is of interest.
type ended struct {
	testing.TB
	skipped, failed string
}

func (e *ended) Helper() {}
func (e *ended) Skip(args ...any) {
	e.skipped, _ = args[0].(string)
	panic(e)
}
func (e *ended) Fatalf(format string, _ ...any) {
	e.failed = format
	panic(e)
}

// lacking calls Lacking for a test that is none.
func lacking(t *testing.T, what, why string) *ended {
	t.Helper()
	e := &ended{TB: t}
	func() {
		defer func() { _ = recover() }()
		pgtest.Lacking(e, what, why)
	}()
	return e
}

func TestLackingIsSkippedAndSaid(t *testing.T) {
	noted := filepath.Join(t.TempDir(), "skipped")
	t.Setenv(pgtest.RequireVariable, "psql,pgtap")
	t.Setenv(pgtest.SkippedVariable, noted)
	for _, what := range []string{"nosuch", "sql"} {
		if e := lacking(t, what, "no "+what); e.failed != "" || !strings.Contains(e.skipped, "no "+what) {
			t.Errorf("%s: %+v", what, e)
		}
	}
	text, err := os.ReadFile(noted)
	if want := t.Name() + ": no nosuch\n" + t.Name() + ": no sql\n"; err != nil || string(text) != want {
		t.Errorf("noted %q, %v; should be %q", text, err, want)
	}
}

func TestLackingFailsWhereItIsRequired(t *testing.T) {
	t.Setenv(pgtest.RequireVariable, "psql,pgtap")
	t.Setenv(pgtest.SkippedVariable, filepath.Join(t.TempDir(), "skipped"))
	for _, what := range []string{"psql", "pgtap"} {
		if e := lacking(t, what, "why"); e.failed == "" || e.skipped != "" {
			t.Errorf("%s: %+v", what, e)
		}
	}
}

func TestClientProgramIsFound(t *testing.T) {
	t.Parallel()
	if program := pgtest.Empty(t).Program(t, "psql"); !filepath.IsAbs(program) {
		t.Errorf("psql is %q", program)
	}
}
