create or replace function {{.schema}}.sessions_log_truncate()
returns trigger
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  perform {{.schema}}.change_flush();
  return null;
end
$function$;

comment on function {{.schema}}.sessions_log_truncate() is
  'A TRUNCATE ends all sessions: logs and notifies a flush.';

create or replace trigger sessions_log_truncate
  after truncate on {{.schema}}.sessions
  for each statement
  execute function {{.schema}}.sessions_log_truncate();
alter table {{.schema}}.sessions enable always trigger sessions_log_truncate;
