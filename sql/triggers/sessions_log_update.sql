create or replace function {{.schema}}.sessions_log_update()
returns trigger
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  perform {{.schema}}.change_note('s', array[{{.schema}}.session_tag(old.key)]);
  return null;
end
$function$;

comment on function {{.schema}}.sessions_log_update() is
  'Logs a change to any field that processes hold in memory, and a deadline moved closer (no deadline to some deadline is closer). Not a touch.';

create or replace trigger sessions_log_update
  after update on {{.schema}}.sessions
  for each row
  when ((new.id, new.key, new.username, new.payload, new.version, new.createddate, new.expiresecs)
          is distinct from (old.id, old.key, old.username, old.payload, old.version, old.createddate, old.expiresecs)
        or new.expires < old.expires
        or (new.expires is not null and old.expires is null))
  execute function {{.schema}}.sessions_log_update();
alter table {{.schema}}.sessions enable always trigger sessions_log_update;

create or replace trigger sessions_announce
  after update of id, key, username, payload, version, createddate, expiresecs, expires, ends on {{.schema}}.sessions
  for each statement
  execute function {{.schema}}.announce();
alter table {{.schema}}.sessions enable always trigger sessions_announce;
