create or replace function {{.schema}}.change_ack(p_instance uuid, p_cursor pg_snapshot)
returns boolean
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  update {{.schema}}.instances i set applied = p_cursor where i.id = p_instance;
  return found;
end
$function$;

comment on function {{.schema}}.change_ack(uuid, pg_snapshot) is
  'Reports the cursor up to which a process has applied all changes, at once and not with its next poll. False if the process is not registered.';
