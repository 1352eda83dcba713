create or replace function {{.schema}}.slot(p_username text)
returns integer
language plpgsql
immutable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  return get_byte(sha256(convert_to(p_username, 'UTF8')), 0);
end
$function$;

comment on function {{.schema}}.slot(text) is
  'The slot of the tokens and keys of a user: the first byte of sha256(username).';
