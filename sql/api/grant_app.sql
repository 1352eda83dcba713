create or replace function {{.schema}}.grant_app(p_role name)
returns void
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_function regprocedure;
begin
  if p_role is null then
    perform {{.schema}}.fail('SE005', 'role must not be null', 'Name the role that the application connects as.');
  end if;
  -- Two at once would fail on the same catalogue row.
  perform pg_advisory_xact_lock(hashtextextended('pgsession grant {{.schema}}', 0));
  execute format('grant usage on schema {{.schema}} to %I', p_role);
  for v_function in
    select p.oid::regprocedure
      from pg_proc p
     where p.pronamespace = '{{.schema}}'::regnamespace
       and p.proname = any (array[
         'change_ack', 'change_applied', 'change_expel', 'change_join', 'change_leave', 'change_members',
         'change_poll', 'change_ring', 'change_start', 'epoch', 'login', 'logout',
         'session_close', 'session_close_id', 'session_close_user', 'session_get', 'session_key', 'session_list',
         'session_merge', 'session_open', 'session_rotate', 'session_save', 'session_sweep', 'session_touch',
         'setting', 'stats', 'user_create', 'user_delete', 'user_get', 'user_save', 'user_set_password', 'version'])
     order by p.oid::regprocedure::text
  loop
    execute format('grant execute on function %s to %I', v_function, p_role);
  end loop;
end
$function$;

comment on function {{.schema}}.grant_app(name) is
  'Grants a role what an application needs: the functions for users and sessions, and those that keep a cache coherent. No right on any table. Can be repeated. Raises SE005 for null.';
