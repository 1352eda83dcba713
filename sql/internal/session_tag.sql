create or replace function {{.schema}}.session_tag(p_key bytea)
returns bigint
language plpgsql
immutable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  return ('x' || encode(substr(sha256('pgsession:session:'::bytea || p_key), 1, 8), 'hex'))::bit(64)::bigint;
end
$function$;

comment on function {{.schema}}.session_tag(bytea) is
  'The tag of a session: the first 8 bytes of sha256 over ''pgsession:session:'' and the key, big-endian. What the change log and notifications say in place of the key.';
