create or replace function {{.schema}}.session_open(
  p_username text default null,
  p_expiresecs integer default null,
  p_payload jsonb default '{}',
  p_origin jsonb default null,
  p_key bytea default null
)
returns table (
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
  v_token bytea;
  v_key   bytea := p_key;
  v_id    bigint;
begin
  if p_username is not null then
    perform {{.schema}}.check_username(p_username);
  end if;
  perform {{.schema}}.check_expiresecs(p_expiresecs);
  perform {{.schema}}.check_payload(p_payload);
  perform {{.schema}}.check_origin(p_origin);
  if p_key is null then
    v_token := {{.pgcrypto}}.gen_random_bytes(33::integer);
    if p_username is not null then
      v_token := set_byte(v_token, 0, {{.schema}}.slot(p_username));
    end if;
    v_key := set_byte(sha256(v_token), 0, get_byte(v_token, 0));
  else
    perform {{.schema}}.check_key(p_key);
    -- An expired session that has not been swept yet does not keep its key. The lock order: the users row first.
    perform from {{.schema}}.users u where u.username = p_username for share;
    if exists (select from {{.schema}}.sessions s where s.key = p_key and s.expires <= statement_timestamp()) then
      delete from {{.schema}}.sessions s where s.key = p_key and s.expires <= statement_timestamp();
    end if;
  end if;
  -- Triggers see to the rest: that the user is active, the password hash, the deadlines.
  insert into {{.schema}}.sessions (key, username, expiresecs, ends, payload, origin)
  values (v_key, p_username, coalesce(p_expiresecs, extract(epoch from nullif({{.schema}}.setting('default_idle'), '')::interval)::integer),
          statement_timestamp() + nullif({{.schema}}.setting('absolute_lifetime'), '')::interval,
          p_payload, p_origin)
  on conflict (key) do nothing
  returning id into v_id;
  if not found then
    perform {{.schema}}.fail('SE004', 'a session with this key exists', 'Make a new token.');
  end if;
  return query
    select {{.schema}}.token_text(v_token), s.id, s.key, s.username, s.payload, s.version, s.createddate, s.expires, s.expiresecs,
           s.expires - statement_timestamp(), {{.schema}}.epoch()
      from {{.schema}}.sessions s
     where s.id = v_id;
end
$function$;

comment on function {{.schema}}.session_open(text, integer, jsonb, jsonb, bytea) is
  'Opens a session, of a user or (null) anonymous, with an idle lifetime in seconds or (null) that of the setting default_idle. Returns its token, which is stored nowhere, and the session. With p_key (sha256 of a token that the caller made, or of a foreign identifier) token is null. Raises SE003 for an unknown user, SE004 where the key is taken, SE005 for bad arguments, SE006 for a user who is not active.';
