create or replace function {{.schema}}.no_session()
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
immutable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  return query
    select null::bigint, null::bytea, null::text, null::jsonb, null::bigint, null::timestamptz,
           null::timestamptz, null::integer, null::interval, null::uuid;
end
$function$;

comment on function {{.schema}}.no_session() is
  'One row of nulls in the shape of a session: what a refused login returns.';
