create or replace function {{.schema}}.user_tag(p_username text)
returns bigint
language plpgsql
immutable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  return ('x' || encode(substr(sha256('pgsession:user:'::bytea || convert_to(p_username, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint;
end
$function$;

comment on function {{.schema}}.user_tag(text) is
  'The tag of a username: the first 8 bytes of sha256 over ''pgsession:user:'' and the username in UTF-8, big-endian.';
