package migrations

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// lockKey is the advisory lock that one migrator at a time holds in a database, whatever its schema: the extension is the
// database's, so two schemas' migrators would get in each other's way too. The number is arbitrary.
const lockKey int64 = 0x7067_7365_7373_0001

// Waiting is trying again and again, each time from the beginning, and never for long: a waiting statement would hold back vacuum,
// one that waits for a table would hold up everybody behind it, and a connection whose statement is cancelled is lost.
const (
	firstWait = 10 * time.Millisecond
	longWait  = 500 * time.Millisecond
)

// errOtherMigrator is the error of an attempt that did not get the lock.
var errOtherMigrator = errors.New("another migrator is at work")

// run is one attempt at Up or Down, in a transaction that holds the lock.
type run struct {
	tx     pgx.Tx
	schema string
	found  found
	onStep func(Step)
	result Result
}

// exclusively calls do within a transaction that holds the lock, and commits. On an error everything is undone; do is called again
// if others were in the way.
func (o Options) exclusively(ctx context.Context, conn *pgx.Conn, operation string, do func(*run) error) error {
	schema, err := o.schema()
	if err != nil {
		return err
	}
	if status := conn.PgConn().TxStatus(); status != 'I' {
		return fmt.Errorf("migrations: %s: the connection is in a transaction", operation)
	}
	if o.OnStep == nil {
		o.OnStep = func(Step) {}
	}
	for wait := firstWait; ; wait = min(2*wait, longWait) {
		err := o.attempt(ctx, conn, schema, do)
		if err == nil {
			return nil
		}
		reason := inTheWay(err)
		if reason == "" {
			return fmt.Errorf("migrations: %s: %w", operation, err)
		}
		if wait == firstWait {
			o.OnStep(Step{Action: ActionWait, Name: reason})
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("migrations: %s: waiting for %s: %w", operation, reason, ctx.Err())
		case <-time.After(wait):
		}
	}
}

// inTheWay says what a failed attempt has to wait for; empty: nothing, it has failed for good.
func inTheWay(err error) string {
	var refused *pgconn.PgError
	switch {
	case errors.Is(err, errOtherMigrator):
		return "another migrator to finish"
	case errors.As(err, &refused) && (refused.Code == "55P03" || refused.Code == "40P01"): // lock_not_available, deadlock_detected
		return "a table that is in use"
	default:
		return ""
	}
}

