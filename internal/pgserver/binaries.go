package pgserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Binaries is a folder of PostgreSQL's server programs.
type Binaries struct {
	// Dir is the folder's absolute path. It holds at least postgres and initdb.
	Dir string
	// Version is as the server tells it: "15.18", "18beta1".
	Version string
	// Major is the version's first number: 15.
	Major int
	// Minor is the version's second number, 18 in 15.18; 0 before a release.
	Minor int
}

var versionText = regexp.MustCompile(`\(PostgreSQL\) ((\d+)(?:\.(\d+))?\S*)`)

// probe looks whether dir holds a server that is new enough, and that the account it would run as can start.
func probe(ctx context.Context, dir string) (Binaries, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Binaries{}, err
	}
	who, err := serverAccount()
	if err != nil {
		return Binaries{}, err
	}
	for _, program := range []string{"postgres", "initdb"} {
		if _, err := exec.LookPath(filepath.Join(dir, program)); err != nil {
			return Binaries{}, fmt.Errorf("%s: no program %s there (a package of client programs alone is not enough)", dir, program)
		}
	}
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version").Output() //nolint:gosec // running what was found is the purpose
	if err != nil {
		return Binaries{}, fmt.Errorf("%s: postgres --version: %w", dir, err)
	}
	m := versionText.FindStringSubmatch(string(out))
	if m == nil {
		return Binaries{}, fmt.Errorf("%s: postgres --version says %q", dir, strings.TrimSpace(string(out)))
	}
	b := Binaries{Dir: dir, Version: m[1]}
	b.Major, _ = strconv.Atoi(m[2])
	b.Minor, _ = strconv.Atoi(m[3])
	if b.Major < OldestMajor {
		return Binaries{}, fmt.Errorf("%s: version %s is older than %d", dir, b.Version, OldestMajor)
	}
	if !who.canReach(dir) {
		return Binaries{}, fmt.Errorf("%s: closed to %s, which has to run it because root must not", dir, who)
	}
	return b, nil
}

func (b Binaries) newer(than Binaries) bool {
	return b.Major > than.Major || b.Major == than.Major && b.Minor > than.Minor
}

// Has reports whether a program is among these: some packages bring what runs a server, and neither pg_basebackup nor psql.
func (b Binaries) Has(name string) bool {
	_, err := exec.LookPath(b.program(name))
	return err == nil
}

func (b Binaries) program(name string) string { return filepath.Join(b.Dir, name) }

// HasExtension reports whether an extension's files are installed beside these binaries. Distributions put them into a
// package of their own, and into places that only the binaries know; so initdb is asked.
func (b Binaries) HasExtension(ctx context.Context, name string) (bool, error) {
	who, err := serverAccount()
	if err != nil {
		return false, err
	}
	// --show only prints; the data directory has to be named, not to exist.
	cmd := exec.CommandContext(ctx, b.program("initdb"), "--show", "-D", filepath.Join(os.TempDir(), "pgsession-none")) //nolint:gosec // as above
	cmd.Env, cmd.Dir = serverEnv(), "/"
	cmd.SysProcAttr = childAttr(who)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return false, fmt.Errorf("initdb --show: %w: %s", err, strings.TrimSpace(string(out)))
	}
	for line := range strings.Lines(string(out)) {
		if share, ok := strings.CutPrefix(strings.TrimSpace(line), "share_path="); ok {
			_, err := os.Stat(filepath.Join(share, "extension", name+".control"))
			if errors.Is(err, os.ErrNotExist) {
				return false, nil
			}
			return err == nil, err
		}
	}
	return false, errors.New("initdb --show: no share_path in its answer")
}
