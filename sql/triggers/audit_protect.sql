create or replace function {{.schema}}.audit_protect()
returns trigger
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  perform {{.schema}}.fail('SE009', format('%s is append-only', tg_table_name), 'audit_maintain drops the months that are older than the setting audit_retention.');
  return null;
end
$function$;

comment on function {{.schema}}.audit_protect() is
  'Refuses to change, delete or truncate what is in the audit. Raises SE009.';

-- By row, which every partition inherits, also one that is attached by hand; by statement, which says so before the
-- first row, knows TRUNCATE, and stays where a partition is detached.
create or replace trigger audit_protect_rows
  before update or delete on {{.schema}}.audit
  for each row
  execute function {{.schema}}.audit_protect();
do $do$
begin
  perform {{.schema}}.audit_guard(t.relid) from pg_catalog.pg_partition_tree('{{.schema}}.audit') t;
end
$do$;
