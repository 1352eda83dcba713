create or replace function {{.schema}}.session_save(p_key bytea, p_payload jsonb, p_version bigint default null)
returns bigint
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_version bigint;
begin
  perform {{.schema}}.check_payload(p_payload);
  -- Locked first: the clock is looked at when nobody else has the row any more, whatever the other did to it.
  perform from {{.schema}}.sessions s where s.key = p_key for no key update;
  update {{.schema}}.sessions s
     set payload = p_payload, version = s.version + 1, expires = {{.schema}}.next_deadline(s.expires, s.expiresecs, s.ends)
   where s.key = p_key and (s.expires is null or s.expires > clock_timestamp())
     and (p_version is null or s.version = p_version)
  returning s.version into v_version;
  if not found then
    select s.version into v_version from {{.schema}}.sessions s where s.key = p_key and (s.expires is null or s.expires > clock_timestamp());
    if not found then
      perform {{.schema}}.session_gone();
    end if;
    perform {{.schema}}.fail('SE002', 'the version has moved on', 'Read again, apply the change to what is there now, and save that.',
      format('The version is %s, not %s.', v_version, p_version));
  end if;
  return v_version;
end
$function$;

comment on function {{.schema}}.session_save(bytea, jsonb, bigint) is
  'Replaces a live session''s payload, moves its idle deadline and returns the new version. With p_version, only if that is still the version: else raises SE002 and changes nothing. Raises SE001 where the session is gone (it never comes back), SE005 for a bad payload.';

create or replace function {{.schema}}.session_save(p_token text, p_payload jsonb, p_version bigint default null)
returns bigint
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  return {{.schema}}.session_save(p_key => {{.schema}}.session_key(p_token), p_payload => p_payload, p_version => p_version);
end
$function$;

comment on function {{.schema}}.session_save(text, jsonb, bigint) is
  'The same, for a token.';
