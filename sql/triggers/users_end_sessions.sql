create or replace function {{.schema}}.users_end_sessions()
returns trigger
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_reason text := coalesce(current_setting('pgsession.reason', true), '');
begin
  -- An opening holds the users row FOR SHARE until it commits, so that this statement, running after, sees
  -- its session. A transaction whose snapshot is older than that would not.
  perform {{.schema}}.check_isolation();
  perform {{.schema}}.audit_reason(case when new.status <> 'active' then new.status else 'password_changed' end);
  delete from {{.schema}}.sessions s
   where s.id in (select x.id from {{.schema}}.sessions x
                   where x.username = old.username
                     and (new.status <> 'active' or x.cryptpasswd is distinct from new.cryptpasswd)
                   order by x.key
                     for update);
  perform {{.schema}}.audit_reason(v_reason);
  return null;
end
$function$;

comment on function {{.schema}}.users_end_sessions() is
  'The seed''s rule: a password change ends the user''s sessions that do not carry the new hash. Leaving the status active ends them all. Raises SE008 at REPEATABLE READ and above.';

drop trigger if exists users_end_sessions on {{.schema}}.users;  -- its name in 0.1.0

-- Triggers fire in the order of their names. This one has to come before that of the foreign key (RI_…), which gives the
-- sessions their user's new name: in one UPDATE that old name may be another user's new one.
create or replace trigger "A_users_end_sessions"
  after update on {{.schema}}.users
  for each row
  when (new.cryptpasswd is distinct from old.cryptpasswd or new.status is distinct from old.status)
  execute function {{.schema}}.users_end_sessions();
alter table {{.schema}}.users enable always trigger "A_users_end_sessions";
