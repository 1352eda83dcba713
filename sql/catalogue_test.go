package sql_test

import (
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/sql"
)

// ours restricts pg_proc p to the functions of the schema that belong to no extension.
const ours = `p.pronamespace = 'pgsession'::pg_catalog.regnamespace
	and not exists (select from pg_catalog.pg_depend d
	                 where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid and d.deptype = 'e')`

func TestEveryFunctionObeysTheRules(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	type function struct {
		Name, Settings, Comment    string
		Definer, Public, Set, Null bool
		Language                   string
	}
	rows, err := conn.Query(t.Context(), `
		select p.oid::pg_catalog.regprocedure::text as name, coalesce(array_to_string(p.proconfig, ';'), '') as settings,
		       coalesce(pg_catalog.obj_description(p.oid, 'pg_proc'), '') as comment, p.prosecdef as definer,
		       exists (select from pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a where a.grantee = 0) as public,
		       p.proretset as set, p.proisstrict as null, l.lanname::text as language
		  from pg_catalog.pg_proc p join pg_catalog.pg_language l on l.oid = p.prolang
		 where `+ours)
	if err != nil {
		t.Fatal(err)
	}
	functions, err := pgx.CollectRows(rows, pgx.RowToStructByName[function])
	if err != nil {
		t.Fatal(err)
	}
	if len(functions) < 50 {
		t.Errorf("only %d functions are installed", len(functions))
	}
	for _, f := range functions {
		if !f.Definer {
			t.Errorf("%s runs with its caller's rights", f.Name)
		}
		same(t, f.Name+": settings", f.Settings, "search_path=pg_catalog, pg_temp")
		same(t, f.Name+": language", f.Language, "plpgsql")
		if f.Public {
			t.Errorf("%s: PUBLIC may execute it", f.Name)
		}
		if f.Null {
			t.Errorf("%s is strict: a null argument would be answered with silence", f.Name)
		}
		if len(f.Comment) < 10 || !strings.HasSuffix(f.Comment, ".") {
			t.Errorf("%s: comment %q", f.Name, f.Comment)
		}
	}
}

// header is what stands between a function's arguments and its body, in this order. PostgreSQL's catalogue does not tell
// what was left out from what was said, the file does.
var header = []string{"language plpgsql", "volatile|stable|immutable", "parallel safe|parallel unsafe", "security definer", "set search_path = pg_catalog, pg_temp", "as $function$"}

func TestEveryFunctionSaysWhatItIs(t *testing.T) {
	t.Parallel()
	for _, file := range functionFiles(t) {
		for _, definition := range strings.Split(read(t, file), "create or replace function ")[1:] {
			lines := strings.Split(definition, "\n")
			at := slices.Index(lines, header[0])
			if at < 0 || at+len(header) > len(lines) {
				t.Errorf("%s: no line says %q", file, header[0])
				continue
			}
			for i, want := range header {
				if !slices.Contains(strings.Split(want, "|"), lines[at+i]) {
					t.Errorf("%s: the line %q should be %s", file, lines[at+i], want)
				}
			}
		}
	}
}

func TestOneFunctionAFile(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	installed := list[string](t, conn, "select distinct p.proname::text from pg_catalog.pg_proc p where "+ours)
	slices.Sort(installed)

	var named []string
	install := read(t, "install.sql")
	for _, file := range functionFiles(t) {
		name := strings.TrimSuffix(path.Base(file), ".sql")
		named = append(named, name)
		text := read(t, file)
		definitions := strings.Split(text, "create or replace function {{.schema}}.")[1:]
		if len(definitions) == 0 {
			t.Errorf("%s defines no function", file)
		}
		for _, definition := range definitions {
			if !strings.HasPrefix(definition, name+"(") {
				t.Errorf("%s defines %.40q", file, definition)
			}
		}
		same(t, file+": comments on functions", strings.Count(text, "comment on function {{.schema}}."+name+"("), len(definitions))
		same(t, file+": mentioned in install.sql", strings.Count(install, `{{ template "`+file+`" . }}`), 1)
	}
	slices.Sort(named)
	if !slices.Equal(installed, named) {
		t.Errorf("installed: %v\nfiles: %v", installed, named)
	}
}

func TestTriggersFireAlways(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	const triggers = "from pg_catalog.pg_trigger t join pg_catalog.pg_class c on c.oid = t.tgrelid where c.relnamespace = 'pgsession'::pg_catalog.regnamespace and not t.tgisinternal"
	if off := list[string](t, conn, "select t.tgname::text "+triggers+" and t.tgenabled <> 'A'"); len(off) > 0 {
		t.Errorf("not ENABLE ALWAYS: %v", off)
	}
	if n := one[int](t, conn, "select count(*) "+triggers); n < 12 {
		t.Errorf("only %d triggers are installed", n)
	}
	if unused := list[string](t, conn, `select p.proname::text from pg_catalog.pg_proc p where p.prorettype = 'pg_catalog.trigger'::pg_catalog.regtype
		and not exists (select `+triggers+" and t.tgfoid = p.oid) and "+ours); len(unused) > 0 {
		t.Errorf("functions of no trigger: %v", unused)
	}
}

// functionFiles are the files that hold a function each.
func functionFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	for _, folder := range []string{"api", "internal", "triggers"} {
		found, err := fs.Glob(sql.FS, folder+"/*.sql")
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	return files
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := fs.ReadFile(sql.FS, file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
