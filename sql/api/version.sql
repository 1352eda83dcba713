create or replace function {{.schema}}.version()
returns text
language plpgsql
immutable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  return '0.1.0';
end
$function$;

comment on function {{.schema}}.version() is
  'The version of the installed functions (semantic versioning). Clients refuse one they do not know.';
