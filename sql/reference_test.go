package sql_test

import (
	"flag"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

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

// update has the parts of the documents that come from the database written instead of compared.
var update = flag.Bool("update", false, "write the generated parts of README.md and ../README.md")

// updating has one test at a time write a document.
var updating sync.Mutex

// generated compares a part of a document, which stands between two comments, with what it should be.
func generated(t *testing.T, file, part, want string) {
	t.Helper()
	begin, end := "<!-- "+part+": written by go test ./sql -update -->\n", "<!-- end of "+part+" -->\n"
	written(t, file, part, func(text string) string {
		before, rest, opened := strings.Cut(text, begin)
		_, after, closed := strings.Cut(rest, end)
		if !opened || !closed {
			t.Fatalf("%s has no part %q", file, part)
		}
		return before + begin + want + end + after
	})
}

// written compares a document with what it should be, or writes it.
func written(t *testing.T, file, part string, should func(text string) string) {
	t.Helper()
	updating.Lock()
	defer updating.Unlock()
	got := document(t, file)
	want := should(got)
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	lines := strings.Split(got, "\n")
	for i, line := range strings.Split(want, "\n") {
		if i >= len(lines) || line != lines[i] {
			t.Fatalf("%s, line %d, %s (go test ./sql -update writes it):\n%s\nshould be\n%s", file, i+1, part, lines[min(i, len(lines)-1)], line)
		}
	}
	same(t, file+": lines", len(lines), strings.Count(want, "\n")+1)
}

// apiFunctions are the names of the functions that may be granted, and of those that only the owner calls.
func apiFunctions(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, file := range functionFiles(t) {
		if name, ok := strings.CutPrefix(file, "api/"); ok {
			names = append(names, strings.TrimSuffix(name, ".sql"))
		}
	}
	return names
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
	api := apiFunctions(t)
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

// The reference has every function of the API, as it is.
func TestReferenceHasEverySignature(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	installed := list[string](t, conn, `
		select concat(p.proname, '(', pg_catalog.pg_get_function_arguments(p.oid), ') returns ', pg_catalog.pg_get_function_result(p.oid))
		  from pg_catalog.pg_proc p
		 where p.proname = any ($1) and `+ours, apiFunctions(t))
	shorten := strings.NewReplacer(
		"TABLE(id bigint, key bytea, username text, payload jsonb, version bigint, createddate timestamp with time zone, expires timestamp with time zone, expiresecs integer, ttl interval, epoch uuid)", "setof session_info",
		"token text, id bigint, key bytea, username text, payload jsonb, version bigint, createddate timestamp with time zone, expires timestamp with time zone, expiresecs integer, ttl interval, epoch uuid)", "token text, session_info)",
		"TABLE(id bigint, username text, status text, payload jsonb, version bigint, createddate timestamp with time zone, lastlogin timestamp with time zone, lasthit timestamp with time zone)", "setof user_info",
		"timestamp with time zone", "timestamptz", "TABLE(", "table(", " DEFAULT '{}'::jsonb", " = '{}'", " DEFAULT ''::text", " = ''", " DEFAULT ", " = ")
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

// example is a block of psql, and what it prints.
var example = regexp.MustCompile("(?ms)^```psql\n(.*?)^```\n(?:\n```text\n.*?^```\n)?")

// The examples of the reference print, one after the other, what stands below them.
func TestReferenceExamples(t *testing.T) {
	t.Parallel()
	db := dba(t)
	for _, role := range []string{"app", "olga", "audrey"} {
		db.Exec(t, "create role "+role)
	}
	blocks := example.FindAllStringSubmatch(document(t, "README.md"), -1)
	const next = "----next example----"
	var all strings.Builder
	for _, block := range blocks {
		all.WriteString(block[1] + "\\echo " + next + "\n")
	}
	for _, name := range apiFunctions(t) {
		if !strings.Contains(all.String(), "pgsession."+name+"(") {
			t.Errorf("no example of %s", name)
		}
	}
	out := psql(t, db, "set timezone to 'UTC';\n"+all.String(), "-At", "-F | ", "-Pnull=null", "-vON_ERROR_STOP=on")
	outputs := strings.Split(masked(out), next+"\n")
	written(t, "README.md", "an example", func(text string) string {
		return example.ReplaceAllStringFunc(text, func(string) string {
			block := "```psql\n" + blocks[0][1] + "```\n"
			if output := strings.Trim(outputs[0], "\n"); output != "" {
				block += "\n```text\n" + output + "\n```\n"
			}
			blocks, outputs = blocks[1:], outputs[1:]
			return block
		})
	})
}

// signatures is a block of them.
var signatures = regexp.MustCompile("(?m)^```\\n((?:[a-z_]+\\(.*\\) returns .*\\n)+)```\\n")

// What is said of functions, up to the next ones or a heading, names the codes that their comments do.
func TestReferenceNamesTheCodes(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	text := document(t, "README.md")
	blocks := signatures.FindAllStringSubmatchIndex(text, -1)
	same(t, "signatures", len(signature.FindAllString(text, -1)) > 50 && len(blocks) > 25, true)
	for i, at := range blocks {
		end := len(text)
		if i+1 < len(blocks) {
			end = blocks[i+1][0]
		}
		about, _, _ := strings.Cut(text[at[1]:end], "\n#")
		var names []string
		for _, s := range signature.FindAllString(text[at[2]:at[3]], -1) {
			name, _, _ := strings.Cut(s, "(")
			names = append(names, name)
		}
		comments := list[string](t, conn, `select pg_catalog.obj_description(p.oid, 'pg_proc') from pg_catalog.pg_proc p
			where p.proname = any ($1) and `+ours, names)
		said, want := set(code.FindAllString(about, -1)), set(code.FindAllString(strings.Join(comments, " "), -1))
		if !slices.Equal(said, want) {
			t.Errorf("%v: the reference has %v, their comments %v", names, said, want)
		}
	}
}
