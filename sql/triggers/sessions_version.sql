create or replace function {{.schema}}.sessions_version()
returns trigger
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  new.version := old.version + 1;
  return new;
end
$function$;

comment on function {{.schema}}.sessions_version() is
  'A changed session has a new version, whoever makes the change. A touch is no change.';

create or replace trigger sessions_version
  before update on {{.schema}}.sessions
  for each row
  when (new.version <= old.version
        and (new.id, new.key, new.username, new.payload, new.createddate, new.expiresecs, new.ends)
            is distinct from (old.id, old.key, old.username, old.payload, old.createddate, old.expiresecs, old.ends)
        or new.version < old.version)
  execute function {{.schema}}.sessions_version();
alter table {{.schema}}.sessions enable always trigger sessions_version;
