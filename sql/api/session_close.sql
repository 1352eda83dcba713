create or replace function {{.schema}}.session_close(p_key bytea)
returns boolean
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  return {{.schema}}.end_session(p_key, 'closed');
end
$function$;

comment on function {{.schema}}.session_close(bytea) is
  'Ends a session. True if it was live; false if there was none.';

create or replace function {{.schema}}.session_close(p_token text)
returns boolean
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  return {{.schema}}.session_close(p_key => {{.schema}}.session_key(p_token));
end
$function$;

comment on function {{.schema}}.session_close(text) is
  'The same, for a token.';
