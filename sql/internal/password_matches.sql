create or replace function {{.schema}}.password_matches(p_password text, p_hash text)
returns boolean
language plpgsql
immutable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_hash text := regexp_replace(p_hash, '^[$]2[by][$]', '$2a$');  -- the same algorithm under other libraries' names
begin
  case
  when v_hash ~ '^[$]2a[$](0[4-9]|[12][0-9]|3[01])[$][./A-Za-z0-9]{53}$'  -- bcrypt
    or v_hash ~ '^[$]1[$][./A-Za-z0-9]{0,8}[$][./A-Za-z0-9]{22}$'           -- MD5-crypt
    or v_hash ~ '^_(?![.]{4})[./A-Za-z0-9]{19}$'                            -- extended DES
    or v_hash ~ '^[./A-Za-z0-9]{13}$' then                                  -- DES
    return {{.pgcrypto}}.crypt(p_password::text, v_hash::text) = v_hash;
  when v_hash ~* '^[0-9a-f]{32}$' then
    return encode({{.pgcrypto}}.digest(p_password::text, 'md5'::text), 'hex') = lower(v_hash);
  else
    return false;                                                           -- a locked account ('!', '*'), or none of these
  end case;
end
$function$;

comment on function {{.schema}}.password_matches(text, text) is
  'Whether a password matches a stored hash: bcrypt ($2a$, $2b$, $2y$), MD5-crypt ($1$), extended DES, DES or 32 hex digits of MD5. Anything else matches nothing.';
