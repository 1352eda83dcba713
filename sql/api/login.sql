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
  v_answer record;
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

  v_answer := {{.schema}}.authenticate(p_username, p_password, p_origin, null);
  if v_answer.outcome <> 'ok' then
    return query select v_answer.outcome, v_answer.retry_after, null::text, n.* from {{.schema}}.no_session() n;
    return;
  end if;
  if v_answer.cryptpasswd is not null then
    -- The sessions first: those that carry the new hash survive the trigger on users.
    perform from {{.schema}}.sessions s where s.username = p_username order by s.key for update;
    update {{.schema}}.sessions s set cryptpasswd = v_answer.cryptpasswd where s.username = p_username;
  end if;
  perform {{.schema}}.audit_login('ok', p_username, p_origin), {{.schema}}.audit_reason('upgraded');
  update {{.schema}}.users u
     set lastlogin = statement_timestamp(), lasthit = statement_timestamp(), cryptpasswd = coalesce(v_answer.cryptpasswd, u.cryptpasswd)
   where u.id = v_answer.id;
  perform {{.schema}}.audit_reason('');
  return query
    select 'ok', null::interval, o.*
      from {{.schema}}.session_open(p_username, p_expiresecs, p_payload, p_origin, p_key) o;
end
$function$;

comment on function {{.schema}}.login(text, text, integer, jsonb, jsonb, bytea) is
  'Verifies a password and opens a session. Always one row: outcome ok with the session, or bad_credentials (also for an unknown user), disabled, pending, throttled (with retry_after), all else null. Disabled and pending are told only to who knows the password. Throttled, the password is not even looked at: after five failures in a row each costs a longer wait, but none to an address (p_origin, member address) that the user has logged in from before and that has not failed itself. With p_key (sha256 of a token that the caller made, slot in byte 0) the session is stored under it and token is null. An old or cheap hash is upgraded, which ends no session. Call it in a transaction of its own: what is rolled back is not counted, and until the transaction ends it keeps one of the few attempts that may be in progress at once. Raises SE004 where p_key is taken, SE005 for bad arguments, SE008 at REPEATABLE READ and above.';
