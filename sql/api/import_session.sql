create or replace function {{.schema}}.import_session(
  p_key bytea,
  p_username text,
  p_cryptpasswd text,
  p_createddate timestamptz,
  p_expiresecs integer,
  p_expires timestamptz,
  p_payload jsonb
)
returns text
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_now         timestamptz := statement_timestamp();
  v_lifetime    interval    := nullif({{.schema}}.setting('absolute_lifetime'), '')::interval;
  v_cryptpasswd text;
  v_status      text;
  v_lastlogin   timestamptz;
  v_ours        boolean;
begin
  perform {{.schema}}.check_key(p_key);
  if num_nulls(p_username, p_cryptpasswd, p_createddate, p_payload) > 0 or jsonb_typeof(p_payload) <> 'object'
     or not isfinite(p_createddate) or not isfinite(p_expires) then
    perform {{.schema}}.fail('SE005', 'invalid session', 'Username, cryptpasswd, createddate and payload, a JSON object, must be given; dates are finite.');
  end if;
  if exists (select from {{.schema}}.sessions s where s.key = p_key) then
    return 'exists';
  end if;
  -- xmin: this transaction imported the user, or a session of the user before.
  select u.cryptpasswd, u.status, u.lastlogin, u.xmin = pg_current_xact_id()::xid
    into v_cryptpasswd, v_status, v_lastlogin, v_ours
    from {{.schema}}.users u
   where u.username = p_username
     for no key update;
  case
    when not found then
      return 'no_user';
    when v_status <> 'active' then
      return 'not_active';
    when v_cryptpasswd <> p_cryptpasswd then
      return 'other_password';
    when p_expires <= v_now or p_createddate + v_lifetime <= v_now then
      return 'expired';
    when p_expiresecs <= 0 then
      return 'bad_lifetime';
    when octet_length(p_payload::text) > {{.schema}}.setting('payload_max')::integer then
      return 'payload_too_large';
    -- It may have been here, and been ended. What was ended does not come back.
    when not v_ours and p_createddate <= v_lastlogin then
      return 'ended';
    else
      null;
  end case;
  insert into {{.schema}}.sessions (key, username, createddate, expiresecs, expires, ends, payload)
  values (p_key, p_username, p_createddate, p_expiresecs, p_expires, p_createddate + v_lifetime, p_payload)
  on conflict (key) do nothing;
  if not found then
    return 'exists';
  end if;
  update {{.schema}}.users u
     set lastlogin = p_createddate
   where u.username = p_username and (u.lastlogin is null or u.lastlogin < p_createddate);
  return 'imported';
end
$function$;

comment on function {{.schema}}.import_session(bytea, text, text, timestamptz, integer, timestamptz, jsonb) is
  'Adds a live session of another system under the key of its identifier there (sha256 of it), with the user''s password hash of its opening. Returns imported, or, changing nothing: exists, no_user, not_active, other_password (the hash is not the user''s), expired, ended (opened no later than the last login of a user whom an earlier transaction imported: it may have been ended here), bad_lifetime, payload_too_large. Import sessions in the order of createddate, in one transaction without savepoints. A session later than lastlogin moves that. Raises SE005 for nulls, infinite dates and a payload that is no object.';
