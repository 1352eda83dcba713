package main

import (
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A small run gives every figure, and the ones that do not depend on the machine are as they should be.
func TestFiguresInSmall(t *testing.T) {
	var out strings.Builder
	if err := measure(t.Context(), &out, scale{sessions: 10_000, touches: 2000, expired: 3000}); err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{
		`(?m)^\| 1024 \| 2\d{3} \| \d+ \|$`,                                              // four sessions of 1 KiB on a page
		`(?m)^\| 2000 \| \d+ \| (9\d\.\d\d|100\.00) % \| \d+\.\d MB \| [0-2]\.\d\d % \|`, // touches are heap-only, the table hardly grows
		`(?m)^\| 3000 \| \d+s \| \d+ \|`,
	} {
		if !regexp.MustCompile(row).MatchString(out.String()) {
			t.Errorf("no row is like %s:\n%s", row, out.String())
		}
	}
}
