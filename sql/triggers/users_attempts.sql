create or replace function {{.schema}}.users_attempts()
returns trigger
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  -- A name that is somebody's from now on: what was guessed at it before is nothing to that user.
  if tg_op <> 'DELETE' and (tg_op = 'INSERT' or new.username <> old.username) then
    delete from {{.schema}}.login_attempts a where a.account = {{.schema}}.attempt_account(new.username);
  end if;
  -- A name that is nobody's: counted on, so that nobody can tell, but where its user was known is forgotten.
  if tg_op <> 'INSERT' and (tg_op = 'DELETE' or new.username <> old.username) then
    delete from {{.schema}}.login_attempts a where a.account = {{.schema}}.attempt_account(old.username) and a.address <> '';
  end if;
  if tg_op = 'UPDATE' and new.cryptpasswd <> old.cryptpasswd then
    update {{.schema}}.login_attempts a
       set failures = 0, spent = '{}', failed = null
     where a.account = {{.schema}}.attempt_account(new.username) and a.failures > 0;
  end if;
  return null;
end
$function$;

comment on function {{.schema}}.users_attempts() is
  'A password that is set, whoever sets it, starts the counting of failed logins anew; so does a name that is given to a user. The addresses that the user has logged in from stay known until the name goes.';

create or replace trigger users_attempts_insert_delete
  after insert or delete on {{.schema}}.users
  for each row
  execute function {{.schema}}.users_attempts();
alter table {{.schema}}.users enable always trigger users_attempts_insert_delete;

create or replace trigger users_attempts_update
  after update on {{.schema}}.users
  for each row
  when (new.username is distinct from old.username or new.cryptpasswd is distinct from old.cryptpasswd)
  execute function {{.schema}}.users_attempts();
alter table {{.schema}}.users enable always trigger users_attempts_update;
