create or replace function {{.schema}}.change_expel(p_instance uuid, p_polls bigint)
returns boolean
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  delete from {{.schema}}.instances i where i.id = p_instance and i.polls = p_polls;
  return found;
end
$function$;

comment on function {{.schema}}.change_expel(uuid, bigint) is
  'Ends the registration of a process that has not polled since p_polls was read. Only to be called by who has seen it stand still for more than the lease, on a monotonic clock. True if it did.';
