create or replace function {{.schema}}.bcrypt_is_current(p_hash text)
returns boolean
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  return coalesce(substring(p_hash from '^[$]2[aby][$](0[4-9]|[12][0-9]|3[01])[$][./A-Za-z0-9]{53}$')::integer >= {{.schema}}.setting('bcrypt_cost')::integer, false);
end
$function$;

comment on function {{.schema}}.bcrypt_is_current(text) is
  'Whether a stored hash is bcrypt of at least the cost that new ones get. If not, it is upgraded at the next login.';
