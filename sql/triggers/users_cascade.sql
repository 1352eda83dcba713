create or replace function {{.schema}}.users_cascade()
returns trigger
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  if tg_op = 'DELETE' then
    delete from {{.schema}}.sessions s
     where s.id in (select x.id from {{.schema}}.sessions x where x.username = old.username order by x.key for update);
  else
    update {{.schema}}.sessions s set username = new.username where s.username = old.username;
  end if;
  return null;
end
$function$;

comment on function {{.schema}}.users_cascade() is
  'Sessions follow their user where the foreign key does not see to it: in replica role. Elsewhere there is nothing left to do.';

create or replace trigger users_cascade_delete
  after delete on {{.schema}}.users
  for each row
  execute function {{.schema}}.users_cascade();
alter table {{.schema}}.users enable always trigger users_cascade_delete;

create or replace trigger users_cascade_update
  after update on {{.schema}}.users
  for each row
  when (new.username is distinct from old.username)
  execute function {{.schema}}.users_cascade();
alter table {{.schema}}.users enable always trigger users_cascade_update;
