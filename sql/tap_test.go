package sql_test

import (
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/pgsession/pgsession/internal/pgtest"
)

// The rules of the tables, as a DBA would read them, in pgTAP: every file of testdata/tap on a database of its own.
func TestRulesOfTheTables(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/tap/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".sql"), func(t *testing.T) {
			t.Parallel()
			db := pgtest.New(t)
			db.Extension(t, "pgtap", "Debian: the package postgresql-NN-pgtap")
			for _, complaint := range complaints(psql(t, db, document(t, file))) {
				t.Error(complaint)
			}
		})
	}
}

// A failure, and a test that never ran, are complained of.
func TestComplaintsOfTAP(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		output string
		says   []string
	}{
		{"1..2\nok 1 - a\nok 2 - b\n", nil},
		{"1..2\nok 1 - a\nnot ok 2 - b\n# Failed test 2: \"b\"\n#  have: 1\n#  want: 2\n", []string{"not ok 2 - b\n# Failed test 2: \"b\"\n#  have: 1\n#  want: 2"}},
		{"1..2\nok 1 - a\n", []string{"1 of 2 tests were run"}},
		{"ok 1 - a\n", []string{"there is no plan"}},
		{"", []string{"there is no plan"}},
		{"1..1\nok 1 - a\nsurprise\n", []string{"this is no TAP: surprise"}},
	} {
		same(t, tt.output, strings.Join(complaints(tt.output), "|"), strings.Join(tt.says, "|"))
	}
}

var (
	tapPlan = regexp.MustCompile(`^1\.\.(\d+)$`)
	tapTest = regexp.MustCompile(`^(not )?ok \d+( |$)`)
)

// complaints reads TAP and returns what is wrong: tests that failed, with what they say of it, and a plan that was not kept.
func complaints(output string) []string {
	var all []string
	planned, ran, failed := -1, 0, false
	for line := range strings.Lines(output) {
		line = strings.TrimSuffix(line, "\n")
		test := tapTest.FindStringSubmatch(line)
		plan := tapPlan.FindStringSubmatch(line)
		switch {
		case test != nil:
			ran++
			if failed = test[1] != ""; failed {
				all = append(all, line)
			}
		case plan != nil:
			planned, _ = strconv.Atoi(plan[1])
		case strings.HasPrefix(line, "#"):
			if failed {
				all[len(all)-1] += "\n" + line
			}
		case line != "":
			all = append(all, "this is no TAP: "+line)
		}
	}
	switch {
	case planned < 0:
		all = append(all, "there is no plan")
	case ran != planned:
		all = append(all, strconv.Itoa(ran)+" of "+strconv.Itoa(planned)+" tests were run")
	}
	return all
}
