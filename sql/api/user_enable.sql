create or replace function {{.schema}}.user_enable(p_username text)
returns boolean
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  update {{.schema}}.users u set status = 'active', activation = null, activation_ends = null where u.username = p_username;
  return found;
end
$function$;

comment on function {{.schema}}.user_enable(text) is
  'Makes a user active, whether disabled or pending; an acknowledgement key that is out is void. False where there is no such user. Raises SE008 at REPEATABLE READ and above.';
