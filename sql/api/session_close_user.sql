create or replace function {{.schema}}.session_close_user(p_username text, p_except bytea default null)
returns bigint
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_ended bigint;
begin
  if p_username is null then
    perform {{.schema}}.fail('SE005', 'username must not be null', 'Anonymous sessions are closed one by one.');
  end if;
  perform {{.schema}}.check_isolation();
  -- The lock order: the users row, then the sessions by key.
  perform from {{.schema}}.users u where u.username = p_username for share;
  perform {{.schema}}.audit_reason('user_closed');
  with closed as (
    delete from {{.schema}}.sessions s
     where s.id in (select x.id from {{.schema}}.sessions x
                     where x.username = p_username and x.key is distinct from p_except
                     order by x.key
                       for update)
    returning (s.expires is null or s.expires > statement_timestamp()) as live
  )
  select count(*) filter (where closed.live) into v_ended from closed;
  perform {{.schema}}.audit_reason('');
  return v_ended;
end
$function$;

comment on function {{.schema}}.session_close_user(text, bytea) is
  'Ends all of a user''s sessions, but the one under the key p_except. Returns how many live ones it ended. Raises SE005 for a null username, SE008 at REPEATABLE READ and above.';
