create or replace function {{.schema}}.login(
  p_username text,
  p_password text,
  p_expiresecs integer default null,
  p_payload jsonb default '{}',
  p_origin jsonb default null,
  p_key bytea default null
)
returns table (
  outcome     text,
  retry_after interval,
  token       text,
  id          bigint,
  key         bytea,
  username    text,
  payload     jsonb,
  version     bigint,
  createddate timestamptz,
  expires     timestamptz,
  expiresecs  integer,
  ttl         interval,
  epoch       uuid
)
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
#variable_conflict use_column
declare
  v_id       bigint;
  v_hash     text;
  v_new      text;
  v_status   text;
  v_verified text;
begin
  perform {{.schema}}.check_username(p_username);
  perform {{.schema}}.check_password(p_password);
  perform {{.schema}}.check_expiresecs(p_expiresecs);
  perform {{.schema}}.check_payload(p_payload);
  perform {{.schema}}.check_origin(p_origin);
  if p_key is not null then
    perform {{.schema}}.check_key(p_key);
    if get_byte(p_key, 0) <> {{.schema}}.slot(p_username) then
      perform {{.schema}}.fail('SE005', 'the key has another slot than the user',
        'Byte 0 of the token is the first byte of sha256(username).');
    end if;
  end if;

  -- Verify without a lock, then lock and see that the hash is still the one verified. Another login may
  -- have upgraded it meanwhile, or another password been set: look again.
  loop
    select u.cryptpasswd into v_hash from {{.schema}}.users u where u.username = p_username;
    -- An unknown user, and one with a hash that costs less, cost one bcrypt like everybody else.
    -- It serves to upgrade the hash if the password is right.
    v_new := case when not found or not {{.schema}}.bcrypt_is_current(v_hash) then {{.schema}}.bcrypt(p_password) end;
    if v_hash is null or not {{.schema}}.password_matches(p_password, v_hash) then
      perform {{.schema}}.audit_login('bad_credentials', p_username, p_origin);
      return query select 'bad_credentials', null::interval, null::text, n.* from {{.schema}}.no_session() n;
      return;
    end if;
    v_verified := v_hash;
    select u.id, u.cryptpasswd, u.status into v_id, v_hash, v_status
      from {{.schema}}.users u where u.username = p_username for no key update;
    exit when found and v_hash = v_verified;
  end loop;

  if v_status <> 'active' then
    perform {{.schema}}.audit_login(v_status, p_username, p_origin);
    return query select v_status, null::interval, null::text, n.* from {{.schema}}.no_session() n;
    return;
  end if;
  if v_new is not null then
    -- The sessions first: those that carry the new hash survive the trigger on users.
    perform from {{.schema}}.sessions s where s.username = p_username order by s.key for update;
    update {{.schema}}.sessions s set cryptpasswd = v_new where s.username = p_username;
  end if;
  perform {{.schema}}.audit_login('ok', p_username, p_origin), {{.schema}}.audit_reason('upgraded');
  update {{.schema}}.users u
     set lastlogin = statement_timestamp(), lasthit = statement_timestamp(), cryptpasswd = coalesce(v_new, u.cryptpasswd)
   where u.id = v_id;
  perform {{.schema}}.audit_reason('');
  return query
    select 'ok', null::interval, o.*
      from {{.schema}}.session_open(p_username, p_expiresecs, p_payload, p_origin, p_key) o;
end
$function$;

comment on function {{.schema}}.login(text, text, integer, jsonb, jsonb, bytea) is
  'Verifies a password and opens a session. Always one row: outcome ok with the session, or bad_credentials (also for an unknown user), disabled, pending, throttled (with retry_after), all else null. Disabled and pending are told only to who knows the password. With p_key (sha256 of a token that the caller made, slot in byte 0) the session is stored under it and token is null. An old or cheap hash is upgraded, which ends no session. Raises SE004 where p_key is taken, SE005 for bad arguments, SE008 where a hash would be upgraded at REPEATABLE READ and above.';
