create or replace function {{.schema}}.session_sweep(p_limit integer default 1000)
returns integer
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_swept integer := 0;
  v_count integer;
  v_later integer;
begin
  if p_limit is null or p_limit <= 0 then
    perform {{.schema}}.fail('SE005', 'invalid limit', 'The limit is a positive number of rows.');
  end if;
  -- A row found by sweep_from has expired, or was touched since it was last looked at and is put off to its
  -- present deadline. A loop, because only looking tells how many of the next rows have expired.
  perform {{.schema}}.audit_reason('swept');
  loop
    with found as (
      select s.id, s.expires
        from {{.schema}}.sessions s
       where s.sweep_from <= statement_timestamp()
       order by s.sweep_from
       limit p_limit - v_swept
         for update skip locked
    ), swept as (
      delete from {{.schema}}.sessions s using found
       where s.id = found.id and found.expires <= statement_timestamp()
      returning 1
    ), later as (
      update {{.schema}}.sessions s set sweep_from = found.expires
        from found
       where s.id = found.id and (found.expires > statement_timestamp() or found.expires is null)
      returning 1
    )
    select (select count(*)::integer from swept), (select count(*)::integer from later) into v_count, v_later;
    v_swept := v_swept + v_count;
    exit when v_swept >= p_limit or v_count + v_later = 0;
  end loop;
  perform {{.schema}}.audit_reason('');
  perform {{.schema}}.attempt_sweep(p_limit);
  perform {{.schema}}.change_purge();
  perform {{.schema}}.audit_ahead();
  return v_swept;
end
$function$;

comment on function {{.schema}}.session_sweep(integer) is
  'Removes up to p_limit expired sessions and returns how many. Skips locked rows, so any number may run at once, anywhere. Purges the change log and counters of failed logins that are out of date, and makes the audit''s next partitions, too. Raises SE005 for a limit that is not positive.';
