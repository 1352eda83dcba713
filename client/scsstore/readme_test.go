package scsstore_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestReadme has every row of the tables name tests that there are: of this package before a semicolon, of gorillastore after it.
func TestReadme(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^\|.*\| ([^|]*) \|$`).FindAllStringSubmatch(string(text), -1)
	named := regexp.MustCompile("`(Test\\w+)")
	for _, row := range rows {
		cell := row[1]
		if cell == "shown by" || strings.HasPrefix(cell, "---") || strings.HasPrefix(cell, "the `cache` half") {
			continue
		}
		if !named.MatchString(cell) {
			t.Errorf("shown by no test: %s", row[0])
		}
		here, there, _ := strings.Cut(cell, ";")
		for folder, cell := range map[string]string{".": here, "../gorillastore": there} {
			for _, name := range named.FindAllStringSubmatch(cell, -1) {
				if !strings.Contains(tests(t, folder), "func "+name[1]+"(") {
					t.Errorf("%s has no %s", folder, name[1])
				}
			}
		}
	}
	if len(rows) < 15 {
		t.Errorf("%d rows", len(rows))
	}
}

// tests is the text of a package's tests.
func tests(t *testing.T, folder string) string {
	t.Helper()
	files, err := filepath.Glob(folder + "/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}
