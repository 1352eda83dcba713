create or replace function {{.schema}}.user_delete(p_username text)
returns boolean
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  -- The lock order: the users row, then the sessions by key. The cascade itself keeps none.
  perform from {{.schema}}.users u where u.username = p_username for update;
  if not found then
    return false;
  end if;
  perform from {{.schema}}.sessions s where s.username = p_username order by s.key for update;
  delete from {{.schema}}.users u where u.username = p_username;
  return true;
end
$function$;

comment on function {{.schema}}.user_delete(text) is
  'Deletes a user with all the user''s sessions. False where there is no such user.';
