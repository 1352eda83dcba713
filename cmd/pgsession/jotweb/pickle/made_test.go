package pickle_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/pgsession/pgsession/internal/pgtest"
)

// The committed test data are what the committed script makes.
func TestTheSamplesAreWhatPythonMakes(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		pgtest.Lacking(t, "python3", "the program python3 is not there, to make the test data again")
	}
	folder := t.TempDir()
	cmd := exec.CommandContext(t.Context(), python, "../testdata/make.py", folder)
	var exit *exec.ExitError
	if out, err := cmd.CombinedOutput(); errors.As(err, &exit) && bytes.Contains(out, []byte("crypt")) {
		pgtest.Lacking(t, "crypt", "Python or the C library makes none of the old hashes: "+string(bytes.TrimSpace(out)))
	} else if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"pickles.jsonl", "site.sql"} {
		made, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		committed, err := os.ReadFile(filepath.Join("..", "testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(made, committed) {
			t.Errorf("%s is not what make.py makes", name)
		}
	}
}
