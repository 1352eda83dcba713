create or replace function {{.schema}}.change_log_protect()
returns trigger
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  perform {{.schema}}.fail('SE009', format('%s cannot be truncated', tg_table_name),
    'Processes would miss changes, or revokers the processes. session_sweep purges what nobody needs any more.');
  return null;
end
$function$;

comment on function {{.schema}}.change_log_protect() is
  'Refuses to TRUNCATE the change log and the register of instances. Raises SE009.';

create or replace trigger change_log_protect
  before truncate on {{.schema}}.change_log
  for each statement
  execute function {{.schema}}.change_log_protect();
alter table {{.schema}}.change_log enable always trigger change_log_protect;

create or replace trigger instances_protect
  before truncate on {{.schema}}.instances
  for each statement
  execute function {{.schema}}.change_log_protect();
alter table {{.schema}}.instances enable always trigger instances_protect;
