create or replace function {{.schema}}.user_list(p_after text default '', p_limit integer default 100)
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
  if p_limit is null or p_limit <= 0 then
    perform {{.schema}}.fail('SE005', 'invalid limit', 'The limit is a positive number of users.');
  end if;
  return query
    select u.id, u.username, u.status, u.payload, u.version, u.createddate, u.lastlogin, u.lasthit
      from {{.schema}}.users u
     where u.username > coalesce(p_after, '')
     order by u.username
     limit p_limit;
end
$function$;

comment on function {{.schema}}.user_list(text, integer) is
  'Up to p_limit users in the order of their names, those that come after p_after: the last name of one page is where the next one starts. Raises SE005 for a limit that is not positive.';
