create or replace function {{.schema}}.attempt_slot(p_account bytea, p_address bytea, p_slot integer)
returns bigint
language plpgsql
immutable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  return ('x' || encode(substr(sha256('pgsession:attempt:{{.schema}}:'::bytea || p_account || p_address || int4send(p_slot)), 1, 8), 'hex'))::bit(64)::bigint;
end
$function$;

comment on function {{.schema}}.attempt_slot(bytea, bytea, integer) is
  'The advisory lock that stands for one of the attempts which a counter allows at once.';
