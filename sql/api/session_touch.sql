create or replace function {{.schema}}.session_touch(p_keys bytea[])
returns integer
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_moved integer;
begin
  if p_keys is null then
    perform {{.schema}}.fail('SE005', 'keys must not be null', 'Give an array of keys, which may be empty.');
  end if;
  with due as (
    select s.id, s.username
      from {{.schema}}.sessions s
     where s.key = any (p_keys) and s.expires > statement_timestamp()
       and {{.schema}}.next_deadline(s.expires, s.expiresecs, s.ends) > s.expires
     order by s.key
       for no key update skip locked
  ), moved as (
    update {{.schema}}.sessions s
       set expires = {{.schema}}.next_deadline(s.expires, s.expiresecs, s.ends)
      from due
     where s.id = due.id
    returning s.username
  ), seen as (
    select u.id
      from {{.schema}}.users u
     where u.username in (select due.username from due)
       and (u.lasthit is null or u.lasthit < statement_timestamp() - interval '1 minute')
     order by u.username
       for no key update skip locked
  ), hit as (
    update {{.schema}}.users u set lasthit = statement_timestamp() from seen where u.id = seen.id
  )
  select count(*)::integer into v_moved from moved;
  return v_moved;
end
$function$;

comment on function {{.schema}}.session_touch(bytea[]) is
  'Moves the idle deadlines of live sessions that are in use, many in one call, and returns how many it moved. Never revives a session, never moves a deadline back, skips rows that are locked. Sets users.lasthit, at most once a minute. Raises SE005 for null.';
