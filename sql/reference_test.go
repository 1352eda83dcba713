package sql_test

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/internal/pgtest"
	"github.com/pgsession/pgsession/sql"
)

var (
	code       = regexp.MustCompile(`SE\d{3}`)
	raisedCode = regexp.MustCompile(`fail\('(SE\d{3})'`)
	codeRow    = regexp.MustCompile(`(?m)^\| (SE\d{3}) \| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$`)
	quoted     = regexp.MustCompile("`([a-z_]+)`")
)

func document(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// set sorts and removes doubles.
func set(texts []string) []string {
	texts = slices.Clone(texts)
	slices.Sort(texts)
	return slices.Compact(texts)
}

// granted makes a role with the rights of an application.
func granted(t *testing.T, db *pgtest.DB, conn *pgx.Conn) string {
	t.Helper()
	role := db.As(t).User
	exec(t, conn, "select pgsession.grant_app($1)", role)
	return role
}

// All codes that the SQL raises or mentions are in the registry, and the other way round.
func TestErrorRegistry(t *testing.T) {
	t.Parallel()
	var raised, mentioned, registered []string
	err := fs.WalkDir(sql.FS, ".", func(file string, _ fs.DirEntry, err error) error {
		if err != nil || path.Ext(file) != ".sql" {
			return err
		}
		text := read(t, file)
		mentioned = append(mentioned, code.FindAllString(text, -1)...)
		for _, m := range raisedCode.FindAllStringSubmatch(text, -1) {
			raised = append(raised, m[1])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	rows := codeRow.FindAllStringSubmatch(document(t, "ERRORS.md"), -1)
	for _, row := range rows {
		registered = append(registered, row[1])
	}
	if !slices.Equal(set(registered), registered) {
		t.Errorf("registered out of order, or twice: %v", registered)
	}
	if !slices.Equal(set(raised), registered) || !slices.Equal(set(mentioned), registered) {
		t.Errorf("raised: %v, mentioned: %v, registered: %v", set(raised), set(mentioned), registered)
	}

	// Who raises a code says so in its comment.
	var api []string
	for _, file := range functionFiles(t) {
		if name, ok := strings.CutPrefix(file, "api/"); ok {
			api = append(api, strings.TrimSuffix(name, ".sql"))
		}
	}
	_, conn := start(t)
	for _, row := range rows {
		said := list[string](t, conn, `select distinct p.proname::text from pg_catalog.pg_proc p
			where pg_catalog.obj_description(p.oid, 'pg_proc') ~ ('\m' || $1 || '\M') and p.proname = any ($2) and `+ours, row[1], api)
		var listed []string
		for _, m := range quoted.FindAllStringSubmatch(strings.Split(row[3], "; a plain")[0], -1) {
			listed = append(listed, m[1])
		}
		if strings.HasPrefix(row[3], "a plain") {
			listed = nil
		}
		if !slices.Equal(set(listed), set(said)) {
			t.Errorf("%s is raised, by their comments, by %v; by the registry, by %v", row[1], set(said), set(listed))
		}
	}
}

// signature is a line of the reference that a test holds against the catalogue.
var signature = regexp.MustCompile(`(?m)^[a-z_]+\(.*\) returns .*$`)

// The reference has every function that grant_app grants, and those for administrators, as they are.
func TestReferenceHasEverySignature(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	installed := list[string](t, conn, `
		select concat(p.proname, '(', pg_catalog.pg_get_function_arguments(p.oid), ') returns ', pg_catalog.pg_get_function_result(p.oid))
		  from pg_catalog.pg_proc p
		 where (pg_catalog.has_function_privilege($1, p.oid, 'execute') or p.proname in ('grant_app', 'import_session', 'import_user', 'session_close_all')) and `+ours, granted(t, db, conn))
	shorten := strings.NewReplacer(
		"TABLE(id bigint, key bytea, username text, payload jsonb, version bigint, createddate timestamp with time zone, expires timestamp with time zone, expiresecs integer, ttl interval, epoch uuid)", "setof session_info",
		"token text, id bigint, key bytea, username text, payload jsonb, version bigint, createddate timestamp with time zone, expires timestamp with time zone, expiresecs integer, ttl interval, epoch uuid)", "token text, session_info)",
		"TABLE(id bigint, username text, status text, payload jsonb, version bigint, createddate timestamp with time zone, lastlogin timestamp with time zone, lasthit timestamp with time zone)", "setof user_info",
		"timestamp with time zone", "timestamptz", "TABLE(", "table(", " DEFAULT '{}'::jsonb", " = '{}'", " DEFAULT ", " = ")
	null := regexp.MustCompile(`NULL::[a-z_]+`)
	for i, s := range installed {
		installed[i] = null.ReplaceAllString(shorten.Replace(s), "null")
	}
	described := signature.FindAllString(document(t, "README.md"), -1)
	for _, s := range installed {
		if !slices.Contains(described, s) {
			t.Errorf("not in README.md: %s", s)
		}
	}
	for _, s := range described {
		if !slices.Contains(installed, s) {
			t.Errorf("in README.md, but not installed: %s", s)
		}
	}
}

// The settings that the reference lists are those that there are, with their defaults.
func TestReferenceHasEverySetting(t *testing.T) {
	t.Parallel()
	var there, described []string
	for _, m := range regexp.MustCompile(`when '(\w+)' +then v_value := '(.*?)';`).FindAllStringSubmatch(read(t, "api/setting.sql"), -1) {
		there = append(there, m[1]+" "+m[2])
	}
	_, table, _ := strings.Cut(document(t, "README.md"), "\n## Settings\n")
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (?:`([^`]+)`|none) \\|").FindAllStringSubmatch(table, -1) {
		described = append(described, m[1]+" "+m[2])
	}
	if !slices.Equal(set(there), set(described)) {
		t.Errorf("there are %q, described are %q", set(there), set(described))
	}
}

// The examples of the reference work, one after the other.
func TestReferenceExamples(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	blocks := regexp.MustCompile("(?s)```psql\n(.*?)```").FindAllStringSubmatch(document(t, "README.md"), -1)
	if len(blocks) < 10 {
		t.Errorf("%d examples", len(blocks))
	}
	var all strings.Builder
	for _, block := range blocks {
		all.WriteString(block[1])
	}
	psql(t, db, strings.ReplaceAll(all.String(), "'app'", "'"+db.As(t).User+"'"), "--set=ON_ERROR_STOP=on")
}
