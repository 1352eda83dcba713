create or replace function {{.schema}}.users_audit()
returns trigger
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  if tg_op = 'INSERT' then
    perform {{.schema}}.audit_note('user_created', new.username, null, null, jsonb_build_object('status', new.status));
    return null;
  elsif tg_op = 'DELETE' then
    perform {{.schema}}.audit_note('user_deleted', old.username, null, null);
    return null;
  end if;
  if new.username <> old.username then
    perform {{.schema}}.audit_note('user_renamed', old.username, null, null, jsonb_build_object('to', new.username));
  end if;
  if new.status <> old.status then
    perform {{.schema}}.audit_note('status_changed', new.username, null, null, jsonb_build_object('from', old.status, 'to', new.status));
  end if;
  if new.cryptpasswd <> old.cryptpasswd then
    perform {{.schema}}.audit_note('password_changed', new.username, null, null,
      jsonb_build_object('reason', coalesce(nullif(left(current_setting('pgsession.reason', true), 200), ''), 'sql')));
  end if;
  return null;
end
$function$;

comment on function {{.schema}}.users_audit() is
  'Audits users made, deleted, renamed, and changed in status or password.';

create or replace trigger users_audit
  after insert or delete on {{.schema}}.users
  for each row
  execute function {{.schema}}.users_audit();
alter table {{.schema}}.users enable always trigger users_audit;

-- Before "A_users_end_sessions": what has happened comes before what follows from it.
create or replace trigger "A_users_audit"
  after update on {{.schema}}.users
  for each row
  when ((new.username, new.status, new.cryptpasswd) is distinct from (old.username, old.status, old.cryptpasswd))
  execute function {{.schema}}.users_audit();
alter table {{.schema}}.users enable always trigger "A_users_audit";
