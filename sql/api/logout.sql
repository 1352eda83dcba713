create or replace function {{.schema}}.logout(p_token text)
returns boolean
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  return {{.schema}}.end_session({{.schema}}.session_key(p_token), 'logout');
end
$function$;

comment on function {{.schema}}.logout(text) is
  'Ends the session of a token. True if it was live; false if there was none.';
