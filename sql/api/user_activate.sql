create or replace function {{.schema}}.user_activate(p_username text, p_acknowledgement text)
returns boolean
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  -- Guessing at 144 random bits needs no throttle.
  update {{.schema}}.users u
     set status = 'active', activation = null, activation_ends = null
   where u.username = p_username and u.status = 'pending'
     and u.activation = sha256(convert_to(p_acknowledgement, 'UTF8'))
     and (u.activation_ends is null or u.activation_ends > statement_timestamp());
  return found;
end
$function$;

comment on function {{.schema}}.user_activate(text, text) is
  'Activates a pending user by the acknowledgement key that user_create returned. True once; false for a wrong or used key, one that is no longer good (setting activation_lifetime), and a user who is not pending. Raises SE008 at REPEATABLE READ and above.';
