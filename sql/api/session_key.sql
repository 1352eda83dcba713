create or replace function {{.schema}}.session_key(p_token text)
returns bytea
language plpgsql
immutable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_token bytea;
begin
  if p_token ~ '^[A-Za-z0-9_-]{44}$' then
    v_token := decode(translate(p_token, '-_', '+/'), 'base64');
    return set_byte(sha256(v_token), 0, get_byte(v_token, 0));
  end if;
  return null;
end
$function$;

comment on function {{.schema}}.session_key(text) is
  'The key of a token: sha256 of its 33 bytes, byte 0 replaced by the slot. Null for what is no token (44 characters of base64url); never an error.';
