create or replace function {{.schema}}.change_leave(p_instance uuid)
returns void
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  delete from {{.schema}}.instances i where i.id = p_instance;
end
$function$;

comment on function {{.schema}}.change_leave(uuid) is
  'Ends a registration. To be called when the process no longer serves anything from memory.';
