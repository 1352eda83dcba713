create or replace function {{.schema}}.session_close(p_key bytea)
returns boolean
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_id   bigint;
  v_live boolean;
begin
  -- By id: a rotation that commits while this waits for the row does not save the session.
  select s.id into v_id from {{.schema}}.sessions s where s.key = p_key;
  if not found then
    return false;
  end if;
  delete from {{.schema}}.sessions s where s.id = v_id
  returning (s.expires is null or s.expires > statement_timestamp()) into v_live;
  return coalesce(v_live, false);
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
