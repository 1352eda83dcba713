package pgserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// BinVariable names the environment variable that, when set, says which folder holds PostgreSQL's binaries.
const BinVariable = "PGSESSION_PG_BIN"

// OldestMajor is the oldest major version of PostgreSQL that is accepted.
const OldestMajor = 14

// ErrNotFound is wrapped by the error of a search that found no PostgreSQL to run.
var ErrNotFound = errors.New("no usable PostgreSQL found")

// Search says where to look for the server's binaries. The zero value looks nowhere; [DefaultSearch] is what [Find]
// uses.
type Search struct {
	// Bin is the folder somebody has named. Unless empty it is the only one looked at: a choice that turns out wrong
	// is an error, not a reason to take another version.
	Bin string
	// Path is a list of folders as in the PATH environment variable. The first that holds a version new enough wins.
	Path string
	// Folders are glob patterns of further folders. The newest version in all of them wins.
	Folders []string
}

// DefaultSearch looks where PGSESSION_PG_BIN says, else along PATH, else in the folders that distributions use.
func DefaultSearch() Search {
	return Search{Bin: os.Getenv(BinVariable), Path: os.Getenv("PATH"), Folders: []string{
		"/usr/lib/postgresql/*/bin",         // Debian, Ubuntu
		"/usr/pgsql-*/bin",                  // PostgreSQL's own packages for RHEL and its kin
		"/usr/bin",                          // Fedora, RHEL, Arch
		"/usr/libexec/postgresql*",          // Alpine
		"/usr/lib/postgresql*/bin",          // SUSE
		"/usr/lib*/postgresql-*/bin",        // Gentoo
		"/opt/homebrew/opt/postgresql*/bin", // Homebrew on Apple silicon
		"/usr/local/opt/postgresql*/bin",    // Homebrew on Intel
		"/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
		"/Applications/Postgres.app/Contents/Versions/*/bin",
		"/Library/PostgreSQL/*/bin",      // EDB's installer
		"/opt/local/lib/postgresql*/bin", // MacPorts
		"/usr/local/pgsql/bin",           // PostgreSQL's own make install
		"/usr/local/bin",                 // FreeBSD
	}}
}

// Find looks for the server's binaries on this machine. See [DefaultSearch] for where, and [Search.Find] for the errors.
func Find(ctx context.Context) (Binaries, error) { return DefaultSearch().Find(ctx) }

// Find returns the binaries to use. The error wraps [ErrNotFound], names what was looked at and refused, and says what
// to install or to set. It runs `postgres --version` in each folder it considers.
func (s Search) Find(ctx context.Context) (Binaries, error) {
	if s.Bin != "" {
		b, err := probe(ctx, s.Bin)
		if err != nil {
			return Binaries{}, fmt.Errorf("%w: %s=%s: %w", ErrNotFound, BinVariable, s.Bin, err)
		}
		return b, nil
	}
	var refused []error
	for _, dir := range filepath.SplitList(s.Path) {
		b, ok, err := s.consider(ctx, dir)
		if ok {
			return b, nil
		}
		refused = append(refused, err)
	}
	var newest Binaries
	for _, pattern := range s.Folders {
		dirs, _ := filepath.Glob(pattern) // an error is a malformed pattern, which then matches nothing
		for _, dir := range dirs {
			b, ok, err := s.consider(ctx, dir)
			refused = append(refused, err)
			if ok && b.newer(newest) {
				newest = b
			}
		}
	}
	if err := ctx.Err(); err != nil {
		return Binaries{}, fmt.Errorf("looking for PostgreSQL: %w", err)
	}
	if newest.Dir == "" {
		return Binaries{}, notFound(refused)
	}
	return newest, nil
}

// consider probes dir if there is a `postgres` in it at all: most folders of a PATH are not worth a word.
// PATH often holds symbolic links to single programs (`/usr/local/bin/postgres`); the folder they lead to holds them all.
func (s Search) consider(ctx context.Context, dir string) (b Binaries, ok bool, err error) {
	if !filepath.IsAbs(dir) {
		return Binaries{}, false, nil // the server does not run in our working directory
	}
	program, err := exec.LookPath(filepath.Join(dir, "postgres"))
	if err != nil {
		return Binaries{}, false, nil //nolint:nilerr // no such program there: nothing to report
	}
	if target, err := filepath.EvalSymlinks(program); err == nil {
		if b, err := probe(ctx, filepath.Dir(target)); err == nil {
			return b, true, nil
		}
	}
	b, err = probe(ctx, dir)
	return b, err == nil, err
}

// notFound says everything that somebody without PostgreSQL needs to know.
func notFound(refused []error) error {
	var lines []string
	for _, err := range refused {
		if err != nil && !slices.Contains(lines, "\n  refused "+err.Error()) {
			lines = append(lines, "\n  refused "+err.Error())
		}
	}
	return fmt.Errorf(`%w: the server's programs (postgres, initdb) of version %d or newer are needed; no server has to run.
  Debian, Ubuntu: apt-get install postgresql
  Fedora, RHEL:   dnf install postgresql-server postgresql-contrib
  macOS:          brew install postgresql@17
If they are installed, set %s to the folder that holds them.%s`,
		ErrNotFound, OldestMajor, BinVariable, strings.Join(lines, ""))
}
