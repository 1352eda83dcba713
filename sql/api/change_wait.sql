create or replace function {{.schema}}.change_wait(p_fencing interval default null)
returns interval
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  if pg_is_in_recovery() then
    perform {{.schema}}.fail('SE007', 'the wait cannot be asked for here', 'Ask the primary (target_session_attrs=read-write): a standby may not know yet that the lease has changed.');
  end if;
  return (select t.waited from {{.schema}}.lease_times(clock_timestamp(), p_fencing) t);
end
$function$;

comment on function {{.schema}}.change_wait(interval) is
  'How long a revoker has to wait, from its question on, until no process serves what it ended, whoever does not answer: the longest lease that can be held, and 1 %, and fencing (p_fencing, where that is longer than the setting). To be asked after the commit, outside its transaction. Raises SE007 on a standby.';
