create or replace function {{.schema}}.sessions_audit_update()
returns trigger
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_tag bigint := {{.schema}}.session_tag(old.key);
begin
  if new.key <> old.key then
    perform {{.schema}}.audit_note('session_rotated', new.username, new.id, v_tag,
      case when new.username is distinct from old.username then jsonb_build_object('from', old.username, 'to', new.username) end);
  -- Whose owner is there no more has followed a rename.
  elsif new.username is distinct from old.username
        and (old.username is null or exists (select from {{.schema}}.users u where u.username = old.username)) then
    perform {{.schema}}.audit_note('session_moved', new.username, new.id, v_tag, jsonb_build_object('from', old.username, 'to', new.username));
  end if;
  if new.expires <= statement_timestamp() and (old.expires is null or old.expires > statement_timestamp()) then
    perform {{.schema}}.audit_note('session_ended', new.username, new.id, {{.schema}}.session_tag(new.key),
      jsonb_build_object('reason', coalesce(nullif(left(current_setting('pgsession.reason', true), 200), ''), 'sql')));
  end if;
  return null;
end
$function$;

comment on function {{.schema}}.sessions_audit_update() is
  'Audits rotations, by the tag of the old key; and what only plain SQL does: a session that gets another owner, or a deadline that is past. Not of anonymous sessions.';

create or replace trigger sessions_audit_update
  after update on {{.schema}}.sessions
  for each row
  when ((new.username is not null or old.username is not null)
        and ((new.key, new.username) is distinct from (old.key, old.username)
             or new.expires <= statement_timestamp() and (old.expires is null or old.expires > statement_timestamp())))
  execute function {{.schema}}.sessions_audit_update();
alter table {{.schema}}.sessions enable always trigger sessions_audit_update;
