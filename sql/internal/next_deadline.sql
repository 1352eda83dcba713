create or replace function {{.schema}}.next_deadline(p_expires timestamptz, p_expiresecs integer, p_ends timestamptz)
returns timestamptz
language plpgsql
volatile
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  if p_expiresecs is null then
    return p_expires;
  end if;
  return greatest(p_expires, least(clock_timestamp() + make_interval(secs => p_expiresecs), p_ends));
end
$function$;

comment on function {{.schema}}.next_deadline(timestamptz, integer, timestamptz) is
  'The deadline of a live session that is used now: its idle lifetime from now, not past its absolute end, never earlier than it was.';
