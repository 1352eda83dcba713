create or replace function {{.schema}}.announce()
returns trigger
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  perform {{.schema}}.change_announce();
  return null;
end
$function$;

comment on function {{.schema}}.announce() is
  'After a statement: notifies what its rows have logged.';
