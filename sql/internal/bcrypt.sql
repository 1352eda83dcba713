create or replace function {{.schema}}.bcrypt(p_password text)
returns text
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  return {{.pgcrypto}}.crypt(p_password::text,
    {{.pgcrypto}}.gen_salt('bf'::text, {{.schema}}.setting('bcrypt_cost')::integer));
end
$function$;

comment on function {{.schema}}.bcrypt(text) is
  'A new bcrypt hash of a password at the cost of the setting bcrypt_cost.';
