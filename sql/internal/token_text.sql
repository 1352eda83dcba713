create or replace function {{.schema}}.token_text(p_token bytea)
returns text
language plpgsql
immutable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  return translate(encode(p_token, 'base64'), '+/', '-_');
end
$function$;

comment on function {{.schema}}.token_text(bytea) is
  'Bytes as base64url (RFC 4648, section 5). For whole groups of three bytes: no padding.';
