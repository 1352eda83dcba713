create or replace function {{.schema}}.session_get(p_key bytea)
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
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
#variable_conflict use_column
begin
  -- The hot path: one statement. In recovery change_state cannot even be planned for.
  if pg_is_in_recovery() then
    return query
      select s.id, s.key, s.username, s.payload, s.version, s.createddate, s.expires, s.expiresecs,
             s.expires - statement_timestamp(), null::uuid
        from {{.schema}}.sessions s
       where s.key = p_key and (s.expires is null or s.expires > statement_timestamp());
  else
    return query
      select s.id, s.key, s.username, s.payload, s.version, s.createddate, s.expires, s.expiresecs,
             s.expires - statement_timestamp(),
             (select {{ template "shared/epoch.sql" }} from {{.schema}}.change_state st)
        from {{.schema}}.sessions s
       where s.key = p_key and (s.expires is null or s.expires > statement_timestamp());
  end if;
end
$function$;

comment on function {{.schema}}.session_get(bytea) is
  'The live session under a key, or no row. Reading does not move the deadline: session_touch does. The epoch is null before change_start() and in recovery.';

create or replace function {{.schema}}.session_get(p_token text)
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
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
#variable_conflict use_column
begin
  return query select * from {{.schema}}.session_get(p_key => {{.schema}}.session_key(p_token));
end
$function$;

comment on function {{.schema}}.session_get(text) is
  'The live session of a token, or no row; a malformed token has none.';
