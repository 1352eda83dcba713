create or replace function {{.schema}}.users_log_rename()
returns trigger
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  perform {{.schema}}.change_note('u', array[{{.schema}}.user_tag(old.username)]);
  return null;
end
$function$;

comment on function {{.schema}}.users_log_rename() is
  'Logs the old name of a renamed user.';

create or replace trigger users_log_rename
  after update on {{.schema}}.users
  for each row
  when (new.username is distinct from old.username)
  execute function {{.schema}}.users_log_rename();
alter table {{.schema}}.users enable always trigger users_log_rename;

create or replace trigger users_announce
  after update of username on {{.schema}}.users
  for each statement
  execute function {{.schema}}.announce();
alter table {{.schema}}.users enable always trigger users_announce;
