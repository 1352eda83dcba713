create or replace function {{.schema}}.users_version()
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

comment on function {{.schema}}.users_version() is
  'A changed user has a new version, whoever makes the change.';

create or replace trigger users_version
  before update on {{.schema}}.users
  for each row
  when (new.version <= old.version
        and (new.username, new.payload, new.status) is distinct from (old.username, old.payload, old.status))
  execute function {{.schema}}.users_version();
alter table {{.schema}}.users enable always trigger users_version;