// attempt is exclusively, once.
func (o Options) attempt(ctx context.Context, conn *pgx.Conn, schema string, do func(*run) error) error {
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite})
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer rollback(ctx, tx)
	var locked bool
	if err := tx.QueryRow(ctx, "select pg_catalog.pg_try_advisory_xact_lock($1)", lockKey).Scan(&locked); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	if !locked {
		return errOtherMigrator
	}
	r := &run{tx: tx, schema: schema, onStep: o.OnStep}
	if err := r.pinSettings(ctx); err != nil {
		return err
	}
	if r.found, err = lookAt(ctx, tx, schema); err != nil {
		return err
	}
	r.result = Result{Schema: schema, From: r.found.version, To: r.found.version, Steps: []Step{}, CodeInstalled: r.found.code != ""}
	if err := do(r); err != nil {
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// pinnedSettings make the SQL mean the same whatever the role, the database or the connection has set, until the transaction ends.
// Whoever uses the tables takes their locks in an order of its own, so that a deadlock is possible: with a lock_timeout below the
// server's deadlock_timeout it is always we who give way.
const pinnedSettings = `
set local search_path to pg_catalog, pg_temp;
set local standard_conforming_strings to on;
set local check_function_bodies to on;
set local default_tablespace to '';
set local default_table_access_method to heap;
set local client_min_messages to warning;
do $do$
begin
  perform set_config('lock_timeout', greatest(1, least(300, setting::int / 2))::text, true) from pg_settings where name = 'deadlock_timeout';
end
$do$`

func (r *run) pinSettings(ctx context.Context) error {
	if _, err := r.tx.Exec(ctx, pinnedSettings); err != nil {
		return fmt.Errorf("pin settings: %w", err)
	}
	return nil
}

// rollback undoes what was not committed, also when ctx has ended, so that the connection is given back in a usable state.
func rollback(ctx context.Context, tx pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = tx.Rollback(ctx) // fails after Commit, and on a lost connection, where the server rolls back by itself
}

func (r *run) data() map[string]any { return templateData(r.schema, r.found) }

// step announces a step and notes it in the result.
func (r *run) step(s Step) {
	r.onStep(s)
	r.result.Steps = append(r.result.Steps, s)
}

// exec runs scripts one after the other.
func (r *run) exec(ctx context.Context, scripts ...script) error {
	for _, s := range scripts {
		if _, err := r.tx.Exec(ctx, s.sql); err != nil {
			return s.explain(err)
		}
	}
	return nil
}

func (r *run) refuseNewer(newest int32) error { return refuseNewer(r.schema, r.found.version, newest) }

func refuseNewer(schema string, version, newest int32) error {
	if version > newest {
		return fmt.Errorf("%w: the schema %s is at version %d, the newest this program knows is %d", ErrNewer, schema, version, newest)
	}
	return nil
}

// prepareSchema creates the schema, unless it is there, and in it the version table, the same as tern's.
func (r *run) prepareSchema(ctx context.Context) error {
	if r.found.installed {
		return nil
	}
	if r.found.schemaExists {
		if err := refuseShared(ctx, r.tx, r.schema); err != nil {
			return err
		}
	} else {
		r.step(Step{Action: ActionCreateSchema, Name: r.schema})
	}
	return r.exec(ctx, script{file: "schema " + r.schema, line: 1, sql: createSchema(r.schema, r.found.schemaExists)})
}

// createSchema is the SQL that creates the schema, unless it exists, and in it the version table.
func createSchema(schema string, exists bool) string {
	sql := fmt.Sprintf(`create table %[1]s.schema_version (version int4 not null);
comment on table %[1]s.schema_version is '%[2]s';
insert into %[1]s.schema_version (version) values (0)`, schema, ownVersionTable)
	if !exists {
		sql = fmt.Sprintf("create schema %s;\ncomment on schema %[1]s is '%s';\n", schema, ownSchema) + sql
	}
	return sql
}

// refuseShared fails if a schema that was there before is in use: rights in it are revoked from PUBLIC, and whoever may create
// functions in it could put one in the way of ours.
func refuseShared(ctx context.Context, db querier, schema string) error {
	var object *string
	var open bool
	err := db.QueryRow(ctx, `
select (select pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid)
        from pg_catalog.pg_depend d
        where d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass and d.refobjid = n.oid
        order by 1 limit 1),
       pg_catalog.has_schema_privilege('public', n.oid, 'usage, create')
from pg_catalog.pg_namespace n where n.nspname = $1::text`, schema).Scan(&object, &open)
	switch {
	case err != nil:
		return fmt.Errorf("look into schema %s: %w", schema, err)
	case object != nil:
		return fmt.Errorf("%w: the schema %s holds %s; take a schema that is empty or does not exist yet", ErrForeignObjects, schema, *object)
	case open:
		return fmt.Errorf("every role has rights in the schema %s; take another one, or revoke all on schema %[1]s from public", schema)
	}
	return nil
}

// migrate runs one migration, up or down, and notes the version it leads to.
func (r *run) migrate(ctx context.Context, s Step, sql script) error {
	r.step(s)
	if sql.sql == "" {
		return fmt.Errorf("%s has no down part", sql.file)
	}
	if err := r.exec(ctx, sql); err != nil {
		return err
	}
	r.result.To = s.Version
	// A migration may have left other settings than it found.
	if err := r.pinSettings(ctx); err != nil {
		return err
	}
	_, err := r.tx.Exec(ctx, "update "+r.schema+".schema_version set version = $1", s.Version)
	if err != nil {
		return fmt.Errorf("note version %d: %w", s.Version, err)
	}
	return nil
}

// refuseForeignFunctions fails if the schema holds functions that are neither ours nor an extension's: uninstalling drops them all.
func (r *run) refuseForeignFunctions(ctx context.Context, ours []string) error {
	rows, err := r.tx.Query(ctx, `
select p.oid::pg_catalog.regprocedure::text
from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
where n.nspname = $1::text
  and p.proname <> all ($2::text[])
  and not exists (select from pg_catalog.pg_depend d
                  where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid and d.deptype = 'e')
order by 1`, r.schema, ours)
	if err != nil {
		return fmt.Errorf("look for other functions: %w", err)
	}
	foreign, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("look for other functions: %w", err)
	}
	if len(foreign) > 0 {
		return fmt.Errorf("%w: the schema %s holds functions that pgsession did not install: %s", ErrForeignObjects, r.schema, strings.Join(foreign, ", "))
	}
	return nil
}

