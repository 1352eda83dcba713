package migrations_test

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgsession/pgsession/internal/pgtest"
	"github.com/pgsession/pgsession/migrations"
)

const divider = "\n---- create above / drop below ----\n"

// broken are migrations and code of which one file can be replaced.
func broken(name, text string) (tables, code fstest.MapFS) {
	tables = fstest.MapFS{
		"001_first.sql":  {Data: []byte("create table {{.schema}}.a (x int);" + divider + "drop table {{.schema}}.a;")},
		"002_second.sql": {Data: []byte("create table {{.schema}}.b (x int);" + divider + "drop table {{.schema}}.b;")},
	}
	code = fstest.MapFS{
		"install.sql":     {Data: []byte("-- the code\n{{ template \"api/f.sql\" . }}\n{{ template \"api/version.sql\" . }}\n\nselect 1;\n")},
		"uninstall.sql":   {Data: []byte("drop function {{.schema}}.f(), {{.schema}}.version();")},
		"api/f.sql":       {Data: []byte("create or replace function {{.schema}}.f() returns text language sql as $$\n{{ template \"shared/s.sql\" . }}\n$$;")},
		"api/version.sql": {Data: []byte("create or replace function {{.schema}}.version() returns text language sql as $$ select '1' $$;")},
		"shared/s.sql":    {Data: []byte("{{/* a shared piece */ -}}\nselect 'x'::text")},
	}
	for _, fsys := range []fstest.MapFS{tables, code} {
		if _, ok := fsys[name]; ok {
			fsys[name] = &fstest.MapFile{Data: []byte(text)}
		}
	}
	return maps.Clone(tables), maps.Clone(code)
}

func TestFilesAreRunInOrder(t *testing.T) {
	t.Parallel()
	conn := pgtest.Empty(t).Conn(t)
	tables, code := broken("", "")
	found := everything(t, conn)
	if _, err := migrations.UpFrom(t.Context(), conn, migrations.Options{}, tables, code); err != nil {
		t.Fatal(err)
	}
	if f := one[string](t, conn, "select pgsession.f() || pgsession.version()"); f != "x1" {
		t.Errorf("the functions say %q", f)
	}
	if body := one[string](t, conn, "select prosrc from pg_catalog.pg_proc where oid = 'pgsession.f()'::regprocedure"); body != "\nselect 'x'::text\n" {
		t.Errorf("the body is not as written: %q", body)
	}
	if _, err := migrations.DownFrom(t.Context(), conn, migrations.Options{}, 0, tables, code); err != nil {
		t.Fatal(err)
	}
	if d := diff(found, everything(t, conn)); len(d) > 0 {
		t.Errorf("left: %v", d)
	}
}

func TestRefusedSQLIsShownWhereItStands(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, file, text string
		report           string
	}{
		{
			"up part", "002_second.sql",
			"-- ünïcödé\n\ncreate table {{.schema}}.b (\n\tx int,\n\ty nosuchtype\n);" + divider + "select 1;",
			"002_second.sql: ERROR: type \"nosuchtype\" does not exist (SQLSTATE 42704)\nLINE 5: \ty nosuchtype\n        \t  ^",
		},
		{
			"a function's file", "api/f.sql",
			"\ncreate or replace function {{.schema}}.f() returns text\nlanguage sql as $$ select 1 $$ nonsense;",
			"api/f.sql: ERROR: syntax error at or near \"nonsense\" (SQLSTATE 42601)\nLINE 3: language sql as $$ select 1 $$ nonsense;\n                                       ^",
		},
		{
			"the entry, behind its includes", "install.sql",
			"-- the code\n{{ template \"api/f.sql\" . }}\n\nselect nosuchcolumn;",
			"install.sql: ERROR: column \"nosuchcolumn\" does not exist (SQLSTATE 42703)\nLINE 4: select nosuchcolumn;\n               ^",
		},
		{
			"raised, with detail and hint", "001_first.sql",
			"do $$ begin raise exception 'no good' using detail = 'too bad', hint = 'be better'; end $$;",
			"001_first.sql: ERROR: no good (SQLSTATE P0001)\nDETAIL:  too bad\nHINT:  be better\nCONTEXT:  PL/pgSQL function inline_code_block line 1 at RAISE",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			conn := pgtest.Empty(t).Conn(t)
			found := everything(t, conn)
			tables, code := broken(tt.file, tt.text)
			_, err := migrations.UpFrom(t.Context(), conn, migrations.Options{}, tables, code)
			var refused *migrations.SQLError
			if !errors.As(err, &refused) {
				t.Fatalf("error: %v", err)
			}
			if got := refused.Report(); got != tt.report {
				t.Errorf("report:\n%s\nwanted:\n%s", got, tt.report)
			}
			if strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), tt.file) {
				t.Errorf("error: %q", err)
			}
			var pg *pgconn.PgError
			if !errors.As(err, &pg) || pg.Code != refused.Err.Code {
				t.Errorf("PostgreSQL's error is not to be had from %v", err)
			}
			if d := diff(found, everything(t, conn)); len(d) > 0 {
				t.Errorf("left: %v", d)
			}
		})
	}
}

func TestRefusedDownPartIsShownWhereItStands(t *testing.T) {
	t.Parallel()
	conn := pgtest.Empty(t).Conn(t)
	tables, code := broken("002_second.sql", "create table {{.schema}}.b (x int);\n"+divider+"\n\ndrop table {{.schema}}.b;\ndrop nonsense;")
	if _, err := migrations.UpFrom(t.Context(), conn, migrations.Options{}, tables, code); err != nil {
		t.Fatal(err)
	}
	_, err := migrations.DownFrom(t.Context(), conn, migrations.Options{}, 1, tables, code)
	var refused *migrations.SQLError
	if !errors.As(err, &refused) {
		t.Fatalf("error: %v", err)
	}
	if refused.Line != 7 || refused.Column != 6 || refused.Text != "drop nonsense;" {
		t.Errorf("at %d:%d: %q", refused.Line, refused.Column, refused.Text)
	}
	if f := one[string](t, conn, "select pgsession.f()"); f != "x" {
		t.Error("the functions are gone although down failed")
	}
}

func TestFilesThatCannotBeRun(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, file, text, says string }{
		{"outside a transaction", "002_second.sql", "---- tern: disable-tx ----\ncreate index concurrently i on {{.schema}}.a (x);" + divider + "drop index i;", "outside a transaction"},
		{"a broken template", "api/f.sql", "{{ .schema", "f.sql"},
		{"nothing in it", "001_first.sql", "-- nothing\n", "no sql"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			conn := pgtest.Empty(t).Conn(t)
			tables, code := broken(tt.file, tt.text)
			_, err := migrations.UpFrom(t.Context(), conn, migrations.Options{}, tables, code)
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error: %v, should say %q", err, tt.says)
			}
		})
	}
}

func TestMigrationWithoutDownPart(t *testing.T) {
	t.Parallel()
	conn := pgtest.Empty(t).Conn(t)
	tables, code := broken("002_second.sql", "create table {{.schema}}.b (x int);")
	if _, err := migrations.UpFrom(t.Context(), conn, migrations.Options{}, tables, code); err != nil {
		t.Fatal(err)
	}
	before := everything(t, conn)
	if _, err := migrations.DownFrom(t.Context(), conn, migrations.Options{}, 0, tables, code); err == nil || !strings.Contains(err.Error(), "no down part") {
		t.Errorf("error: %v", err)
	}
	if d := diff(before, everything(t, conn)); len(d) > 0 {
		t.Errorf("changed: %v", d)
	}
}
