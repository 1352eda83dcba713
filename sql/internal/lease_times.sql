create or replace function {{.schema}}.lease_times(p_now timestamptz, p_fencing interval default null)
returns table (
  granted interval,
  waited  interval
)
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
#variable_conflict use_column
declare
  v_lease   interval := {{.schema}}.setting('lease')::interval;
  v_fencing interval := greatest({{.schema}}.setting('fencing')::interval, p_fencing);
begin
  -- A lease of a former length may be held until that long after the first poll that saw the change.
  return query
    select least(v_lease, min(c.was)), greatest(v_lease, max(c.was)) * 1.01 + v_fencing
      from {{.schema}}.lease_changes c
     where c.seen is null or c.seen + c.was * 1.01 + v_fencing > p_now;
end
$function$;

comment on function {{.schema}}.lease_times(timestamptz, interval) is
  'For how long a poll grants a lease, and how long a revoker waits who gets no answers: T(1+ρ)+F. F is the setting fencing, or p_fencing where that is longer. After the setting lease was changed, for as long as a lease of the former length may be held, that is the shorter and the longer of the two.';
