create or replace function {{.schema}}.audit_truncate()
returns trigger
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  perform {{.schema}}.audit_note(tg_table_name || '_truncated', null, null, null);
  return null;
end
$function$;

comment on function {{.schema}}.audit_truncate() is
  'Audits a TRUNCATE of users or sessions, which tells nobody what was in them.';

create or replace trigger sessions_audit_truncate
  after truncate on {{.schema}}.sessions
  for each statement
  execute function {{.schema}}.audit_truncate();
alter table {{.schema}}.sessions enable always trigger sessions_audit_truncate;

create or replace trigger users_audit_truncate
  after truncate on {{.schema}}.users
  for each statement
  execute function {{.schema}}.audit_truncate();
alter table {{.schema}}.users enable always trigger users_audit_truncate;
