//go:build unix

package pgserver_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgsession/pgsession/internal/pgserver"
)

// fake makes a folder with programs that only tell their version; empty makes no postgres.
func fake(t *testing.T, dir, version string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf("#!/bin/sh\necho 'postgres (PostgreSQL) %s'\n", version)
	for _, name := range []string{"postgres", "initdb"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestSearch(t *testing.T) {
	t.Parallel()
	root := openDir(t)
	v13 := fake(t, filepath.Join(root, "13/bin"), "13.21")
	v14 := fake(t, filepath.Join(root, "14/bin"), "14.2 (Debian 14.2-1.pgdg110+1)")
	v15 := fake(t, filepath.Join(root, "15/bin"), "15.18")
	fake(t, filepath.Join(root, "9/bin"), "9.6.24")
	v18 := fake(t, filepath.Join(root, "18/bin"), "18beta1")
	noInitdb := fake(t, filepath.Join(root, "half"), "16.1")
	if err := os.Remove(filepath.Join(noInitdb, "initdb")); err != nil {
		t.Fatal(err)
	}
	links := filepath.Join(root, "links") // of the server alone, as some systems put it into /usr/local/bin
	if err := os.Mkdir(links, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(v14, "postgres"), filepath.Join(links, "postgres")); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(root, "missing")
	path := func(dirs ...string) string { return strings.Join(dirs, string(filepath.ListSeparator)) }
	all := []string{filepath.Join(root, "*", "bin")}

	for _, test := range []struct {
		name   string
		search pgserver.Search
		dir    string // empty: not found
		says   string
	}{
		{"the named folder", pgserver.Search{Bin: v14, Path: v15, Folders: all}, v14, ""},
		{"the named folder only", pgserver.Search{Bin: missing, Path: v15, Folders: all}, "", missing},
		{"the named folder is too old", pgserver.Search{Bin: v13, Path: v15}, "", "older than 14"},
		{"the named folder has no initdb", pgserver.Search{Bin: noInitdb, Path: v15}, "", "initdb"},
		{"the first of PATH", pgserver.Search{Path: path(missing, "", ".", v14, v15), Folders: all}, v14, ""},
		{"an old one in PATH", pgserver.Search{Path: path(v13, noInitdb, v15)}, v15, ""},
		{"a link in PATH", pgserver.Search{Path: links}, v14, ""},
		{"the newest folder", pgserver.Search{Path: v13, Folders: all}, v18, ""},
		{"nothing new enough", pgserver.Search{Path: v13}, "", "13.21 is older than 14"},
		{"nothing at all", pgserver.Search{}, "", pgserver.BinVariable},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b, err := test.search.Find(t.Context())
			switch {
			case test.dir == "" && (!errors.Is(err, pgserver.ErrNotFound) || !strings.Contains(err.Error(), test.says)):
				t.Errorf("%+v, %v", b, err)
			case test.dir != "" && (err != nil || b.Dir != test.dir):
				t.Errorf("%+v, %v; want %s", b, err, test.dir)
			}
		})
	}
}

func TestVersions(t *testing.T) {
	t.Parallel()
	root := openDir(t)
	for text, want := range map[string]pgserver.Binaries{
		"14.0":                        {Version: "14.0", Major: 14},
		"15.18 (Debian 15.18-0+deb1)": {Version: "15.18", Major: 15, Minor: 18},
		"18beta1":                     {Version: "18beta1", Major: 18},
		"19devel":                     {Version: "19devel", Major: 19},
	} {
		want.Dir = fake(t, filepath.Join(root, text), text)
		b, err := pgserver.Search{Bin: want.Dir}.Find(t.Context())
		if err != nil || b != want {
			t.Errorf("%s: %+v, %v; want %+v", text, b, err, want)
		}
	}
}

func TestFoundOnThisMachine(t *testing.T) {
	t.Parallel()
	b, err := pgserver.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"plpgsql": true, "no_such_extension": false} {
		if got, err := b.HasExtension(t.Context(), name); err != nil || got != want {
			t.Errorf("extension %s: %v, %v; want %v", name, got, err, want)
		}
	}
}
