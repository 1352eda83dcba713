create or replace function {{.schema}}.user_set_password(p_username text, p_password text, p_keep bytea default null)
returns integer
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_hash text;
begin
  perform {{.schema}}.check_username(p_username);
  perform {{.schema}}.check_new_password(p_password);
  if p_keep is not null then
    perform {{.schema}}.check_key(p_keep);
  end if;
  v_hash := {{.schema}}.bcrypt(p_password);
  perform from {{.schema}}.users u where u.username = p_username for no key update;
  if not found then
    perform {{.schema}}.fail('SE003', 'no such user', 'Create the user first.');
  end if;
  return {{.schema}}.set_cryptpasswd(p_username, v_hash, p_keep, 'set');
end
$function$;

comment on function {{.schema}}.user_set_password(text, text, bytea) is
  'Sets a user''s password and ends all the user''s sessions, but the one under the key p_keep. Returns how many live ones it ended. Raises SE003 where there is no such user, SE005 for a bad or too short password, SE008 at REPEATABLE READ and above.';
