create or replace function {{.schema}}.check_origin(p_origin jsonb)
returns void
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  if jsonb_typeof(p_origin) <> 'object' or octet_length(p_origin::text) > 4096 then
    perform {{.schema}}.fail('SE005', 'invalid origin', 'An origin is a JSON object of at most 4,096 bytes, or null.');
  end if;
end
$function$;

comment on function {{.schema}}.check_origin(jsonb) is
  'Raises SE005 for what can be no origin. Null is none.';
