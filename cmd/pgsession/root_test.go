package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestExitStatus(t *testing.T) {
	noDatabase(t)
	const nowhere = "host=/nonexistent dbname=x password=hunter2"
	for _, tt := range []struct {
		name   string
		args   []string
		status int
		says   string // in what is printed
	}{
		{"nothing", nil, 0, "Available Commands"},
		{"help", []string{"help"}, 0, "DATABASE_URL"},
		{"help of a command", []string{"migrate", "down", "--help"}, 0, "--yes"},
		{"version", []string{"version"}, 0, "pgsession 0.1.0"},
		{"unknown command", []string{"sreve"}, 2, `unknown command "sreve"`},
		{"unknown flag", []string{"version", "--verbose"}, 2, "--verbose"},
		{"unknown argument", []string{"migrate", "up", "now"}, 2, "now"},
		{"group alone", []string{"migrate"}, 2, "needs a subcommand"},
		{"unknown subcommand", []string{"migrate", "sideways"}, 2, `"sideways"`},
		{"no database to migrate", []string{"migrate", "up"}, 2, "DATABASE_URL"},
		{"no database to ask", []string{"migrate", "status"}, 2, "DATABASE_URL"},
		{"no database to serve", []string{"serve"}, 2, "DATABASE_URL"},
		{"down without yes", []string{"migrate", "down", "--dsn", nowhere}, 2, "--yes"},
		{"down to where", []string{"migrate", "down", "--yes", "--to", "-1", "--dsn", nowhere}, 2, "--to"},
		{"down to what", []string{"migrate", "down", "--yes", "--to", "x", "--dsn", nowhere}, 2, "--to"},
		{"schema name", []string{"migrate", "up", "--schema", "No-Good", "--dsn", nowhere}, 2, "No-Good"},
		{"unreadable DSN", []string{"migrate", "up", "--dsn", "host=x password=hunter2 port=many"}, 2, "pgsession: dsn: cannot read"},
		{"database away", []string{"migrate", "up", "--dsn", nowhere}, 1, "connect"},
		{"database away, to serve", []string{"serve", "--listen", "127.0.0.1:0", "--dsn", nowhere}, 1, "connect"},
		{"nonsense to listen on", []string{"serve", "--listen", "nowhere", "--dsn", nowhere}, 1, "nowhere"},
		{"log level", []string{"serve", "--log-level", "loud", "--dsn", nowhere}, 2, "--log-level"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := runCommand(t, tt.args...)
			printed := got.out + got.err
			if got.status != tt.status || !strings.Contains(printed, tt.says) {
				t.Errorf("status %d, wanted %d and %q:\n%s", got.status, tt.status, tt.says, printed)
			}
			if strings.Contains(printed, "hunter2") {
				t.Errorf("the password is shown:\n%s", printed)
			}
			if tt.status != 0 && got.out != "" {
				t.Errorf("standard output of a failure: %s", got.out)
			}
		})
	}
}

func TestVersionForPrograms(t *testing.T) {
	got := runCommand(t, "version", "--json")
	var info versionInfo
	if err := json.Unmarshal([]byte(got.out), &info); err != nil || info.Version != release || info.Go == "" {
		t.Errorf("%s: %v", got.out, err)
	}
}

func TestWhereTheDatabaseIsNamed(t *testing.T) {
	noDatabase(t)
	t.Setenv("PGHOST", "/from-environment")
	if got := runCommand(t, "migrate", "status"); got.status != 1 || !strings.Contains(got.err, "/from-environment") {
		t.Errorf("PGHOST: %+v", got)
	}
	t.Setenv("DATABASE_URL", "host=/from-url")
	if got := runCommand(t, "migrate", "status"); got.status != 1 || !strings.Contains(got.err, "/from-url") {
		t.Errorf("DATABASE_URL before PGHOST: %+v", got)
	}
	if got := runCommand(t, "migrate", "status", "--dsn", "/from-flag"); got.status != 1 || !strings.Contains(got.err, "/from-flag") {
		t.Errorf("--dsn before DATABASE_URL, as a PyPgSQL connect string: %+v", got)
	}
}
