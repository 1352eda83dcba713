create or replace function {{.schema}}.sessions_owner()
returns trigger
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_status text;
begin
  select u.cryptpasswd, u.status into new.cryptpasswd, v_status
    from {{.schema}}.users u where u.username = new.username for share;
  if not found then
    perform {{.schema}}.fail('SE003', 'no such user', 'Create the user first, or open an anonymous session.');
  elsif v_status <> 'active' then
    perform {{.schema}}.fail('SE006', format('the user is %s', v_status), 'Only an active user can have sessions.');
  end if;
  return new;
end
$function$;

comment on function {{.schema}}.sessions_owner() is
  'A session belongs to an active user and carries that user''s current password hash. A rename arrives here too, by the cascade of the foreign key, once the sessions that end have ended. Locks the users row FOR SHARE, so that a disabling or a password change either comes first or ends this session. Raises SE003 and SE006.';

create or replace trigger sessions_owner_insert
  before insert on {{.schema}}.sessions
  for each row
  when (new.username is not null)
  execute function {{.schema}}.sessions_owner();
alter table {{.schema}}.sessions enable always trigger sessions_owner_insert;

create or replace trigger sessions_owner_update
  before update on {{.schema}}.sessions
  for each row
  when (new.username is not null and new.username is distinct from old.username)
  execute function {{.schema}}.sessions_owner();
alter table {{.schema}}.sessions enable always trigger sessions_owner_update;
