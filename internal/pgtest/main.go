package pgtest

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"
)

// DSNVariable names the environment variable that, when set, has the tests use a running server. Its value is a DSN of
// a database there, which is connected to but not changed.
const DSNVariable = "PGSESSION_TEST_DSN"

// Option is an option of [Main].
type Option func(*suite)

// WithTemplate has migrate fill the template of all databases, but those of [Empty]. It runs once, before the first
// database is made; conn is closed for it. Without this option databases are empty.
func WithTemplate(migrate func(ctx context.Context, conn *pgx.Conn) error) Option {
	return func(s *suite) { s.migrate = migrate }
}

// WithLeakOptions tells the check for goroutines left behind what to let pass.
func WithLeakOptions(options ...goleak.Option) Option {
	return func(s *suite) { s.leak = append(s.leak, options...) }
}

// suite is what the tests of one process share.
type suite struct {
	migrate func(context.Context, *pgx.Conn) error
	leak    []goleak.Option
	shared  lazyCluster
}

// running is the suite of this process. The testing package hands a test nothing from TestMain, and a process has one
// TestMain: this is the only state that pgtest keeps.
var running atomic.Pointer[suite]

// Main runs a package's tests and exits. Call it from TestMain, as its last statement.
func Main(m *testing.M, options ...Option) { os.Exit(Run(m, options...)) }

// Run is [Main] for a TestMain that has something to do afterwards; it returns the status to exit with.
func Run(m *testing.M, options ...Option) int {
	s := &suite{}
	for _, option := range options {
		option(s)
	}
	if !running.CompareAndSwap(nil, s) {
		fmt.Fprintln(os.Stderr, "pgtest: Main is running already")
		return 2
	}
	defer running.Store(nil)
	code := m.Run()
	if err := s.shared.close(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
		code = max(code, 1)
	}
	// Tests that failed may well have left something behind: one message is enough.
	if code == 0 {
		if err := goleak.Find(s.leak...); err != nil {
			fmt.Fprintln(os.Stderr, "pgtest: tests left goroutines behind:", err)
			code = 1
		}
	}
	return code
}

// current returns the suite, without which there is nothing to give to a test.
func current(t testing.TB) *suite {
	t.Helper()
	s := running.Load()
	if s == nil {
		t.Fatal("pgtest: the package's TestMain has to call pgtest.Main")
	}
	return s
}
