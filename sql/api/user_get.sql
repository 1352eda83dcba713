create or replace function {{.schema}}.user_get(p_username text)
returns table (
  id          bigint,
  username    text,
  status      text,
  payload     jsonb,
  version     bigint,
  createddate timestamptz,
  lastlogin   timestamptz,
  lasthit     timestamptz
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
    select u.id, u.username, u.status, u.payload, u.version, u.createddate, u.lastlogin, u.lasthit
      from {{.schema}}.users u
     where u.username = p_username;
end
$function$;

comment on function {{.schema}}.user_get(text) is
  'The user, or no row.';
