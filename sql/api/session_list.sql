create or replace function {{.schema}}.session_list(p_username text)
returns table (
  id          bigint,
  username    text,
  version     bigint,
  createddate timestamptz,
  expires     timestamptz,
  expiresecs  integer,
  ttl         interval,
  epoch       uuid,
  origin      jsonb
)
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
#variable_conflict use_column
begin
  return query
    select s.id, s.username, s.version, s.createddate, s.expires, s.expiresecs,
           s.expires - statement_timestamp(), (select {{.schema}}.epoch()), s.origin
      from {{.schema}}.sessions s
     where s.username = p_username and (s.expires is null or s.expires > statement_timestamp())
     order by s.createddate desc, s.id desc;
end
$function$;

comment on function {{.schema}}.session_list(text) is
  'A user''s live sessions, the newest first, without key and payload.';
