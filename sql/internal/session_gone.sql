create or replace function {{.schema}}.session_gone()
returns void
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  perform {{.schema}}.fail('SE001', 'the session is gone', 'It was closed, has expired, or never was. Open a new one.');
end
$function$;

comment on function {{.schema}}.session_gone() is
  'Raises SE001.';
