create or replace function {{.schema}}.check_expiresecs(p_expiresecs integer)
returns void
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  if p_expiresecs <= 0 then
    perform {{.schema}}.fail('SE005', 'invalid idle lifetime', 'expiresecs is a positive number of seconds, or null for none.');
  end if;
end
$function$;

comment on function {{.schema}}.check_expiresecs(integer) is
  'Raises SE005 for an idle lifetime that is not positive. Null is none.';
