create or replace function {{.schema}}.session_scan(p_after bigint default 0, p_limit integer default 1000)
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
  if p_after is null or p_limit is null or p_limit <= 0 then
    perform {{.schema}}.fail('SE005', 'invalid range', 'Give the id to go on after (0 to begin) and a positive number of rows.');
  end if;
  return query
    select s.id, s.key, s.username, s.payload, s.version, s.createddate, s.expires, s.expiresecs,
           s.expires - statement_timestamp(), (select {{.schema}}.epoch())
      from {{.schema}}.sessions s
     where s.id > p_after and (s.expires is null or s.expires > statement_timestamp())
     order by s.id
     limit p_limit;
end
$function$;

comment on function {{.schema}}.session_scan(bigint, integer) is
  'All live sessions, of users and anonymous, in the order of their ids: up to p_limit of them, from the first after p_after. For who goes through all of them; it tells every payload, so grant_app does not give the right to it. Raises SE005 for null and for a limit that is not positive.';
