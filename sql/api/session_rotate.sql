create or replace function {{.schema}}.session_rotate(p_key bytea, p_new_key bytea, p_username text default null)
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
  v_id      bigint;
  v_owner   text;
  v_expires timestamptz;
begin
  perform {{.schema}}.check_key(p_new_key);
  -- The lock order: the users row, then the session.
  if p_username is not null then
    perform {{.schema}}.check_username(p_username);
    perform from {{.schema}}.users u where u.username = p_username for share;
  end if;
  select s.id, s.username, s.expires into v_id, v_owner, v_expires
    from {{.schema}}.sessions s
   where s.key = p_key
     for no key update;
  if not found or v_expires <= clock_timestamp() then  -- looked at after waiting for the row
    perform {{.schema}}.session_gone();
  end if;
  if v_owner <> p_username then
    perform {{.schema}}.fail('SE005', 'the session belongs to another user', 'Close it and open one for this user.');
  end if;
  delete from {{.schema}}.sessions s where s.key = p_new_key and s.expires <= clock_timestamp();
  if p_new_key = p_key then
    perform {{.schema}}.fail('SE004', 'a session with this key exists', 'Make a new token.');
  end if;
  -- An UPDATE of the row, so that a concurrent revocation, which goes by id or by user, finds it.
  begin
    update {{.schema}}.sessions s
       set key = p_new_key, username = coalesce(p_username, s.username), version = s.version + 1,
           expires = {{.schema}}.next_deadline(s.expires, s.expiresecs, s.ends)
     where s.id = v_id;
  exception when unique_violation then
    perform {{.schema}}.fail('SE004', 'a session with this key exists', 'Make a new token.');
  end;
  return query
    select null::text, s.id, s.key, s.username, s.payload, s.version, s.createddate, s.expires, s.expiresecs,
           s.expires - statement_timestamp(), {{.schema}}.epoch()
      from {{.schema}}.sessions s
     where s.id = v_id;
end
$function$;

comment on function {{.schema}}.session_rotate(bytea, bytea, text) is
  'Moves a live session to a new key, with the same payload; the old key is dead at once. With p_username an anonymous session becomes that user''s. Token is null: the caller has it. Raises SE001 where the session is gone, SE003 or SE006 for a user who is unknown or not active, SE004 where the new key is taken, SE005 for bad arguments and for a session of another user.';

create or replace function {{.schema}}.session_rotate(p_token text, p_username text default null)
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
  v_key   bytea := {{.schema}}.session_key(p_token);
  v_token bytea := {{.pgcrypto}}.gen_random_bytes(33::integer);
begin
  if v_key is null then
    perform {{.schema}}.session_gone();
  end if;
  if p_username is not null then
    perform {{.schema}}.check_username(p_username);
  end if;
  v_token := set_byte(v_token, 0, coalesce({{.schema}}.slot(p_username), get_byte(v_key, 0)));
  return query
    select {{.schema}}.token_text(v_token), r.id, r.key, r.username, r.payload, r.version, r.createddate, r.expires, r.expiresecs, r.ttl, r.epoch
      from {{.schema}}.session_rotate(p_key => v_key, p_new_key => set_byte(sha256(v_token), 0, get_byte(v_token, 0)), p_username => p_username) r;
end
$function$;

comment on function {{.schema}}.session_rotate(text, text) is
  'The same, for a token: makes the new one and returns it.';
