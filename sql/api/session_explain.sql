create or replace function {{.schema}}.session_explain(p_token text)
returns text
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_key     bytea := {{.schema}}.session_key(p_token);
  v_session record;
  v_name    text;
begin
  if v_key is null then
    return 'malformed: a token is 44 characters of base64url, A-Z a-z 0-9 - _, and this is none';
  end if;
  select s.id, s.username, s.createddate, s.expires, s.expires is not distinct from s.ends as absolute
    into v_session
    from {{.schema}}.sessions s where s.key = v_key;
  if not found then
    return coalesce({{.schema}}.audit_ending(v_key),
      'unknown: no session has this token; it was closed, rotated, swept after it had expired, or never was');
  end if;
  v_name := format('session %s, %s, opened at %s', v_session.id,
    coalesce('of ' || quote_literal(v_session.username), 'anonymous'), v_session.createddate);
  case
  when v_session.expires is null then
    return format('accepted: %s, without a deadline', v_name);
  when v_session.expires > statement_timestamp() then
    return format('accepted: %s, until %s', v_name, v_session.expires);
  when v_session.absolute then
    return format('expired: %s, reached its absolute deadline at %s', v_name, v_session.expires);
  else
    return format('expired: %s, was last due to be used before %s', v_name, v_session.expires);
  end case;
end
$function$;

comment on function {{.schema}}.session_explain(text) is
  'Says why a token is accepted or not: malformed, accepted, expired, ended or rotated (of a user''s session, as long as the audit knows), or unknown, then a colon, and what more there is to say: whose it is, when it was opened and its deadline; who ended it, when and why.';