// lockTables takes the locks of all tables before anything else is done: of an attempt that holds some of them for long and
// then asks for another, a program that uses the tables in another order could be the one that is told of a deadlock.
func (r *run) lockTables(ctx context.Context, exclusive bool) error {
	if !r.found.installed {
		return nil
	}
	if _, err := r.tx.Exec(ctx, lockTables(r.schema, exclusive)); err != nil {
		return fmt.Errorf("lock the tables: %w", err)
	}
	return r.pinSettings(ctx)
}

// lockTables is the SQL that locks the tables of a schema, against everybody where migrations are to run, else against who
// writes. It waits for all of them together no longer than pinnedSettings has one statement wait for one.
func lockTables(schema string, exclusive bool) string {
	mode := "share row exclusive"
	if exclusive {
		mode = "access exclusive"
	}
	return fmt.Sprintf(`do $do$
declare
  v_tables text;
  v_count  integer;
begin
  select string_agg(c.oid::regclass::text, ', ' order by c.relname), count(*) into v_tables, v_count
    from pg_class c where c.relnamespace = '%s'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
      and pg_has_role(c.relowner, 'usage');  -- not what a superuser has put there
  if v_count > 0 then
    perform set_config('lock_timeout', greatest(1, s.setting::integer / v_count)::text, true) from pg_settings s where s.name = 'lock_timeout';
    execute format('lock table %%s in %s mode', v_tables);
  end if;
end
$do$`, schema, mode)
}

// takeDown drops the functions first, because a table whose row type a function uses cannot be dropped, then undoes migrations.
func (r *run) takeDown(ctx context.Context, plan plan, to int32) error {
	if err := r.refuseForeignFunctions(ctx, plan.functions()); err != nil {
		return err
	}
	if err := r.lockTables(ctx, true); err != nil {
		return err
	}
	r.step(Step{Action: ActionUninstall})
	if err := r.exec(ctx, plan.uninstall...); err != nil {
		return err
	}
	r.result.CodeInstalled = false
	for version := r.found.version; version > to; version-- {
		m := plan.migrations[version-1]
		if err := r.migrate(ctx, Step{Action: ActionDown, Version: version - 1, Name: m.name}, m.down); err != nil {
			return err
		}
	}
	if to > 0 {
		return nil
	}
	return r.removeSchema(ctx)
}

// removeSchema drops the version table, and the schema if Up created it.
func (r *run) removeSchema(ctx context.Context) error {
	if err := r.exec(ctx, script{file: "schema " + r.schema, line: 1, sql: "drop table " + r.schema + ".schema_version"}); err != nil {
		return err
	}
	if !r.found.schemaIsOurs {
		return nil
	}
	r.step(Step{Action: ActionDropSchema, Name: r.schema})
	err := r.exec(ctx, script{file: "schema " + r.schema, line: 1, sql: "drop schema " + r.schema})
	var refused *SQLError
	if errors.As(err, &refused) && refused.Err.Code == "2BP01" {
		return fmt.Errorf("%w: %w", ErrForeignObjects, err)
	}
	return err
}
