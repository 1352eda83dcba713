create or replace function {{.schema}}.attempt_address(p_account bytea, p_origin jsonb)
returns bytea
language plpgsql
immutable
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_address inet;
begin
  -- Whatever is no address is none: what an application writes there must not keep anybody out.
  begin
    v_address := host((p_origin ->> 'address')::inet)::inet;
  exception when data_exception then
    return null;
  end;
  if v_address <<= '::ffff:0:0/96' then
    v_address := '0.0.0.0'::inet + (v_address - '::ffff:0:0'::inet);  -- IPv4, as a socket for both kinds writes it
  elsif family(v_address) = 6 then
    v_address := network(set_masklen(v_address, 64));  -- a household changes its address within one /64 at will
  end if;
  return sha256('pgsession:address:'::bytea || p_account || convert_to(v_address::text, 'UTF8'));
end
$function$;

comment on function {{.schema}}.attempt_address(bytea, jsonb) is
  'What login_attempts knows a client''s address by: sha256 over ''pgsession:address:'', the account and the address in the origin, of IPv6 its /64. Null where origin holds none.';
