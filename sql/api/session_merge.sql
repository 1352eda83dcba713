create or replace function {{.schema}}.session_merge(p_key bytea, p_patch jsonb)
returns table (
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
  v_payload jsonb;
begin
  perform {{.schema}}.check_patch(p_patch);
  -- A concurrent merge waits here and then merges into what this one left. Locked first: the clock is looked at when
  -- nobody else has the row any more, whatever the other did to it.
  perform from {{.schema}}.sessions s where s.key = p_key for no key update;
  update {{.schema}}.sessions s
     set payload = {{.schema}}.merge_patch(s.payload, p_patch), version = s.version + 1,
         expires = {{.schema}}.next_deadline(s.expires, s.expiresecs, s.ends)
   where s.key = p_key and (s.expires is null or s.expires > clock_timestamp())
  returning s.id, s.payload into v_id, v_payload;
  if not found then
    perform {{.schema}}.session_gone();
  end if;
  perform {{.schema}}.check_payload(v_payload);
  return query
    select s.id, s.key, s.username, s.payload, s.version, s.createddate, s.expires, s.expiresecs,
           s.expires - statement_timestamp(), {{.schema}}.epoch()
      from {{.schema}}.sessions s
     where s.id = v_id;
end
$function$;

comment on function {{.schema}}.session_merge(bytea, jsonb) is
  'Merges a patch into a live session''s payload (RFC 7396: null removes a member), moves its idle deadline and returns the session. Patches of different members that run at once both survive. Raises SE001 where the session is gone, SE005 for a bad patch or too large a result.';

create or replace function {{.schema}}.session_merge(p_token text, p_patch jsonb)
returns table (
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
begin
  return query select * from {{.schema}}.session_merge(p_key => {{.schema}}.session_key(p_token), p_patch => p_patch);
end
$function$;

comment on function {{.schema}}.session_merge(text, jsonb) is
  'The same, for a token.';
