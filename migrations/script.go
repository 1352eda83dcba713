package migrations

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Script is what Up does, as text: plain SQL for psql, for a DBA to read, or for another migration tool. It has to be run in one
// transaction; it neither begins nor commits one.
type Script struct {
	Schema string `json:"schema"`
	From   int32  `json:"from"` // the version it has to meet; 0: nothing is installed
	To     int32  `json:"to"`
	SQL    string `json:"sql"`
}

// Plan returns what Up would do to the database now, without doing it. It takes no lock and changes nothing. The script fails, and
// changes nothing, in a database that is at another version by then, or has the extension in another schema; a database that it
// has been run in is as Up would have left it, and Up, Down and Status know it. A database that is too new is reported as ErrNewer,
// a schema that is in use by something else as ErrForeignObjects.
func Plan(ctx context.Context, conn *pgx.Conn, o Options) (Script, error) {
	schema, err := o.schema()
	if err != nil {
		return Script{}, err
	}
	found, err := lookAt(ctx, conn, schema)
	if err == nil && found.schemaExists && !found.installed {
		err = refuseShared(ctx, conn, schema)
	}
	if err != nil {
		return Script{}, fmt.Errorf("migrations: plan: %w", err)
	}
	return embedded().script(ctx, schema, found)
}

// PlanFrom is Plan for a database that cannot be asked: one at version from, where 0 is one without the schema. The extension
// pgcrypto is in the schema pgcrypto; empty means that the first migration creates it, or has created it, in pgsession's own.
func PlanFrom(ctx context.Context, o Options, from int32, pgcrypto string) (Script, error) {
	schema, err := o.schema()
	if err != nil {
		return Script{}, err
	}
	if from < 0 {
		return Script{}, fmt.Errorf("migrations: plan: there is no version %d", from)
	}
	return embedded().script(ctx, schema, found{schemaExists: from > 0, installed: from > 0, version: from, pgcrypto: quoteIdent(pgcrypto)})
}

// plainName is a name that the server would not quote; keywords apart, which a script then trips over.
var plainName = regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)

func quoteIdent(name string) string {
	if name == "" || plainName.MatchString(name) {
		return name
	}
	return pgx.Identifier{name}.Sanitize()
}

func (s source) script(ctx context.Context, schema string, f found) (Script, error) {
	data := templateData(schema, f)
	p, err := s.load(ctx, data)
	if err == nil {
		err = refuseNewer(schema, f.version, p.newest())
	}
	if err != nil {
		return Script{}, fmt.Errorf("migrations: plan: %w", err)
	}
	w := &scriptWriter{}
	w.section(fmt.Sprintf("pgsession: schema %s, from version %d to %d. To be run in one transaction, by the role that is to own it all.", schema, f.version, p.newest()),
		pinnedSettings, guard(schema, f))
	if !f.installed {
		w.section("The schema, and the table that its version is kept in.", createSchema(schema, f.schemaExists))
	} else {
		w.section("All tables, before anything else: no program is to wait for this script while the script waits for it.",
			lockTables(schema, f.version < p.newest()), pinnedSettings)
	}
	for _, m := range p.migrations[f.version:] {
		w.section(m.name, m.up.sql, pinnedSettings, fmt.Sprintf("update %s.schema_version set version = %d", schema, m.version))
	}
	for _, code := range p.install {
		w.section(code.file, code.sql)
	}
	w.section("The functions call those of the extension by its schema.", guardExtension(fmt.Sprint(data["pgcrypto"])))
	return Script{Schema: schema, From: f.version, To: p.newest(), SQL: w.text.String()}, nil
}

// guard has a script wait for other migrators, and fail in a database at another version than it was made for.
func guard(schema string, f found) string {
	check := ""
	if f.installed {
		check = fmt.Sprintf(`
  if (select version from %s.schema_version) <> %d then
    raise exception 'the schema %[1]s is not at version %[2]d' using hint = 'Make the plan anew.';
  end if;`, schema, f.version)
	}
	return fmt.Sprintf(`do $do$
begin
  perform pg_catalog.pg_advisory_xact_lock(%d);%s
end
$do$`, lockKey, check)
}

// guardExtension has a script fail where the extension is not in the schema, a quoted identifier, that it was made for.
func guardExtension(pgcrypto string) string {
	return fmt.Sprintf(`do $do$
begin
  if not exists (select from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace
                  where e.extname = 'pgcrypto' and pg_catalog.quote_ident(n.nspname) = '%s') then
    raise exception 'the extension pgcrypto is not in the schema that this script was made for'
      using hint = 'Make the plan anew, from this database or with the schema that pgcrypto is in.';
  end if;
end
$do$`, strings.ReplaceAll(pgcrypto, "'", "''"))
}

// scriptWriter lays out a script.
type scriptWriter struct{ text strings.Builder }

// section writes statements below a line of comment, each ended by one semicolon.
func (w *scriptWriter) section(comment string, statements ...string) {
	if w.text.Len() > 0 {
		w.text.WriteString("\n")
	}
	w.text.WriteString("-- " + comment + "\n")
	for _, sql := range statements {
		sql = strings.TrimSpace(sql)
		w.text.WriteString(sql)
		if !strings.HasSuffix(sql, ";") {
			w.text.WriteString(";")
		}
		w.text.WriteString("\n")
	}
}
