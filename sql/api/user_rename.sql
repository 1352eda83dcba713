create or replace function {{.schema}}.user_rename(p_username text, p_new text)
returns boolean
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  perform {{.schema}}.check_username(p_new);
  -- The lock order: the users rows by name (two who swap their names would wait for each other), then the sessions by key.
  -- The cascade itself keeps none.
  perform from {{.schema}}.users u where u.username in (p_username, p_new) order by u.username for update;
  if not exists (select from {{.schema}}.users u where u.username = p_username) then
    return false;
  end if;
  perform from {{.schema}}.sessions s where s.username = p_username order by s.key for update;
  begin
    update {{.schema}}.users u set username = p_new where u.username = p_username;
  exception when unique_violation then
    perform {{.schema}}.fail('SE004', 'the user exists', 'Choose another username.');
  end;
  return true;
end
$function$;

comment on function {{.schema}}.user_rename(text, text) is
  'Renames a user; the sessions stay, as the new name''s. False where there is no such user. Raises SE004 where the new name is taken, SE005 where it can be none.';
