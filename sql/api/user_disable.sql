create or replace function {{.schema}}.user_disable(p_username text)
returns boolean
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  update {{.schema}}.users u set status = 'disabled' where u.username = p_username;
  return found;
end
$function$;

comment on function {{.schema}}.user_disable(text) is
  'Disables a user, which ends all the user''s sessions. False where there is no such user. Raises SE008 at REPEATABLE READ and above.';
