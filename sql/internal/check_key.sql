create or replace function {{.schema}}.check_key(p_key bytea)
returns void
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  if p_key is null or octet_length(p_key) <> 32 then
    perform {{.schema}}.fail('SE005', 'invalid key', 'A key has 32 bytes: session_key(token) gives a token''s.');
  end if;
end
$function$;

comment on function {{.schema}}.check_key(bytea) is
  'Raises SE005 for what can be no key.';
