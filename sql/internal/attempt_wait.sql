create or replace function {{.schema}}.attempt_wait(p_failures integer, p_failed timestamptz)
returns interval
language plpgsql
volatile
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_cap    interval := {{.schema}}.setting('throttle_cap')::interval;
  v_excess integer := p_failures - {{.schema}}.setting('throttle_free')::integer;
  v_delay  interval;
begin
  if p_failures >= {{.schema}}.setting('throttle_stop')::integer then
    return v_cap;  -- for good: waiting does not help, and nobody is told so
  elsif p_failures = 0 or v_excess < 0 then
    return null;
  end if;
  v_delay := least(make_interval(secs => 2 ^ least(v_excess, 30)), v_cap);
  -- Not longer than that, though the clock was set back.
  return nullif(greatest(least(p_failed + v_delay - clock_timestamp(), v_delay), interval '0'), interval '0');
end
$function$;

comment on function {{.schema}}.attempt_wait(integer, timestamptz) is
  'How long to wait after so many failures, the last one then; null: no more. None of the first throttle_free costs time, then it is 1, 2, 4 seconds and so on up to throttle_cap. After throttle_stop failures it is always throttle_cap.';
