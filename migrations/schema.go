package migrations

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/client"
)

// ownSchema is the comment on a schema that Up created and that Down may therefore drop.
const ownSchema = "Users and sessions of an application; created by pgsession migrate, dropped by it when it is migrated down to nothing."

// ownVersionTable is the comment on the version table. It tells the table from one that tern made there for somebody else.
const ownVersionTable = "The version of the tables of pgsession: one row, written by pgsession migrate."

// schema returns the schema's name, checked as far as that is possible without a database.
func (o Options) schema() (string, error) {
	name := o.Schema
	if name == "" {
		name = DefaultSchema
	}
	if !client.ValidSchema(name) {
		return "", fmt.Errorf("migrations: schema %q: a name is 1 to 31 lower-case letters, digits and underscores and begins with no digit", name)
	}
	if strings.HasPrefix(name, "pg_") || name == "information_schema" {
		return "", fmt.Errorf("migrations: schema %q: the name is reserved for PostgreSQL", name)
	}
	return name, nil
}

// found is what a database holds of pgsession.
type found struct {
	schemaExists bool
	schemaIsOurs bool   // Up created it
	installed    bool   // the version table exists and is ours
	version      int32  // 0 if not installed
	code         string // what version() returns; empty if the functions are not installed
	pgcrypto     string // the quoted name of the schema that the extension lives in; empty if it is not in the database
}

// querier is what lookAt needs of a connection or a transaction.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// lookAt reads the catalogue, and the version table and the functions' version where they exist.
func lookAt(ctx context.Context, db querier, schema string) (found, error) {
	var (
		f       found
		keyword bool
		hasCode bool
	)
	err := db.QueryRow(ctx, `
select pg_catalog.quote_ident($1) <> $1,
       n.oid is not null,
       coalesce(pg_catalog.obj_description(n.oid, 'pg_namespace') = $2, false),
       exists (select from pg_catalog.pg_class c
               where c.relnamespace = n.oid and c.relname = 'schema_version' and pg_catalog.obj_description(c.oid, 'pg_class') = $3),
       exists (select from pg_catalog.pg_proc p where p.pronamespace = n.oid and p.proname = 'version' and p.pronargs = 0),
       coalesce((select pg_catalog.quote_ident(e.nspname)
                 from pg_catalog.pg_extension x join pg_catalog.pg_namespace e on e.oid = x.extnamespace
                 where x.extname = 'pgcrypto'), '')
from (values (1)) as one left join pg_catalog.pg_namespace n on n.nspname = $1::text`, schema, ownSchema, ownVersionTable).
		Scan(&keyword, &f.schemaExists, &f.schemaIsOurs, &f.installed, &hasCode, &f.pgcrypto)
	if err != nil {
		return f, fmt.Errorf("look at schema %s: %w", schema, err)
	}
	if keyword {
		return f, fmt.Errorf("schema %q: the name is a keyword of SQL, take another one", schema)
	}
	if f.installed {
		if err := db.QueryRow(ctx, "select version from "+schema+".schema_version").Scan(&f.version); err != nil {
			return f, fmt.Errorf("read %s.schema_version: %w", schema, err)
		}
	}
	if f.installed && hasCode {
		if err := db.QueryRow(ctx, "select "+schema+".version()").Scan(&f.code); err != nil {
			return f, fmt.Errorf("call %s.version: %w", schema, err)
		}
	}
	return f, nil
}

// templateData is what the SQL files may fill in: the schema, and the one that holds pgcrypto, which is ours if a migration is to
// create the extension.
func templateData(schema string, f found) map[string]any {
	pgcrypto := f.pgcrypto
	if pgcrypto == "" {
		pgcrypto = schema
	}
	return map[string]any{"schema": schema, "pgcrypto": pgcrypto}
}
