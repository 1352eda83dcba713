//go:build unix

package chaos_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pgsession/pgsession/internal/chaos"
)

func TestMain(m *testing.M) {
	if chaos.IsWorker() {
		if err := chaos.Worker(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	// toxiproxy leaves some of its own behind.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"))
}

// TestShortForm runs the faults that are quick. All of them: go run ./internal/chaos/cmd, or make chaos.
func TestShortForm(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	suite := &chaos.Suite{
		Executable: self, Faulty: faulty(t), Short: true, Parallel: 4, Out: t.Output(),
		Lease: 600 * time.Millisecond, Poll: 100 * time.Millisecond,
	}
	if _, err := suite.Run(t.Context()); err != nil {
		t.Error(err)
	}
}

// faulty builds the worker in which parts of the protocol can be switched off.
func faulty(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "faulty")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-tags", "faultseam", "-o", path, "./cmd").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}
